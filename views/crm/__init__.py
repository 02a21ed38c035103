"""The parts of CrmView: cells, list queries, forms, export."""
