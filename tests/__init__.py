"""The tests, named after the laws they keep."""
