"""Products, stages, opportunities, follow-ups."""
