"""Triggers that keep the approval law where no service runs: raw SQL cannot break it either."""

from alembic import op

revision = "20261123_guards"
down_revision = "20261123_first"
branch_labels = None
depends_on = None

# What is being approved: these columns stay as they are while the record is pending.
CONTENT = {
    "customer": (
        "customer_class company industry_id level source_id region_code region_text street "
        "remark code deleted_at"
    ).split(),
    "opportunity": (
        "name customer_id contact_id amount expected_on stage_id probability source_id need "
        "competitor remark code deleted_at"
    ).split(),
    "contract": (
        "name customer_id opportunity_id type amount pay_term_id signed_on start_on end_on "
        "deliver_on customer_signer signer_id remark code deleted_at"
    ).split(),
}
CONTACT = "name title mobile wechat email qq landline gender deleted_at".split()
LINES = {
    "opportunity_line": ("opportunity", "opportunity_id"),
    "contract_line": ("contract", "contract_id"),
    "payment_plan": ("contract", "contract_id"),
}
PLAN_CONTENT = ("amount", "due_on", "ratio_bp")
APPEND_ONLY = ("audit_log", "approval_event")
MOVES = (
    "(OLD.approval IN ('draft', 'rejected', 'withdrawn') AND NEW.approval = 'pending') OR "
    "(OLD.approval = 'pending' AND NEW.approval IN ('approved', 'rejected', 'withdrawn'))"
)


def upgrade() -> None:
    """Create every guard."""
    for table, columns in CONTENT.items():
        differs = _differs(columns)
        _guard(
            f"{table}_pending", table, "UPDATE",
            f"OLD.approval = 'pending' AND NEW.approval = 'pending' AND ({differs})",
            "record_is_pending",
        )
        _guard(
            f"{table}_moves", table, "UPDATE",
            f"OLD.approval <> NEW.approval AND NOT ({MOVES})", "approval_move_unknown",
        )
        _guard(
            f"{table}_code", table, "UPDATE",
            "OLD.code IS NOT NULL AND (NEW.code IS NULL OR NEW.code <> OLD.code)",
            "number_is_for_ever",
        )
        _guard(f"{table}_gone", table, "DELETE", "OLD.approval = 'pending'", "record_is_pending")
    _guard(
        "contact_pending", "contact", "UPDATE",
        f"OLD.is_primary AND ({_differs(CONTACT)}) AND "
        + _parent_pending("customer", "OLD.customer_id"),
        "record_is_pending",
    )
    for table, (parent, key) in LINES.items():
        _line_guards(table, parent, key)
    for table in APPEND_ONLY:
        _guard(f"{table}_kept", table, "UPDATE", "1 = 1", "rows_are_only_added")
        _guard(f"{table}_stays", table, "DELETE", "1 = 1", "rows_are_only_added")


def downgrade() -> None:
    """Drop every guard."""
    for table in CONTENT:
        for name in ("pending", "moves", "code", "gone"):
            _drop(f"{table}_{name}", table)
    _drop("contact_pending", "contact")
    for table in LINES:
        for name in ("added", "changed", "removed"):
            _drop(f"{table}_{name}", table)
    for table in APPEND_ONLY:
        _drop(f"{table}_kept", table)
        _drop(f"{table}_stays", table)


def _line_guards(table: str, parent: str, key: str) -> None:
    added = _parent_pending(parent, f"NEW.{key}")
    kept = _parent_pending(parent, f"OLD.{key}")
    # A plan line may change hands while its contract is pending; its money and date may not.
    what = f"({_differs(PLAN_CONTENT)}) AND {kept}" if table == "payment_plan" else kept
    _guard(f"{table}_added", table, "INSERT", added, "record_is_pending")
    _guard(f"{table}_changed", table, "UPDATE", what, "record_is_pending")
    _guard(f"{table}_removed", table, "DELETE", kept, "record_is_pending")


def _parent_pending(parent: str, key: str) -> str:
    return f"EXISTS (SELECT 1 FROM {parent} AS p WHERE p.id = {key} AND p.approval = 'pending')"


def _differs(columns: tuple[str, ...] | list[str]) -> str:
    same = "IS NOT" if _sqlite() else "IS DISTINCT FROM"
    return " OR ".join(f"OLD.{c} {same} NEW.{c}" for c in columns)


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _guard(name: str, table: str, event: str, when: str, error: str) -> None:
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER guard_{name} BEFORE {event} ON {table} WHEN {when} "
            f"BEGIN SELECT RAISE(ABORT, '{error}'); END"
        )
        return
    # PostgreSQL allows no sub-query in WHEN, so the condition stands in the function.
    row = "OLD" if event == "DELETE" else "NEW"
    op.execute(
        f"CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {when} THEN RAISE EXCEPTION '{error}' USING ERRCODE = 'check_violation'; END IF; "
        f"RETURN {row}; END $$"
    )
    op.execute(
        f"CREATE TRIGGER guard_{name} BEFORE {event} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION guard_{name}()"
    )


def _drop(name: str, table: str) -> None:
    if _sqlite():
        op.execute(f"DROP TRIGGER guard_{name}")
        return
    op.execute(f"DROP TRIGGER guard_{name} ON {table}")
    op.execute(f"DROP FUNCTION guard_{name}()")
