"""A contract says its payment term; a stage says whether a contract wins what stands in it."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_contract_terms"
down_revision = "20261129_progress_links"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns."""
    op.add_column("contract", sa.Column("terms", sa.String(40), nullable=True))
    op.add_column(
        "stage",
        sa.Column("contract_wins", sa.Boolean(), nullable=False, server_default=sa.true()),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_column("stage", "contract_wins")
    op.drop_column("contract", "terms")
