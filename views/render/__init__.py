"""How a value is shown: cells, files, the names that templates know."""
