"""Contacts are found by their mailbox, by its beginning."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_mail_search"
down_revision = "20261129_worker_beat"
branch_labels = None
depends_on = None

LENGTH = 120


def upgrade() -> None:
    """Add the key, fill it and index it where there is one."""
    lite = op.get_bind().dialect.name == "sqlite"
    kind = sa.String(LENGTH) if lite else sa.String(LENGTH, collation="C")
    op.add_column("contact", sa.Column("email_key", kind))
    contact = sa.table("contact", sa.column("email"), sa.column("email_key"))
    filled = sa.update(contact).where(contact.c.email.is_not(None))
    op.execute(filled.values(email_key=sa.func.lower(contact.c.email)))
    there = sa.text("email_key IS NOT NULL")
    op.create_index(
        "ix_contact_email_key", "contact", ["email_key"],
        sqlite_where=there, postgresql_where=there,
    )  # fmt: skip


def downgrade() -> None:
    """Take the key away."""
    op.drop_index("ix_contact_email_key", "contact")
    op.drop_column("contact", "email_key")
