"""客户画像: which segment a customer is in and why, what to offer to whom, and what came of it."""
