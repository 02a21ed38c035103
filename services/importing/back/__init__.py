"""What an import wrote and what it was before; taking it back."""

__all__ = ["before_images", "followup_undo", "seen_versions", "stored_findings", "tagging", "undo"]
