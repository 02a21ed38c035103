"""What customers owe, beside contracts: invoices, instalments as a list, reminders, bank lines."""

__all__ = [
    "bank",
    "hand",
    "instalments",
    "invoice",
    "invoice_law",
    "measures",
    "money_bulk",
    "remind",
    "standing",
]
