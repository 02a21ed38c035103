"""Notices count the events of a batch and know their request; people choose how they are told."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_notice_choice"
down_revision = "20261129_oversight_verbs"
branch_labels = None
depends_on = None

PACES = "('at_once', 'daily', 'never')"
ABOUT = (("/admin/inbox/?id=", 17), ("/admin/request/?id=", 19))


def upgrade() -> None:
    """Add the columns and the table; notices of before get the request their address names."""
    op.execute(
        "ALTER TABLE notification ADD COLUMN request_id INTEGER "
        "CONSTRAINT fk_notification_request_id REFERENCES approval_request (id) ON DELETE CASCADE"
    )
    op.execute(
        "ALTER TABLE notification ADD COLUMN number INTEGER DEFAULT 1 NOT NULL "
        "CONSTRAINT ck_notification_number_positive CHECK (number >= 1)"
    )
    kind = "DATETIME" if op.get_bind().dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    op.execute(f"ALTER TABLE notification ADD COLUMN until {kind}")
    op.create_index(op.f("ix_notification_request_id"), "notification", ["request_id"])
    for start, length in ABOUT:
        key = f"CAST(substr(url, {length + 1}) AS INTEGER)"
        op.execute(
            f"UPDATE notification SET request_id = {key} WHERE substr(url, 1, {length}) = '{start}' "
            f"AND EXISTS (SELECT 1 FROM approval_request r WHERE r.id = {key})"
        )
    op.create_table(
        "notice_choice",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        *(sa.Column(one, sa.String(20), nullable=False) for one in ("tasks", "results", "others")),
        sa.Column("quiet_from", sa.Integer),
        sa.Column("quiet_to", sa.Integer),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_choice")),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_notice_choice_user_id"),
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("user_id", name=op.f("uq_notice_choice_user_id")),
        *(
            sa.CheckConstraint(f"{one} IN {PACES}", name=op.f(f"ck_notice_choice_{one}_pace"))
            for one in ("tasks", "results", "others")
        ),
        sa.CheckConstraint(
            "(quiet_from IS NULL) = (quiet_to IS NULL)",
            name=op.f("ck_notice_choice_quiet_has_both_ends"),
        ),
        sa.CheckConstraint(
            "quiet_from BETWEEN 0 AND 1439 AND quiet_to BETWEEN 0 AND 1439",
            name=op.f("ck_notice_choice_quiet_within_day"),
        ),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("notice_choice")
    op.drop_index(op.f("ix_notification_request_id"), "notification")
    for name in ("request_id", "number", "until"):
        op.drop_column("notification", name)
