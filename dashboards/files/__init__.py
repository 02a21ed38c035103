"""A summary as a file: its filters in words, its rows and totals, as a workbook or as paper."""
