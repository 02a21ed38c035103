"""What every domain stands on: errors, clock, numbers, texts, money, settings, the engine."""

__all__ = [
    "clock",
    "days",
    "engine",
    "errors",
    "money",
    "numbers",
    "phones",
    "regions",
    "settings",
    "tax",
    "texts",
    "workdays",
    "worktime",
]
