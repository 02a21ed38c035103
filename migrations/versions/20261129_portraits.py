"""客户画像: the table of segments, a portrait a customer, its months, offers, runs."""

import sqlalchemy as sa
from alembic import op

from models.core.types import Money, UtcDateTime, named
from models.portrait.offer import OfferKind
from models.portrait.run import RunKind

revision = "20261129_portraits"
down_revision = "20261129_view_mail"
branch_labels = None
depends_on = None

SCORES = ("r", "f", "m")


def upgrade() -> None:
    """Create the tables."""
    _segments()
    _portraits()
    _months()
    _offers()
    _runs()


def _segments() -> None:
    op.create_table(
        "segment_rule",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("code", sa.String(20), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("name_en", sa.String(60), nullable=False),
        *(sa.Column(f"{one}_{end}", sa.Integer) for one in SCORES for end in ("from", "to")),
        *(sa.Column(n, sa.Integer) for n in ("days_from", "days_to", "known_to", "orders_to")),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_by_id", sa.Integer),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_rule")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_segment_rule_created_by_id")
        ),
        sa.UniqueConstraint("code", name=op.f("uq_segment_rule_code")),
        *(
            sa.CheckConstraint(
                f"({one}_from IS NULL OR {one}_from BETWEEN 1 AND 5) AND "
                f"({one}_to IS NULL OR {one}_to BETWEEN 1 AND 5)",
                name=op.f(f"ck_segment_rule_{one}_score"),
            )
            for one in SCORES
        ),
    )
    op.create_index(op.f("ix_segment_rule_created_at"), "segment_rule", ["created_at"])
    op.create_index("ix_segment_rule_name_order", "segment_rule", ["name", "id"])


def _of_customer(table: str) -> tuple[sa.Column, sa.Column, sa.Constraint, sa.Constraint]:
    return (
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"],
            name=op.f(f"fk_{table}_customer_id"), ondelete="CASCADE",
        ),
    )


def _to_segment(table: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        ["segment_id"], ["segment_rule.id"],
        name=op.f(f"fk_{table}_segment_id"), ondelete="SET NULL",
    )


def _portraits() -> None:
    table = "customer_portrait"
    op.create_table(
        table,
        *_of_customer(table),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("segment_id", sa.Integer),
        sa.Column("recency", sa.Integer),
        sa.Column("frequency", sa.Integer, nullable=False),
        sa.Column("monetary", Money, nullable=False),
        *(sa.Column(one, sa.SmallInteger) for one in SCORES),
        sa.Column("orders", sa.Integer, nullable=False),
        *(sa.Column(one, sa.Date) for one in ("first_on", "last_on", "paid_on", "met_on")),
        sa.Column("months_active", sa.Integer, nullable=False),
        *(sa.Column(f"{one}_every", sa.Integer) for one in ("buys", "pays", "meets")),
        sa.Column("strip", sa.JSON, nullable=False),
        sa.Column("health", sa.SmallInteger),
        sa.Column("ailments", sa.JSON, nullable=False),
        sa.Column("leaving", sa.SmallInteger),
        sa.Column("causes", sa.JSON, nullable=False),
        _to_segment(table),
        sa.UniqueConstraint("customer_id", name=op.f("uq_customer_portrait_customer_id")),
        sa.CheckConstraint(
            "leaving IS NULL OR leaving BETWEEN 0 AND 1000",
            name=op.f("ck_customer_portrait_leaving_permille"),
        ),
        sa.CheckConstraint(
            "health IS NULL OR health BETWEEN 0 AND 100",
            name=op.f("ck_customer_portrait_health_percent"),
        ),
    )
    op.create_index(op.f("ix_customer_portrait_segment_id"), table, ["segment_id"])


def _months() -> None:
    table = "portrait_month"
    op.create_table(
        table,
        *_of_customer(table),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("segment_id", sa.Integer),
        _to_segment(table),
    )
    op.create_index(op.f("ix_portrait_month_customer_id"), table, ["customer_id"])
    op.create_index("ix_portrait_month_month_customer", table, ["month", "customer_id"])


def _offers() -> None:
    table = "portrait_offer"
    op.create_table(
        table,
        *_of_customer(table),
        sa.Column("product_id", sa.Integer, nullable=False),
        sa.Column("kind", named(OfferKind), nullable=False),
        sa.Column("rank", sa.SmallInteger, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("because", sa.JSON, nullable=False),
        *(sa.Column(one, sa.Integer) for one in ("times", "every", "due", "buyers")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"],
            name=op.f("fk_portrait_offer_product_id"), ondelete="CASCADE",
        ),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_portrait_offer_rank_from_one")),
    )
    op.create_index(op.f("ix_portrait_offer_customer_id"), table, ["customer_id"])
    op.create_index("ix_portrait_offer_product", table, ["product_id", "kind", "score"])


def _runs() -> None:
    op.create_table(
        "portrait_run",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kind", named(RunKind), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.Column("choice", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portrait_run")),
    )
    op.create_index("ix_portrait_run_kind_id", "portrait_run", ["kind", "id"])


def downgrade() -> None:
    """Drop them."""
    for name in (
        "portrait_run", "portrait_offer", "portrait_month", "customer_portrait", "segment_rule"
    ):
        op.drop_table(name)
