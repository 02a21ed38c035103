"""Six summaries, each rows → frame, frame → figure."""
