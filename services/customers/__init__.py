"""Customers: rules of entry, duplicates, merge, portrait, history."""

__all__ = ["duplicates", "history", "merge"]
