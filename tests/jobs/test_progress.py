"""A long job shows how far it is and refreshes itself, without a script."""

import sqlalchemy as sa

from models.bulk.batch import BatchItem, BatchJob
from services.approval import submit_many
from tests.support.visitors import Visitors
from tests.support.world import World


def test_an_unfinished_job_shows_its_progress_and_a_finished_one_stands_still(lite):
    with World(lite) as world, world.acting("sales"):
        pairs = [(10**6 + n, 1) for n in range(4)]
        key = submit_many(world.call, "customer", pairs).id
    visitors = Visitors(lite)
    assert "Refresh" not in visitors.get("sales", f"/admin/batch/?id={key}").headers
    with World(lite) as world:
        items = BatchItem.__table__
        first = sa.select(sa.func.min(items.c.id)).scalar_subquery()
        world.session.execute(sa.update(BatchJob.__table__).values(finished_at=None))
        world.session.execute(
            sa.update(items).where(items.c.id > first).values(state="waiting", code=None)
        )
        world.session.commit()

    page = visitors.get("sales", f"/admin/batch/?id={key}&running=1")

    assert page.headers["Refresh"] == "3"
    assert '<progress max="4" value="1"' in page.text
