"""Saved views, and what each person has set for a grid."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_saved_views"
down_revision = "20261126_flow_versions"
branch_labels = None
depends_on = None

SHARING = ("admin", "office", "manager", "analyst")
SHARE = "view:share"


def upgrade() -> None:
    """Add both tables and let those share who may."""
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("noun", sa.String(40), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("owner_id", sa.Integer, nullable=False),
        sa.Column("role_id", sa.Integer),
        sa.Column("query", sa.String(2000), nullable=False),
        sa.Column("created_by_id", sa.Integer),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_view"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name="fk_saved_view_owner_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["role.id"], name="fk_saved_view_role_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name="fk_saved_view_created_by_id"
        ),
        sa.UniqueConstraint("owner_id", "noun", "name", name="uq_saved_view_owner_id_noun_name"),
    )
    op.create_index("ix_saved_view_role_id", "saved_view", ["role_id"])
    op.create_index("ix_saved_view_created_at", "saved_view", ["created_at"])
    density = sa.Enum(
        "comfortable",
        "compact",
        name="density",
        native_enum=False,
        create_constraint=True,
        length=20,
    )
    op.create_table(
        "grid_setting",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("noun", sa.String(40), nullable=False),
        sa.Column("columns", sa.JSON, nullable=False, server_default="[]"),
        sa.Column("widths", sa.JSON, nullable=False, server_default="{}"),
        sa.Column("density", density, nullable=False, server_default="comfortable"),
        sa.Column("default_view_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_grid_setting"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="fk_grid_setting_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["default_view_id"],
            ["saved_view.id"],
            name="fk_grid_setting_default_view_id",
            ondelete="SET NULL",
        ),
        sa.UniqueConstraint("user_id", "noun", name="uq_grid_setting_user_id_noun"),
    )
    op.create_index("ix_grid_setting_default_view_id", "grid_setting", ["default_view_id"])
    _grant(lambda had: sorted({*had, SHARE}))


def downgrade() -> None:
    """Take it back."""
    _grant(lambda had: [one for one in had if one != SHARE])
    op.drop_table("grid_setting")
    op.drop_table("saved_view")


def _grant(change) -> None:
    role = sa.table("role", sa.column("name"), sa.column("permissions", sa.JSON))
    bind = op.get_bind()
    for name in SHARING:
        had = bind.execute(sa.select(role.c.permissions).where(role.c.name == name)).scalar()
        if had is not None:
            bind.execute(
                sa.update(role).where(role.c.name == name).values(permissions=change(had))
            )
