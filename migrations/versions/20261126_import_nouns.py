"""Orders keep the key of a foreign system; who imports contracts, orders, money and follow-ups."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_import_nouns"
down_revision = "20261126_beside"
branch_labels = None
depends_on = None

GRANTS = {
    "admin": ("contract:import", "order:import", "followup:import"),
    "office": ("contract:import", "order:import", "payment:import", "followup:import"),
    "finance": ("payment:import",),
}


def upgrade() -> None:
    """Add the column and give the built-in roles their new rights."""
    op.add_column("sales_order", sa.Column("external_ref", sa.String(80)))
    op.create_index("uq_sales_order_external_ref", "sales_order", ["external_ref"], unique=True)
    _grant(lambda had, more: sorted({*had, *more}))


def downgrade() -> None:
    """Take it back."""
    _grant(lambda had, more: [one for one in had if one not in more])
    op.drop_index("uq_sales_order_external_ref", "sales_order")
    op.drop_column("sales_order", "external_ref")


def _grant(change) -> None:
    role = sa.table("role", sa.column("name"), sa.column("permissions", sa.JSON))
    bind = op.get_bind()
    for name, more in GRANTS.items():
        had = bind.execute(sa.select(role.c.permissions).where(role.c.name == name)).scalar()
        if had is not None:
            bind.execute(
                sa.update(role).where(role.c.name == name).values(permissions=change(had, more))
            )
