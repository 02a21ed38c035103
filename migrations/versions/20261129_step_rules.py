"""Steps may give copies alone, take agreement of before, and be come back to."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "20261129_step_rules"
down_revision = "20261129_needs"
branch_labels = None
depends_on = None

BEFORE = ("any", "all", "turn")
KEPT = (("kept", "UPDATE"), ("stays", "DELETE"))  # a version is never changed


def upgrade() -> None:
    """Allow the mode and add the two rules."""
    with op.batch_alter_table("approval_step") as batch:
        for name in ("collapse", "resume"):
            batch.add_column(sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
        _modes(batch, (*BEFORE, "cc"))
    _guard()


def downgrade() -> None:
    """Drop steps that give copies, then the columns."""
    _unguard()
    op.execute("DELETE FROM approval_step WHERE mode = 'cc'")
    with op.batch_alter_table("approval_step") as batch:
        _modes(batch, BEFORE)
        for name in ("collapse", "resume"):
            batch.drop_column(name)
    _guard(anew=True)


def _modes(batch: BatchOperations, known: tuple[str, ...]) -> None:
    words = ", ".join(f"'{mode}'" for mode in known)
    batch.drop_constraint(op.f("ck_approval_step_step_mode"), type_="check")
    batch.create_check_constraint(op.f("ck_approval_step_step_mode"), f"mode IN ({words})")


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
