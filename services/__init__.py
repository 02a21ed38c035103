"""What may happen: verbs and rules. Services flush and never commit; actor and clock are given."""
