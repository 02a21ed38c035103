"""The life of a request: submitted, decided, withdrawn, changed, escalated."""

__all__ = [
    "annotations",
    "decide",
    "effects",
    "escalate",
    "events",
    "files",
    "overdue",
    "reassign",
    "request_lock",
    "set_effects",
    "submit",
    "tasks",
    "verbs",
]
