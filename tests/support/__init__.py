"""Plumbing the tests share."""
