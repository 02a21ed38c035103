"""A role remembers which shipped grants it was offered, so that `seed roles` brings only new ones."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_offered_grants"
down_revision = "20261126_pool_notices"
branch_labels = None
depends_on = None

# What was shipped up to here, role → "noun verb verb; noun verb": all of it was offered once, and
# what an administrator took away since stays away.
SHIPPED = {
    "admin": (
        "audit create delete delete_own edit edit_own export read; calendarday create delete "
        "delete_own edit edit_own export read; cockpit export read; contact create delete "
        "delete_own edit edit_own export import read; contract create delete delete_own edit "
        "edit_own export import read submit; customer assign claim create delete delete_own edit "
        "edit_own export handover import merge read submit; department create delete delete_own "
        "edit edit_own export import read; dictionary create delete delete_own edit edit_own "
        "export read; flow create delete delete_own edit edit_own export read; flowstep create "
        "delete delete_own edit edit_own export read; followup create delete delete_own edit "
        "edit_always edit_own export import read; import approved; importjob create delete "
        "delete_own edit edit_own export read; invoice export read; milestone create delete "
        "delete_own edit edit_own export read; numberrule create delete delete_own edit edit_own "
        "export read; opportunity create delete delete_own edit edit_own export import read "
        "submit; order create delete delete_own edit edit_own export import read; outbox create "
        "delete delete_own edit edit_own export read; payment export read; plan create delete "
        "delete_own edit edit_own export read; portrait read; product create delete delete_own "
        "edit edit_own export import read; request overview read; role create delete delete_own "
        "edit edit_own export read; sensitive read; setting create delete delete_own edit "
        "edit_own export read; stage create delete delete_own edit edit_own export read; tag "
        "create delete delete_own edit edit_own export read; task decide; user create delete "
        "delete_own edit edit_own export import read; view share"
    ),
    "office": (
        "calendarday read; cockpit export read; contact create delete_own edit export import "
        "read; contract create delete_own edit export import read submit; customer create "
        "delete_own edit export import merge read submit; dictionary create delete edit read; "
        "followup create delete_own edit_own import read; import approved; importjob read; "
        "invoice create export read; milestone create edit read; opportunity create delete_own "
        "edit export import read submit; order edit export import read; payment create export "
        "import read; plan create delete_own edit_own read; portrait read; product read; request "
        "read; sensitive read; stage read; tag create edit read; view share"
    ),
    "sales": (
        "cockpit read; contact create delete_own edit_own read; contract create delete_own "
        "edit_own read submit; customer claim create delete_own edit_own read submit; followup "
        "create delete_own edit_own read; invoice create read; milestone create edit_own read; "
        "opportunity create delete_own edit_own read submit; order read; payment create read; "
        "plan create delete_own edit_own read; portrait read; product read; request read; "
        "sensitive own"
    ),
    "reviewer": (
        "cockpit read; contact read; contract read; customer read; followup read; invoice read; "
        "milestone read; opportunity read; order read; payment read; plan read; portrait read; "
        "product read; request read; task decide"
    ),
    "manager": (
        "audit read; cockpit export read; contact create delete_own edit export read; contract "
        "create delete_own edit export read submit; customer assign create delete_own edit export "
        "handover read submit; followup create edit_own read; invoice read; milestone read; "
        "opportunity create delete_own edit export read submit; order read; payment read; plan "
        "create edit_own read; portrait read; product read; request overview read; sensitive "
        "read; tag create read; task decide; view share"
    ),
    "finance": (
        "cockpit export read; contact read; contract read; customer read; followup read; invoice "
        "create edit export read; milestone read; opportunity read; order read; payment confirm "
        "create edit export import read reverse; plan read; portrait read; product read; request "
        "read; task decide"
    ),
    "analyst": (
        "cockpit export read; contact export read; contract export read; customer export read; "
        "followup export read; invoice read; milestone export read; opportunity export read; "
        "order export read; payment read; plan export read; portrait read; product read; view "
        "share"
    ),
}
ROLE = sa.table(
    "role",
    sa.column("name", sa.String),
    sa.column("builtin", sa.Boolean),
    sa.column("offered", sa.JSON),
)


def upgrade() -> None:
    """Add the column and remember what was shipped so far."""
    op.add_column("role", sa.Column("offered", sa.JSON(), nullable=True))
    for name, told in SHIPPED.items():
        op.execute(
            sa.update(ROLE)
            .where(ROLE.c.name == name, ROLE.c.builtin)
            .values(offered=_grants(told))
        )


def downgrade() -> None:
    """Forget it."""
    op.drop_column("role", "offered")


def _grants(told: str) -> list[str]:
    parts = (part.split() for part in told.split("; "))
    return [f"{noun}:{verb}" for noun, *verbs in parts for verb in verbs]
