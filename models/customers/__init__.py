"""Customers, their contacts and merges."""
