"""What the database itself keeps: guards, search tables, statistics, backups."""

__all__ = ["backup", "declared", "drill", "statistics"]
