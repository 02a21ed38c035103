"""Benchmarks: our figure, the reference in the same run, the ratio. `python -m bench [NAME…]`."""
