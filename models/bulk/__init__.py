"""Jobs over many records, and tags."""
