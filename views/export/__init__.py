"""Files of rows: which columns, their values, the workbook or CSV they are written into."""
