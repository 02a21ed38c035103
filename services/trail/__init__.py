"""The audit log's proof, and how a person's data leave without breaking it."""

__all__ = ["chain", "erasing", "erasures", "retention"]
