"""Steps may stand in branches, of which one is taken or all run at once."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_branches"
down_revision = "20261130_login_keys"
branch_labels = None
depends_on = None

KEPT = (("kept", "UPDATE"), ("stays", "DELETE"))  # a version is never changed
RULES = {
    "placement": "placement IN ('trunk', 'choice', 'parallel')",
    "split_off_trunk": "(placement = 'trunk') = (split IS NULL)",
    "split_has_branch": "(split IS NULL) = (branch IS NULL)",
    "branch_in_range": "branch BETWEEN 1 AND 9",
}


def upgrade() -> None:
    """Add where a step stands, and what of a request runs at once."""
    with op.batch_alter_table("approval_step") as batch:
        placement = sa.Column("placement", sa.String(20), nullable=False, server_default="trunk")
        batch.add_column(placement)
        batch.add_column(sa.Column("split", sa.Integer))
        batch.add_column(sa.Column("branch", sa.Integer))
        for name, rule in RULES.items():
            batch.create_check_constraint(op.f(f"ck_approval_step_{name}"), rule)
    op.add_column("approval_request", sa.Column("lanes", sa.JSON))
    _guard()


def downgrade() -> None:
    """Drop it: the steps of branches follow each other then."""
    op.drop_column("approval_request", "lanes")
    _unguard()
    with op.batch_alter_table("approval_step") as batch:
        for name in RULES:
            batch.drop_constraint(op.f(f"ck_approval_step_{name}"), type_="check")
        for name in ("branch", "split", "placement"):
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
