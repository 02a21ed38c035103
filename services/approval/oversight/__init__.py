"""What those who lead others do with requests that are not theirs to decide."""

__all__ = ["monitor", "oversight", "oversight_bulk", "overview"]
