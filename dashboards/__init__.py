"""What it adds up to: six summaries, each rows → frame, frame → figure. Numbers: design/cockpit.md."""
