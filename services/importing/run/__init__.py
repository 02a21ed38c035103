"""The run: jobs, pieces, writing."""

__all__ = ["jobs", "pieces", "staging", "worker"]
