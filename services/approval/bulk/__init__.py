"""Many requests at once: submitted and decided item by item, set-based where equal."""

__all__ = ["decisions"]
