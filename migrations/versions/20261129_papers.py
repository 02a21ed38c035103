"""Templates of the company's papers."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime, named
from models.deals.paper_template import PaperKind

revision = "20261129_papers"
down_revision = "20261129_instalments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "paper_template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("kind", named(PaperKind), nullable=False),
        sa.Column("company", sa.String(120)),
        sa.Column("head", sa.Text()),
        sa.Column("prices", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("clauses", sa.Text()),
        sa.Column("layout", sa.Text()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), sa.ForeignKey("user_account.id")),
        sa.Column("deleted_at", UtcDateTime()),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index("ix_paper_template_created_at", "paper_template", ["created_at"])
    deleted = sa.text("deleted_at IS NOT NULL")
    op.create_index(
        "ix_paper_template_deleted_at", "paper_template", ["deleted_at"],
        sqlite_where=deleted, postgresql_where=deleted,
    )  # fmt: skip
    op.create_index("ix_paper_template_name_order", "paper_template", ["name", "id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("paper_template")
