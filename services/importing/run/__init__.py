"""The run: jobs, pieces, writing, undo."""

__all__ = ["jobs", "pieces", "staging", "undo", "worker"]
