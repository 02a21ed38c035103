"""Volume: N customers with a realistic history, as an import of historic data would leave them.

One import request stands behind all of it: the rows are approved, bear the numbers of today and
keep their own dates (product.md section 8). Ratios a customer: 5 follow-ups, 1.5 opportunities,
0.7 contracts, 2 payments.
"""

from seed.volume.run import seed_volume

__all__ = ["seed_volume"]
