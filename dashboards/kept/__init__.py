"""What people keep of the summaries: states under a name, and single numbers of them."""
