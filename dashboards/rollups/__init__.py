"""What the cockpit keeps worked out beside the raw rows, and never believes beyond them."""
