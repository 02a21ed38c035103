"""Bulk jobs also assign customers and put tags on and off."""

from alembic import op

revision = "20261126_bulk_verbs"
down_revision = "20261126_pairs"
branch_labels = None
depends_on = None

BEFORE = ("approve", "reject", "submit", "delete", "edit", "restore")
AFTER = (*BEFORE, "assign", "tag", "untag")


def upgrade() -> None:
    """Allow the new verbs."""
    _allow(AFTER)


def downgrade() -> None:
    """Forget what was done with them, then refuse them."""
    op.execute("DELETE FROM batch_job WHERE verb IN ('assign', 'tag', 'untag')")
    _allow(BEFORE)


def _allow(verbs: tuple[str, ...]) -> None:
    words = ", ".join(f"'{verb}'" for verb in verbs)
    with op.batch_alter_table("batch_job") as batch:
        batch.drop_constraint(op.f("ck_batch_job_batch_verb"), type_="check")
        batch.create_check_constraint(op.f("ck_batch_job_batch_verb"), f"verb IN ({words})")
