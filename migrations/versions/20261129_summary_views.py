"""Saved views have a note, and numbers of them stand on the home page."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_summary_views"
down_revision = "20261129_lines_sum"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the note and the table of pins."""
    op.add_column("saved_view", sa.Column("note", sa.String(500)))
    op.create_table(
        "view_pin",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("view_id", sa.Integer, nullable=False),
        sa.Column("measure", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_view_pin")),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_view_pin_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["view_id"], ["saved_view.id"], name=op.f("fk_view_pin_view_id"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "user_id", "view_id", "measure", name=op.f("uq_view_pin_user_id_view_id_measure")
        ),
    )
    op.create_index(op.f("ix_view_pin_view_id"), "view_pin", ["view_id"])


def downgrade() -> None:
    """Drop both; a view of a summary is nothing without its screens."""
    op.drop_table("view_pin")
    op.execute("DELETE FROM saved_view WHERE noun LIKE 'cockpit:%'")
    op.drop_column("saved_view", "note")
