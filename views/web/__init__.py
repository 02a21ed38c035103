"""The plumbing of a request: configuration, transaction and actor, headers, errors, language."""
