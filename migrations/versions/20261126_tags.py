"""Tags and where they are."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_tags"
down_revision = "20261126_bulk_verbs"
branch_labels = None
depends_on = None

VERBS = ("read", "create", "edit", "delete", "export")
GRANTS = {
    "admin": tuple(f"tag:{verb}" for verb in (*VERBS, "edit_own", "delete_own")),
    "office": tuple(f"tag:{verb}" for verb in ("read", "create", "edit")),
    "manager": ("tag:read", "tag:create"),
}


def upgrade() -> None:
    """Add both tables and the rights on tags."""
    colour = sa.Enum(
        "grey", "info", "ok", "warn", "bad",
        name="colour", native_enum=False, create_constraint=True, length=20,
    )  # fmt: skip
    op.create_table(
        "tag",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(30), nullable=False),
        sa.Column("colour", colour, nullable=False, server_default="grey"),
        sa.Column("created_by_id", sa.Integer),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name="pk_tag"),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name="fk_tag_created_by_id"
        ),
        sa.UniqueConstraint("name", name="uq_tag_name"),
        sa.CheckConstraint("name <> '' AND name NOT LIKE '%,%'", name="ck_tag_name_is_a_word"),
    )
    op.create_index("ix_tag_created_at", "tag", ["created_at"])
    op.create_table(
        "tagging",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("noun", sa.String(20), nullable=False),
        sa.Column("record_id", sa.Integer, nullable=False),
        sa.Column("tag_id", sa.Integer, nullable=False),
        sa.Column("by_id", sa.Integer),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tagging"),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name="fk_tagging_tag_id"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_tagging_by_id"),
        sa.UniqueConstraint(
            "noun", "record_id", "tag_id", name="uq_tagging_noun_record_id_tag_id"
        ),
    )
    op.create_index("ix_tagging_tag", "tagging", ["tag_id", "noun", "record_id"])
    _grant(lambda had, more: sorted({*had, *more}))


def downgrade() -> None:
    """Take it back."""
    _grant(lambda had, more: [one for one in had if one not in more])
    op.drop_table("tagging")
    op.drop_table("tag")


def _grant(change) -> None:
    role = sa.table("role", sa.column("name"), sa.column("permissions", sa.JSON))
    bind = op.get_bind()
    for name, more in GRANTS.items():
        had = bind.execute(sa.select(role.c.permissions).where(role.c.name == name)).scalar()
        if had is not None:
            bind.execute(
                sa.update(role).where(role.c.name == name).values(permissions=change(had, more))
            )
