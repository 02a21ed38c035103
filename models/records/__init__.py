"""What belongs to any record: dictionaries, keys of forms."""
