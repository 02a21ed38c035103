"""Screens that say where an order stands: for colleagues, and for customers without an account."""
