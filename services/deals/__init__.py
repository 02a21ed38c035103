"""From contract to cash: contracts, plans, orders, invoices, payments, their sums."""

__all__ = [
    "allocation",
    "allocation_import",
    "billed",
    "capital",
    "contract",
    "contract_customer",
    "contract_plan",
    "contract_sums",
    "overpayment",
    "payment",
    "payment_law",
    "progress",
    "reminders",
]
