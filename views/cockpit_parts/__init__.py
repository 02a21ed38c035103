"""What a cockpit page is made of: the filter bar, the tiles, the table."""
