"""What it adds up to: one file a cockpit summary, query → frame → figure.

The database sums, pandas shapes. Statements are written over Core tables, so the read gate of the
ORM does not touch them; `scope.py` holds the cockpit's own predicate on the stamped owner.
"""
