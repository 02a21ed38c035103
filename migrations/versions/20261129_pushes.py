"""推送: pushes, their customers, mailboxes that want none; bulk jobs also push."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime, named
from models.portrait.push import PushChannel

revision = "20261129_pushes"
down_revision = "20261129_notice_choice"
branch_labels = None
depends_on = None

BEFORE = (
    *("approve", "reject", "submit", "delete", "edit", "restore"),
    *("assign", "tag", "untag", "handover", "confirm", "remind"),
    *("reassign", "urge", "terminate"),
)
AFTER = (*BEFORE, "push")


def upgrade() -> None:
    """Create the tables, allow the verb."""
    _push()
    _items()
    op.create_table(
        "mail_stop",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("address", sa.String(120), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_stop")),
        sa.UniqueConstraint("address", name=op.f("uq_mail_stop_address")),
    )
    _allow(AFTER)


def _to(table: str, key: str, target: str, ondelete: str | None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [key], [f"{target}.id"], name=op.f(f"fk_{table}_{key}"), ondelete=ondelete
    )


def _push() -> None:
    op.create_table(
        "push_campaign",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("channel", named(PushChannel), nullable=False),
        sa.Column("product_id", sa.Integer),
        sa.Column("subject", sa.String(120)),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("due_on", sa.Date),
        sa.Column("control", sa.SmallInteger, nullable=False),
        sa.Column("days", sa.SmallInteger, nullable=False),
        sa.Column("created_by_id", sa.Integer),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_campaign")),
        _to("push_campaign", "product_id", "product", "SET NULL"),
        _to("push_campaign", "created_by_id", "user_account", None),
        sa.CheckConstraint(
            "control BETWEEN 0 AND 50", name=op.f("ck_push_campaign_control_percent")
        ),
        sa.CheckConstraint("days BETWEEN 1 AND 365", name=op.f("ck_push_campaign_days_of_answers")),
        sa.CheckConstraint(
            "channel <> 'mail' OR subject IS NOT NULL",
            name=op.f("ck_push_campaign_mail_has_subject"),
        ),
        sa.CheckConstraint(
            "channel <> 'plan' OR due_on IS NOT NULL", name=op.f("ck_push_campaign_plan_has_date")
        ),
    )
    op.create_index(op.f("ix_push_campaign_product_id"), "push_campaign", ["product_id"])
    op.create_index(op.f("ix_push_campaign_created_at"), "push_campaign", ["created_at"])


def _items() -> None:
    op.create_table(
        "push_item",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("push_id", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Integer, nullable=False),
        sa.Column("product_id", sa.Integer),
        sa.Column("control", sa.Boolean, nullable=False),
        sa.Column("plan_id", sa.Integer),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_item")),
        _to("push_item", "push_id", "push_campaign", "CASCADE"),
        _to("push_item", "customer_id", "customer", "CASCADE"),
        _to("push_item", "product_id", "product", "SET NULL"),
        _to("push_item", "plan_id", "follow_up_plan", "SET NULL"),
        sa.UniqueConstraint(
            "push_id", "customer_id", name=op.f("uq_push_item_push_id_customer_id")
        ),
    )
    for key in ("customer_id", "product_id", "plan_id"):
        op.create_index(op.f(f"ix_push_item_{key}"), "push_item", [key])


def _allow(verbs: tuple[str, ...]) -> None:
    words = ", ".join(f"'{verb}'" for verb in verbs)
    with op.batch_alter_table("batch_job") as batch:
        batch.drop_constraint(op.f("ck_batch_job_batch_verb"), type_="check")
        batch.create_check_constraint(op.f("ck_batch_job_batch_verb"), f"verb IN ({words})")


def downgrade() -> None:
    """Forget what was done with the verb, then drop the tables."""
    gone = "verb = 'push'"
    op.execute(f"DELETE FROM batch_item WHERE job_id IN (SELECT id FROM batch_job WHERE {gone})")
    op.execute(f"DELETE FROM batch_job WHERE {gone}")
    _allow(BEFORE)
    for name in ("mail_stop", "push_item", "push_campaign"):
        op.drop_table(name)
