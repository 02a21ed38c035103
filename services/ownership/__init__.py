"""Whose customer it is: claims, returns to 公海, and the open work that goes along."""

__all__ = ["open_work", "ownership", "pool"]
