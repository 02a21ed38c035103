"""Numbers of customers tell their class: each class counts by itself."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_letters"
down_revision = "20261129_touched_contracts"
branch_labels = None
depends_on = None

RULE = sa.table("number_rule", sa.column("noun"), sa.column("pattern"))
LETTER, COUNT = "{letter}", "{n}"
LONGEST = 80  # characters the column holds


def upgrade() -> None:
    """Put the letter before the count where a rule of before has none."""
    there = op.get_bind()
    mine = sa.select(RULE.c.pattern).where(RULE.c.noun == "customer")
    for pattern in there.execute(mine).scalars().all():
        told = pattern.replace(COUNT, LETTER + COUNT, 1)
        if LETTER not in pattern and COUNT in pattern and len(told) <= LONGEST:
            changed = sa.update(RULE).where(RULE.c.noun == "customer").values(pattern=told)
            there.execute(changed)


def downgrade() -> None:
    """Leave the letters: an earlier version understands them, and no two numbers are the same."""
