"""Screens of contracts, order progress, collections."""
