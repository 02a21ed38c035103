"""A cockpit page: the filter bar, the tiles, the table."""
