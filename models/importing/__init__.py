"""Import jobs, their rows and problems."""
