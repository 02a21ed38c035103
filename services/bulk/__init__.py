"""One verb for many records: stored jobs, worked in chunks, with a result for each."""

__all__ = ["doers", "edits", "foreseen", "jobs", "record_verbs", "runner", "subjects", "tags"]
