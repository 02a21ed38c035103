"""The plumbing of a request: transaction and actor, headers, errors, language, drafts."""
