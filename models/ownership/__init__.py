"""Whose customer it is and was: moves and hand-overs."""
