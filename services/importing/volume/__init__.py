"""Files of any length: lines are packed, rows that belong together are found."""

__all__ = ["outcomes", "pace", "packed", "partition"]
