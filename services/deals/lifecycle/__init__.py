"""A contract's life: from its opportunity by its payment term to 履行完毕 and its renewal."""

__all__ = ["origin", "renewal", "states", "terms", "voiding"]
