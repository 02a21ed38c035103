"""Entry forms: fields, pickers, look-ups, added lines."""
