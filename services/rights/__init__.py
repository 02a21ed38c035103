"""Who may see and do what: actors, grants, sight, the read and write gates, masking, audit."""

__all__ = [
    "access",
    "actor",
    "audit",
    "call",
    "ceiling",
    "gate",
    "grants",
    "masking",
    "pending_counts",
    "row_scope",
    "rules",
    "throttle",
    "traces",
]
