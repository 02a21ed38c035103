"""Lists: pages by keys, filters, saved views, selections and verbs over them, export."""
