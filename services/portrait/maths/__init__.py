"""The arithmetic of portraits: pure functions over frames and arrays, without a database."""

__all__ = ["drawing", "lift", "offering", "rfm", "rhythm", "story", "trial"]
