"""Bulk jobs also give tasks to others, urge and end requests."""

from alembic import op

revision = "20261129_oversight_verbs"
down_revision = "20261129_portraits"
branch_labels = None
depends_on = None

BEFORE = (
    *("approve", "reject", "submit", "delete", "edit", "restore"),
    *("assign", "tag", "untag", "handover", "confirm", "remind"),
)
NEW = ("reassign", "urge", "terminate")


def upgrade() -> None:
    """Allow the new verbs."""
    _allow((*BEFORE, *NEW))


def downgrade() -> None:
    """Forget what was done with them, then refuse them."""
    words = ", ".join(f"'{verb}'" for verb in NEW)
    gone = f"verb IN ({words})"
    op.execute(f"DELETE FROM batch_item WHERE job_id IN (SELECT id FROM batch_job WHERE {gone})")
    op.execute(f"DELETE FROM batch_job WHERE {gone}")
    _allow(BEFORE)


def _allow(verbs: tuple[str, ...]) -> None:
    words = ", ".join(f"'{verb}'" for verb in verbs)
    with op.batch_alter_table("batch_job") as batch:
        batch.drop_constraint(op.f("ck_batch_job_batch_verb"), type_="check")
        batch.create_check_constraint(op.f("ck_batch_job_batch_verb"), f"verb IN ({words})")
