"""What it adds up to: six summaries, each rows → frame, frame → figure."""
