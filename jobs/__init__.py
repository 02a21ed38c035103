"""The worker: a doorbell (Huey) and what is done when it rings; the outbox is the truth."""
