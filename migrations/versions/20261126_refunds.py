"""A trigger keeps the refunds of a contract within what came in, whoever moves a payment."""

from alembic import op

revision = "20261126_refunds"
down_revision = "20261126_handover"
branch_labels = None
depends_on = None

REST = (
    "(SELECT COALESCE(SUM(p.amount), 0) FROM payment AS p WHERE p.contract_id = NEW.contract_id "
    "AND p.id <> NEW.id AND p.state = 'confirmed' AND p.deleted_at IS NULL)"
)
# Reversing takes a payment away, confirming takes a refund's money away: neither below nothing.
WHEN = (
    "OLD.state <> NEW.state AND ("
    f"(NEW.state = 'reversed' AND NEW.amount > 0 AND {REST} < 0) OR "
    f"(NEW.state = 'confirmed' AND NEW.amount < 0 AND {REST} + NEW.amount < 0))"
)
ERROR = "refunds_exceed_payments"


def upgrade() -> None:
    """Create the guard."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER guard_payment_refunded BEFORE UPDATE ON payment WHEN {WHEN} "
            f"BEGIN SELECT RAISE(ABORT, '{ERROR}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION guard_payment_refunded() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {WHEN} THEN RAISE EXCEPTION '{ERROR}' USING ERRCODE = 'check_violation'; END IF; "
        "RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER guard_payment_refunded BEFORE UPDATE ON payment "
        "FOR EACH ROW EXECUTE FUNCTION guard_payment_refunded()"
    )


def downgrade() -> None:
    """Drop the guard."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER guard_payment_refunded")
        return
    op.execute("DROP TRIGGER guard_payment_refunded ON payment")
    op.execute("DROP FUNCTION guard_payment_refunded()")
