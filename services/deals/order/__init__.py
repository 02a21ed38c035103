"""What is delivered for a contract: orders, their milestones, the templates they start from."""

__all__ = ["deliveries", "milestones", "opening", "punctuality", "template"]
