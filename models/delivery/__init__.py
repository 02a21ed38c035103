"""What leaves or is stored: notices, the outbox, attachments."""
