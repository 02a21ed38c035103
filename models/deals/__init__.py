"""Contracts, plans, orders, invoices, payments."""
