"""One version of a flow in force; its steps are for ever; escalation with its own time."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261126_flow_versions"
down_revision = "20261126_import_lines"
branch_labels = None
depends_on = None

OLD_DECISIONS = (
    "submit approve reject give_back transfer add_sign urge comment withdraw import_in "
    "take_back remind escalate"
).split()
OLD_KINDS = (
    "task decision returned withdrawn transfer add_sign urge comment overdue escalation reminder "
    "visit instalment assigned handover pool batch import_job system"
).split()
NEW = "no_approver"
# Partial indexes are made anew: a batch on SQLite may forget their WHERE.
PARTIAL = (
    ("approval_task", "uq_approval_task_live", ["request_id", "step", "assignee_id"], True,
     "state IN ('open', 'waiting')"),
    ("approval_task", "ix_approval_task_due", ["due_at"], False, "state = 'open'"),
    ("notification", "ix_notification_unread", ["user_id"], False, "read_at IS NULL"),
)
KEPT = (
    ("approval_event", "kept", "UPDATE"), ("approval_event", "stays", "DELETE"),
    ("approval_step", "kept", "UPDATE"), ("approval_step", "stays", "DELETE"),
)


def upgrade() -> None:
    """Leave the newest active version of each flow in force and widen what escalation needs."""
    op.execute(
        "UPDATE approval_flow SET active = false WHERE active AND EXISTS (SELECT 1 FROM "
        "approval_flow AS n WHERE n.noun = approval_flow.noun AND n.action = approval_flow.action "
        "AND n.active AND n.version > approval_flow.version)"
    )
    op.create_index(
        "uq_approval_flow_active", "approval_flow", ["noun", "action"], unique=True,
        sqlite_where=sa.text("active"), postgresql_where=sa.text("active"),
    )
    with op.batch_alter_table("approval_step") as batch:
        batch.add_column(sa.Column("escalate_hours", sa.Integer()))
        batch.create_check_constraint(
            op.f("ck_approval_step_escalate_hours_positive"),
            "escalate_hours IS NULL OR escalate_hours > 0",
        )
    op.add_column("approval_task", sa.Column("escalated_at", UtcDateTime()))
    _members([*OLD_DECISIONS, NEW], [*OLD_KINDS, NEW])
    _guard("approval_event", "approval_step")


def _members(decisions: list[str], kinds: list[str]) -> None:
    for table, name, *_rest in PARTIAL:
        op.drop_index(name, table)
    for table, column, check, members in (
        ("approval_task", "decision", "decision", decisions),
        ("approval_event", "decision", "decision", decisions),
        ("notification", "kind", "notice_kind", kinds),
    ):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_{check}"), type_="check")
            batch.create_check_constraint(
                op.f(f"ck_{table}_{check}"),
                f"{column} IN ({', '.join(repr(x) for x in members)})",
            )
    for table, name, columns, unique, where in PARTIAL:
        op.create_index(
            name, table, columns, unique=unique,
            sqlite_where=sa.text(where), postgresql_where=sa.text(where),
        )


def _guard(*tables: str) -> None:
    """SQLite dropped the triggers with the old tables; PostgreSQL keeps those of the events."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, name, event in KEPT:
        if table not in tables or not (sqlite or table == "approval_step"):
            continue
        act = (
            "WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'rows_are_only_added'); END" if sqlite
            else "FOR EACH ROW EXECUTE FUNCTION guard_approval_event_kept()"
        )
        op.execute(f"CREATE TRIGGER guard_{table}_{name} BEFORE {event} ON {table} {act}")


def downgrade() -> None:
    """Go back; what was escalated or fell to the administrators must be gone first."""
    if op.get_bind().dialect.name != "sqlite":
        for table, name, _event in KEPT[2:]:
            op.execute(f"DROP TRIGGER guard_{table}_{name} ON {table}")
    _members(OLD_DECISIONS, OLD_KINDS)
    op.drop_column("approval_task", "escalated_at")
    with op.batch_alter_table("approval_step") as batch:
        batch.drop_constraint(op.f("ck_approval_step_escalate_hours_positive"), type_="check")
        batch.drop_column("escalate_hours")
    _guard("approval_event")
    op.drop_index("uq_approval_flow_active", "approval_flow")
