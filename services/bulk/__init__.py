"""One verb for many records: stored jobs, worked in chunks, with a result for each."""

__all__ = ["beside", "doers", "edits", "foreseen", "jobs", "record_verbs", "runner", "tags"]
