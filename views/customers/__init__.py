"""Screens of customers: 360, merge, ownership."""
