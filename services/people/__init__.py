"""Accounts of colleagues and their passwords."""

__all__ = ["access_links", "passwords", "people"]
