"""Other ways in than a password: single sign-on and passkeys."""
