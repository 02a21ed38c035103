"""A reviewed entity with two tables of lines at work, in a copy of the project that has `Site`.

It refers to a customer, to itself and to nothing else; nobody has written rules for it.
"""

import re
import sys

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.core.base import db
from models.core.mixins import Approval
from models.registry import by_noun
from models.sales.product import Product
from services.core.errors import Locked
from services.customers import merge
from tests.support.visitors import Visitors
from tests.support.world import World, make_app, seed_people

LINES = ("lines", "things")


def run(url):
    """Enter lines, refuse a bad one, change them, submit, guard, approve, ask for a change."""
    seed_people(sa.create_engine(url))
    app = make_app(url)
    visitors = Visitors(app)
    with World(app) as world:
        customer, spare = world.approved(), world.approved()
        with world.acting("admin"):
            product = world.create(Product, code="P-1", name="传感器", price=100).id
        form = _form(world, spare, product)
    _bad_lines(app, visitors, form)
    key = _entered(app, visitors, form)
    _submitted_and_guarded(app, visitors, key)
    _customers_stay_apart(app, customer, spare)
    _decided(app, visitors)
    _changed(app, visitors, key, form)


def _form(world, customer, product):
    return {
        "title": "一号现场",
        "customer_id": str(customer),
        "owner_id": str(world.id_of("sales")),
        "lines-new0-product_id": str(product),
        "lines-new0-quantity": "2",
        "lines-new0-price": "5",
        "lines-sent": "1",
        "things-new0-what": "泵",
        "things-new0-many": "3",
        "things-new1-what": "阀",
        "things-sent": "1",
    }


def _bad_lines(app, visitors, form):
    for wrong in ({"things-new0-what": ""}, {"lines-new0-quantity": ""}):
        answer = visitors.post("sales", "/admin/site/new/", form | wrong)
        assert answer.status_code == 422, _told(answer)
        assert "第 1 行" in answer.text
    assert _all(app, by_noun()["site"]) == []


def _entered(app, visitors, form):
    answer = visitors.post("sales", "/admin/site/new/", form)
    assert answer.status_code == 303, _told(answer)
    (site,) = _all(app, by_noun()["site"])
    assert [(x.subtotal, x.ordinal) for x in _all(app, by_noun()["siteline"])] == [(1000, 1)]
    assert _things(app) == [("泵", 3, 1), ("阀", None, 2)]
    for what in ("管", "泵"):  # who may edit it may edit its lines
        seen = {
            "row_version": _all(app, by_noun()["site"])[0].row_version,
            "things-new0-what": what,
        }
        answer = visitors.post("sales", f"/admin/site/edit/?id={site.id}", form | seen)
        assert answer.status_code == 303, _told(answer)
        assert _things(app) == [(what, 3, 1), ("阀", None, 2)]
    return site.id


def _submitted_and_guarded(app, visitors, key):
    answer = visitors.post("sales", "/admin/site/submit/", {"id": key})
    assert answer.status_code == 303, _told(answer)
    (request,) = _all(app, ApprovalRequest, noun="site")
    assert [len(request.payload["values"][kind]) for kind in LINES] == [1, 2]
    thing = by_noun()["sitething"].__table__
    for statement in (
        sa.insert(thing).values(site_id=key, what="桶", ordinal=3),
        sa.update(thing).values(what="桶"),
        sa.delete(by_noun()["siteline"].__table__),
    ):
        with pytest.raises(sa.exc.DBAPIError, match="record_is_pending"):
            _write(app, statement)


def _customers_stay_apart(app, kept, dropped):
    """Merging would change what is being approved: it is refused with words."""
    with World(app) as world:
        world.be("office")
        with pytest.raises(Locked, match="现场"):
            merge.plan(world.session, kept, dropped, {}, by=world.actor)


def _decided(app, visitors):
    request = _all(app, ApprovalRequest, noun="site")[-1]
    assert "阀" in visitors.get("reviewer", f"/admin/inbox/?id={request.id}").text
    data = {"id": request.id, "seen": request.seen_version, "verb": "approve"}
    assert visitors.post("reviewer", "/admin/inbox/decide/", data).status_code == 303
    assert _all(app, by_noun()["site"])[0].approval is Approval.approved


def _changed(app, visitors, key, form):
    seen = {"row_version": _all(app, by_noun()["site"])[0].row_version, "things-new1-what": "桶"}
    answer = visitors.post("sales", f"/admin/site/edit/?id={key}", form | seen)
    assert answer.status_code == 303, _told(answer)
    assert _things(app)[1][0] == "阀"
    assert list(_all(app, ApprovalRequest, noun="site")[-1].payload["values"]) == ["things"]
    _decided(app, visitors)
    assert _things(app)[1][0] == "桶"


def _told(answer):
    """Return what a refused form says."""
    return answer.status_code, re.findall(r'<[^>]*class="[^"]*err[^"]*"[^>]*>([^<]+)<', answer.text)


def _things(app):
    return [(x.what, x.many, x.ordinal) for x in _all(app, by_noun()["sitething"])]


def _all(app, model, **where):
    table = model.__table__
    query = sa.select(table).where(*(table.c[key] == value for key, value in where.items()))
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(query.order_by(table.c.id)).all()


def _write(app, statement):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(statement)


if __name__ == "__main__":
    run(sys.argv[1])
    print("worked")
