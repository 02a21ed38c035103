"""Whoever approves a step may fill some fields."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_fills"
down_revision = "20261130_branches"
branch_labels = None
depends_on = None

KEPT = (("kept", "UPDATE"), ("stays", "DELETE"))  # a version is never changed

def upgrade() -> None:
    """Add the fields and whether they have to be filled."""
    with op.batch_alter_table("approval_step") as batch:
        batch.add_column(sa.Column("fills", sa.JSON, nullable=False, server_default="[]"))
        needed = sa.Column("fills_needed", sa.Boolean, nullable=False, server_default=sa.false())
        batch.add_column(needed)
    _guard()


def downgrade() -> None:
    """Drop them: approvers fill nothing then."""
    _unguard()
    with op.batch_alter_table("approval_step") as batch:
        for name in ("fills_needed", "fills"):
            batch.drop_column(name)
    _guard(anew=True)


def _unguard() -> None:
    table = "" if _sqlite() else " ON approval_step"
    for name, _event in KEPT:
        op.execute(f"DROP TRIGGER guard_approval_step_{name}{table}")


def _guard(*, anew: bool = False) -> None:
    """Make the triggers again, which SQLite drops with the old table."""
    act = (
        "WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'rows_are_only_added'); END"
        if _sqlite()
        else "FOR EACH ROW EXECUTE FUNCTION guard_approval_event_kept()"
    )
    for name, event in KEPT if anew or _sqlite() else ():
        op.execute(
            f"CREATE TRIGGER guard_approval_step_{name} BEFORE {event} ON approval_step {act}"
        )


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
