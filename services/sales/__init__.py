"""From the first visit to the won deal: opportunities, board, follow-ups, agenda."""

__all__ = [
    "agenda",
    "agenda_item",
    "belonging",
    "board",
    "calendar",
    "calendar_feed",
    "follow_up",
    "follow_up_rows",
    "next_step",
    "opportunity",
]
