"""Who has to agree: the ways of flows, approvers and stand-ins."""

__all__ = [
    "agreed_before",
    "approvers",
    "barred",
    "chosen_approvers",
    "chosen_copies",
    "fills",
    "flow",
    "forks",
    "mentions",
    "naming",
    "preview",
    "stand_ins",
    "successors",
    "unfit",
]
