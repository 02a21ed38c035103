"""The words of a mapping: where a field's text comes from, under which condition, what is known."""

__all__ = [
    "catalogue",
    "choices",
    "conditions",
    "declared",
    "numbers",
    "slots",
    "sources",
    "toml_text",
    "uploaded",
    "words",
]
