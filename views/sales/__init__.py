"""Screens of sales: opportunities, board, plans."""
