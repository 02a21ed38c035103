"""The demo company: a story of two years that ends today, told through the services themselves."""

from seed.demo.story import seed_demo

__all__ = ["seed_demo"]
