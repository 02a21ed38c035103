"""A contract says which one it renews."""

from alembic import op

revision = "20261129_renewed_contracts"
down_revision = "20261129_bank_lines"
branch_labels = None
depends_on = None


COLUMN = (
    "ALTER TABLE contract ADD COLUMN renews_id INTEGER "
    "CONSTRAINT fk_contract_renews_id REFERENCES contract (id) "
    "CONSTRAINT ck_contract_renews_another CHECK (renews_id IS NULL OR renews_id <> id)"
)


def upgrade() -> None:
    """Add the column; a batch would make the table anew and lose the guards written by hand."""
    op.execute(COLUMN)
    op.create_index("ix_contract_renews_id", "contract", ["renews_id"])


def downgrade() -> None:
    """Forget what was renewed; a batch would lose the guards, as above."""
    op.drop_index("ix_contract_renews_id", "contract")
    op.drop_column("contract", "renews_id")  # with its constraints, which stand in the column
