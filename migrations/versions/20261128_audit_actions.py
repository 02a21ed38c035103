"""The audit log also tells of log-ins that failed, of log-outs and of views of personal data."""

from alembic import op

revision = "20261128_audit_actions"
down_revision = "20261126_one_index"
branch_labels = None
depends_on = None

BEFORE = ("create", "update", "delete", "export", "login", "import_in")
AFTER = (*BEFORE, "logout", "login_failed", "view")
NAME = "ck_audit_log_audit_action"
KEPT = {"kept": "UPDATE", "stays": "DELETE"}


def upgrade() -> None:
    """Allow the new actions."""
    _allow(AFTER)


def downgrade() -> None:
    """Forget what was told of them, then refuse them."""
    _unguarded("DELETE FROM audit_log WHERE action IN ('logout', 'login_failed', 'view')")
    _allow(BEFORE)


def _allow(actions: tuple[str, ...]) -> None:
    words = ", ".join(f"'{action}'" for action in actions)
    with op.batch_alter_table("audit_log") as batch:
        batch.drop_constraint(op.f(NAME), type_="check")
        batch.create_check_constraint(op.f(NAME), f"action IN ({words})")
    if _sqlite():  # the table was made anew, without its triggers
        for name in KEPT:
            _guard(name)


def _unguarded(statement: str) -> None:
    """Run a statement that the append-only triggers refuse."""
    if not _sqlite():
        op.execute("ALTER TABLE audit_log DISABLE TRIGGER USER")
        op.execute(statement)
        op.execute("ALTER TABLE audit_log ENABLE TRIGGER USER")
        return
    for name in KEPT:
        op.execute(f"DROP TRIGGER guard_audit_log_{name}")
    op.execute(statement)  # the batch that follows puts them back


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _guard(name: str) -> None:
    op.execute(
        f"CREATE TRIGGER guard_audit_log_{name} BEFORE {KEPT[name]} ON audit_log WHEN 1 = 1 "
        "BEGIN SELECT RAISE(ABORT, 'rows_are_only_added'); END"
    )
