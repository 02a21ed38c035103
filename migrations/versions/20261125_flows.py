"""Flows by action with conditions, modes and due times; what the further verbs need; stand-ins."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261125_flows"
down_revision = "20261125_grid_orders"
branch_labels = None
depends_on = None

USER = "user_account.id"
DECISIONS = (
    "submit approve reject give_back transfer add_sign urge comment withdraw import_in "
    "take_back remind escalate"
).split()
OLD_DECISIONS = DECISIONS[:10]
KINDS = "role person manager superior head chosen".split()
OLD_KINDS = "role person manager head".split()
STATES = ["open", "waiting", "done", "cancelled"]
LIVE = sa.text("state IN ('open', 'waiting')")
OPEN = sa.text("state = 'open'")
ACTIONS = ["create", "change", "void"]
MODES = ["any", "all", "turn"]


def upgrade() -> None:
    """Widen the approval tables and add the stand-ins."""
    _enum("approval_flow", "action", ACTIONS, add="create")
    with op.batch_alter_table("approval_flow") as batch:
        batch.drop_constraint("uq_approval_flow_noun_version", type_="unique")
        batch.create_unique_constraint(
            "uq_approval_flow_noun_action_version", ["noun", "action", "version"]
        )
    _steps()
    _enum("approval_request", "action", ACTIONS, add="create")
    op.add_column("approval_request", sa.Column("route", sa.JSON()))
    op.add_column("approval_request", sa.Column("chosen", sa.JSON()))
    _tasks()
    _events(DECISIONS)
    op.add_column(
        "batch_job", sa.Column("skipped", sa.JSON(), nullable=False, server_default="[]")
    )
    op.create_index("ix_batch_item_job_state", "batch_item", ["job_id", "state"])
    _delegation()


def _steps() -> None:
    with op.batch_alter_table("approval_step") as batch:
        batch.add_column(sa.Column("people", sa.JSON(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("level", sa.Integer(), nullable=False, server_default="1"))
        batch.add_column(sa.Column("mode", sa.String(20), nullable=False, server_default="any"))
        batch.add_column(sa.Column("condition", sa.JSON()))
        batch.add_column(sa.Column("due_hours", sa.Integer()))
        batch.add_column(
            sa.Column("escalate", sa.Boolean(), nullable=False, server_default=sa.true())
        )
    step = sa.table("approval_step", sa.column("id"), sa.column("person_id"), sa.column("people", sa.JSON()))
    bind = op.get_bind()
    for key, person in bind.execute(
        sa.select(step.c.id, step.c.person_id).where(step.c.person_id.is_not(None))
    ).all():
        bind.execute(sa.update(step).where(step.c.id == key).values(people=[person]))
    with op.batch_alter_table("approval_step") as batch:
        batch.drop_constraint("fk_approval_step_person_id", type_="foreignkey")
        batch.drop_column("person_id")
        _swap(batch, "approval_step", "approver_kind", KINDS)
        batch.create_check_constraint(op.f("ck_approval_step_step_mode"), _among("mode", MODES))
        batch.create_check_constraint(op.f("ck_approval_step_level_in_range"), "level BETWEEN 1 AND 9")
        batch.create_check_constraint(
            op.f("ck_approval_step_due_hours_positive"), "due_hours IS NULL OR due_hours > 0"
        )


def _tasks() -> None:
    with op.batch_alter_table("approval_task") as batch:
        for name, target in (
            ("after_id", "approval_task.id"), ("added_by_id", USER), ("on_behalf_of_id", USER),
        ):
            batch.add_column(sa.Column(name, sa.Integer()))
            table, key = target.split(".")
            batch.create_foreign_key(f"fk_approval_task_{name}", table, [name], [key])
        batch.add_column(sa.Column("reminded_at", UtcDateTime()))
        batch.drop_constraint("uq_approval_task_request_id_step_assignee_id", type_="unique")
        _swap(batch, "approval_task", "task_state", STATES, "state")
        _swap(batch, "approval_task", "decision", DECISIONS)
        batch.create_check_constraint(
            op.f("ck_approval_task_waiting_has_other"), "state <> 'waiting' OR after_id IS NOT NULL"
        )
    op.create_index("ix_approval_task_after_id", "approval_task", ["after_id"])
    op.create_index(
        "uq_approval_task_live", "approval_task", ["request_id", "step", "assignee_id"],
        unique=True, sqlite_where=LIVE, postgresql_where=LIVE,
    )
    op.create_index(
        "ix_approval_task_due", "approval_task", ["due_at"],
        sqlite_where=OPEN, postgresql_where=OPEN,
    )


def _events(decisions: list[str]) -> None:
    with op.batch_alter_table("approval_event") as batch:
        for name in ("on_behalf_of_id", "target_id"):
            batch.add_column(sa.Column(name, sa.Integer()))
            batch.create_foreign_key(f"fk_approval_event_{name}", "user_account", [name], ["id"])
        _swap(batch, "approval_event", "decision", decisions)
    _keep_events()


def _keep_events() -> None:
    """SQLite dropped the triggers with the old table; PostgreSQL kept them."""
    if op.get_bind().dialect.name != "sqlite":
        return
    for name, event in (("kept", "UPDATE"), ("stays", "DELETE")):
        op.execute(
            f"CREATE TRIGGER guard_approval_event_{name} BEFORE {event} ON approval_event "
            f"WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'rows_are_only_added'); END"
        )


def _delegation() -> None:
    op.create_table(
        "delegation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("delegate_id", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(200)),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("created_by_id", sa.Integer()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("to_on >= from_on", name=op.f("ck_delegation_dates_in_order")),
        sa.CheckConstraint("user_id <> delegate_id", name=op.f("ck_delegation_not_to_oneself")),
        *(
            sa.ForeignKeyConstraint([key], [USER], name=op.f(f"fk_delegation_{key}"))
            for key in ("user_id", "delegate_id", "created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation")),
    )
    for key in ("user_id", "delegate_id", "created_at"):
        op.create_index(f"ix_delegation_{key}", "delegation", [key])


def _enum(table: str, column: str, members: list[str], *, add: str) -> None:
    with op.batch_alter_table(table) as batch:
        batch.add_column(sa.Column(column, sa.String(20), nullable=False, server_default=add))
        batch.create_check_constraint(op.f(f"ck_{table}_flow_{column}"), _among(column, members))


def _swap(batch, table: str, name: str, members: list[str], column: str = "") -> None:
    batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
    batch.create_check_constraint(op.f(f"ck_{table}_{name}"), _among(column or name, members))


def _among(column: str, members: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(x) for x in members)})"


def downgrade() -> None:
    """Go back; requests that used what is new must be finished first."""
    op.drop_table("delegation")
    op.drop_index("ix_batch_item_job_state", "batch_item")
    op.drop_column("batch_job", "skipped")
    with op.batch_alter_table("approval_event") as batch:
        for name in ("on_behalf_of_id", "target_id"):
            batch.drop_constraint(f"fk_approval_event_{name}", type_="foreignkey")
            batch.drop_column(name)
        _swap(batch, "approval_event", "decision", OLD_DECISIONS)
    _keep_events()
    for name in ("ix_approval_task_after_id", "uq_approval_task_live", "ix_approval_task_due"):
        op.drop_index(name, "approval_task")
    with op.batch_alter_table("approval_task") as batch:
        batch.drop_constraint(op.f("ck_approval_task_waiting_has_other"), type_="check")
        for name in ("after_id", "added_by_id", "on_behalf_of_id"):
            batch.drop_constraint(f"fk_approval_task_{name}", type_="foreignkey")
            batch.drop_column(name)
        batch.drop_column("reminded_at")
        _swap(batch, "approval_task", "task_state", ["open", "done", "cancelled"], "state")
        _swap(batch, "approval_task", "decision", OLD_DECISIONS)
        batch.create_unique_constraint(
            "uq_approval_task_request_id_step_assignee_id", ["request_id", "step", "assignee_id"]
        )
    with op.batch_alter_table("approval_request") as batch:
        batch.drop_constraint(op.f("ck_approval_request_flow_action"), type_="check")
        for name in ("action", "route", "chosen"):
            batch.drop_column(name)
    with op.batch_alter_table("approval_step") as batch:
        for name in ("step_mode", "level_in_range", "due_hours_positive"):
            batch.drop_constraint(op.f(f"ck_approval_step_{name}"), type_="check")
        for name in ("people", "level", "mode", "condition", "due_hours", "escalate"):
            batch.drop_column(name)
        batch.add_column(sa.Column("person_id", sa.Integer()))
        batch.create_foreign_key(
            "fk_approval_step_person_id", "user_account", ["person_id"], ["id"]
        )
        _swap(batch, "approval_step", "approver_kind", OLD_KINDS)
    with op.batch_alter_table("approval_flow") as batch:
        batch.drop_constraint("uq_approval_flow_noun_action_version", type_="unique")
        batch.create_unique_constraint("uq_approval_flow_noun_version", ["noun", "version"])
        batch.drop_constraint(op.f("ck_approval_flow_flow_action"), type_="check")
        batch.drop_column("action")
