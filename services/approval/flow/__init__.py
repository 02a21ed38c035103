"""Who has to agree: versions of flows, their editor, approvers and stand-ins."""

__all__ = [
    "approvers",
    "barred",
    "chosen_approvers",
    "draft",
    "draft_check",
    "draft_forks",
    "draft_rules",
    "drafting",
    "flow",
    "forks",
    "naming",
    "preview",
    "stand_ins",
    "successors",
    "versions",
]
