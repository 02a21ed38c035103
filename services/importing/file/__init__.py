"""What stands in a file: reading, mapping, the plan of an import and its problems."""

__all__ = [
    "aliases",
    "delimited",
    "grouping",
    "mapping",
    "plan",
    "problems",
    "reading",
    "sheets",
    "totals",
    "workbook",
    "write_order",
]
