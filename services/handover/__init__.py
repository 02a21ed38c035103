"""Somebody leaves: all or some of the work goes to others, with preview and undo."""

__all__ = ["allotment", "handover", "handover_bulk"]
