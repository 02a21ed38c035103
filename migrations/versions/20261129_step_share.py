"""Steps may be passed by a share of their approvers."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "20261129_step_share"
down_revision = "20261129_robots"
branch_labels = None
depends_on = None

BEFORE = ("any", "all", "turn", "cc")
KEPT = (("kept", "UPDATE"), ("stays", "DELETE"))  # a version is never changed


def upgrade() -> None:
    """Allow the mode and add the share."""
    with op.batch_alter_table("approval_step") as batch:
        batch.add_column(sa.Column("share", sa.Integer))
        _modes(batch, (*BEFORE, "share"))
        batch.create_check_constraint(
            op.f("ck_approval_step_share_of_mode"), "(mode = 'share') = (share IS NOT NULL)"
        )
        batch.create_check_constraint(
            op.f("ck_approval_step_share_in_percent"), "share BETWEEN 1 AND 100"
        )
    _guard()


def downgrade() -> None:
    """Ask all of such steps, then drop the share."""
    _unguard()
    op.execute("UPDATE approval_step SET mode = 'all', share = NULL WHERE mode = 'share'")
    with op.batch_alter_table("approval_step") as batch:
        for name in ("share_of_mode", "share_in_percent"):
            batch.drop_constraint(op.f(f"ck_approval_step_{name}"), type_="check")
        _modes(batch, BEFORE)
        batch.drop_column("share")
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
