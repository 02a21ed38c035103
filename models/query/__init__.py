"""Saved views and the settings of grids."""
