"""Roles, reference data, the demo company and volume data."""
