"""Accounts of colleagues and their passwords."""

__all__ = [
    "access_links",
    "first_run",
    "identities",
    "notice_choices",
    "passkeys",
    "passwords",
    "people",
    "second_factor",
    "sessions",
]
