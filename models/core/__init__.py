"""What every table stands on: base classes, fields and their facts, types, declarations."""
