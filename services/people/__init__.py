"""Accounts of colleagues and their passwords."""

__all__ = ["passwords", "people"]
