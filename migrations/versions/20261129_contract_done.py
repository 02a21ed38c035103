"""A contract that is fulfilled says since when, and why where somebody closed it by hand."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_contract_done"
down_revision = "20261129_milestone_templates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns."""
    op.add_column("contract", sa.Column("done_on", sa.Date(), nullable=True))
    op.add_column("contract", sa.Column("done_note", sa.String(200), nullable=True))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("contract", "done_note")
    op.drop_column("contract", "done_on")
