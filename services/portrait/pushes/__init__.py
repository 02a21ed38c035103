"""推送: who is reached and who is not, tasks and mails, what came of it, who wants no mail."""

__all__ = ["law", "pushing", "stops", "tracked"]
