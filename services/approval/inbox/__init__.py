"""What people see of requests: queue, copies, timeline, comparison, figures."""

__all__ = [
    "cc",
    "compare",
    "current_assignees",
    "decision_times",
    "inbox",
    "last_batch",
    "my_requests",
    "request_search",
    "subjects",
    "task_links",
    "timeline",
    "trial",
    "unmasking",
    "way",
    "worded",
]
