"""Any record, whatever it is: its fields and lines, how it is saved, deleted and frozen."""

__all__ = [
    "dictionary",
    "drafts",
    "fields",
    "idempotency",
    "line_savers",
    "lines",
    "lookup",
    "many",
    "owner_stamps",
    "parsing",
    "records",
    "related",
    "settlement",
    "snapshot",
]
