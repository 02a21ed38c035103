"""Which records: conditions, filters, full-text search, saved views; SQL of both databases."""

__all__ = [
    "alerts",
    "beside",
    "condition_sql",
    "condition_values",
    "conditions",
    "filters",
    "linked",
    "phone_search",
    "pins",
    "portable",
    "saved_views",
    "search",
    "subscriptions",
]
