"""Who has to agree: versions of flows, their editor, approvers and stand-ins."""

__all__ = [
    "approvers",
    "barred",
    "chosen_approvers",
    "draft",
    "draft_check",
    "draft_rules",
    "drafting",
    "flow",
    "naming",
    "preview",
    "stand_ins",
    "successors",
    "versions",
]
