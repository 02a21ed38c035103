"""What a person chooses for a file before it runs: where its table is, what its columns mean."""

__all__ = ["cells", "choosing", "findings", "guessing", "table_choice", "template"]
