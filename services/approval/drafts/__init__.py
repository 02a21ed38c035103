"""Versions of flows: written as people type them, checked, put in force."""

__all__ = ["draft", "draft_check", "draft_rules", "drafting", "versions"]
