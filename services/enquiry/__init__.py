"""Where an order stands: for colleagues, and for customers without an account."""

__all__ = ["followers", "inside", "links", "outside", "standing"]
