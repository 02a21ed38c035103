"""Who works here: users, roles, departments."""
