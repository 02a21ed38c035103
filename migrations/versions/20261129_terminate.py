"""Events tell of requests that were ended by who leads others."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_terminate"
down_revision = "20261129_delivery_notes"
branch_labels = None
depends_on = None

BEFORE = (
    "submit approve reject give_back transfer add_sign urge comment withdraw import_in "
    "take_back remind escalate no_approver reassign"
).split()
AFTER = [*BEFORE, "terminate"]
# Partial indexes are made anew: a batch on SQLite may forget their WHERE.
PARTIAL = (
    ("uq_approval_task_live", ["request_id", "step", "assignee_id"], True,
     "state IN ('open', 'waiting')"),
    ("ix_approval_task_due", ["due_at"], False, "state = 'open'"),
)
KEPT = (("kept", "UPDATE"), ("stays", "DELETE"))


def upgrade() -> None:
    """Allow the new event."""
    _members(AFTER)


def downgrade() -> None:
    """Call such events withdrawals, as their requests are, then refuse them."""
    if not _sqlite():
        for name, _event in KEPT:
            op.execute(f"ALTER TABLE approval_event DISABLE TRIGGER guard_approval_event_{name}")
    else:
        for name, _event in KEPT:
            op.execute(f"DROP TRIGGER guard_approval_event_{name}")
    op.execute("UPDATE approval_event SET decision = 'withdraw' WHERE decision = 'terminate'")
    _members(BEFORE)
    if not _sqlite():
        for name, _event in KEPT:
            op.execute(f"ALTER TABLE approval_event ENABLE TRIGGER guard_approval_event_{name}")


def _members(decisions: list[str]) -> None:
    for name, *_rest in PARTIAL:
        op.drop_index(name, "approval_task")
    words = ", ".join(repr(one) for one in decisions)
    for table in ("approval_task", "approval_event"):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_decision"), type_="check")
            batch.create_check_constraint(op.f(f"ck_{table}_decision"), f"decision IN ({words})")
    for name, columns, unique, where in PARTIAL:
        op.create_index(
            name, "approval_task", columns, unique=unique,
            sqlite_where=sa.text(where), postgresql_where=sa.text(where),
        )
    if _sqlite():  # the old table's triggers went with it
        for name, event in KEPT:
            op.execute(
                f"CREATE TRIGGER guard_approval_event_{name} BEFORE {event} ON approval_event "
                "WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'rows_are_only_added'); END"
            )


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
