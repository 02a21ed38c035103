"""The dry run: rows become planned records, everything wrong is told."""

__all__ = [
    "finding",
    "form_records",
    "history_rows",
    "line_matching",
    "noun_rules",
    "planning",
    "record_outcomes",
    "resolving",
    "rows",
]
