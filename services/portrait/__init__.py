"""客户画像: who customers are, who is leaving, what to offer, and whether that is any good."""

__all__ = ["census", "evaluate", "offered", "own_segments", "page", "recompute"]
