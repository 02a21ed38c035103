"""What is delivered for a contract: orders, their milestones, the templates they start from."""

__all__ = ["deliveries", "goods", "milestones", "opening", "punctuality", "shipping", "template"]
