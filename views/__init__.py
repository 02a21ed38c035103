"""What is shown: Flask-Admin screens, the cockpit pages and the plumbing of a request."""
