"""What leaves or is stored: notices, mails, attachments, workbooks."""

__all__ = [
    "attachment",
    "attention",
    "filestore",
    "filetypes",
    "heartbeat",
    "letters",
    "mail_times",
    "notices",
    "outbox",
    "outbox_care",
    "outcome",
    "robots",
    "workbook",
]
