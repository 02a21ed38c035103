"""Accounts of colleagues and their passwords."""

__all__ = [
    "access_links",
    "first_run",
    "notice_choices",
    "passwords",
    "people",
    "second_factor",
    "sessions",
]
