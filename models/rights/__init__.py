"""What is kept of who did what: the audit log, log-in attempts."""
