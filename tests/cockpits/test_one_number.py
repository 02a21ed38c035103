"""A measure has one value: whatever the grain, in every summary that tells it, on the home page."""

import dataclasses
import datetime as dt
import random

import pytest
import sqlalchemy as sa

from dashboards.core.query import BadParameter
from dashboards.home import tiles
from dashboards.pages import SUMMARIES
from models.core.base import db
from models.customers.customer import Customer
from models.deals.contract import Contract

WHO = ("analyst", "sales", "sales2", "manager")
PERIODS = ({}, {"preset": "month"}, {"from_": "2026-04-01", "to": "2026-06-30"},
           {"from_": "1990-01-01", "to": "2099-12-31"})  # fmt: skip
FILTERS = ({}, {"level": "a"}, {"province": "310000"}, {"q": "公司"}, {"q": "商机"},
           {"industry": "0"}, {"undealt": "1"}, {"owner": "3"}, {"customer": "1,2"},
           {"only": "unpaid"}, {"contract": "1,2"},
           {"contract": "2", "only": "unpaid"})  # fmt: skip


def told(cockpit, key, who, params):
    """Return grain → what its tiles and totals say of the measures that every grain tells."""
    tiles_of = [c.key for c in SUMMARIES[key].tiles]
    grains = SUMMARIES[key].choices.grains
    found = {by: cockpit.read(key, who, by=by, **params).totals for by in grains}
    common = set(tiles_of).union(*({c.key for c in SUMMARIES[key].columns(by)} for by in grains))
    return {
        by: {k: totals[k] for k in common & totals.keys() if k not in {"count", "whole", "share"}}
        for by, totals in found.items()
    }


def lead(cockpit, **deals):
    """Say which contract each opportunity led to, by key."""
    cockpit.world.session.rollback()
    contract = Contract.__table__
    with db.engine.begin() as connection:
        for number, deal in deals.items():
            connection.execute(
                contract.update()
                .where(contract.c.id == int(number[1:]))
                .values(opportunity_id=deal)
            )


def test_totals_are_those_of_every_grain(cockpit):
    lead(cockpit, k1=1, k2=2)
    chance = random.Random(13)
    for key in ("performance", "collections", "opportunities"):
        names = [c.key for c in SUMMARIES[key].tiles]
        for filters in FILTERS:
            who, params = chance.choice(WHO), chance.choice(PERIODS) | filters
            if key != "performance":
                params.pop("undealt", None)
            grains = told(cockpit, key, who, params)
            whole = {k: v for totals in grains.values() for k, v in totals.items()}
            for by, totals in grains.items():
                assert totals == {k: whole[k] for k in totals}, (key, by, who, params)
                assert set(names) <= totals.keys(), (key, by)


def test_unpaid_keeps_the_opportunities_that_led_to_such_a_contract(cockpit):
    lead(cockpit, k1=1, k2=2, k4=3)  # the second is paid, the fourth void

    for by in SUMMARIES["performance"].choices.grains:
        found = cockpit.totals("performance", by=by, only="unpaid")
        assert (found["contracts"], found["unpaid"]) == ("2", "87,000.01"), by
        if by != "contract":  # it tells nothing of opportunities
            assert (found["created"], found["win_rate"]) == ("1", "100.00%"), by
    for by in SUMMARIES["opportunities"].choices.grains:
        for date in ("created", "closed"):
            found = cockpit.totals("opportunities", by=by, date=date, only="unpaid")
            assert (found["opportunities"], found["win_rate"]) == ("1", "100.00%"), (by, date)
    assert cockpit.read("opportunities", only="unpaid,lost").count == 0
    assert cockpit.read("opportunities", only="unpaid", contract="2").count == 0
    assert cockpit.read("opportunities", contract="2").count == 1


@pytest.mark.parametrize("who", WHO)
def test_summaries_and_the_home_page_tell_the_same(cockpit, who):
    for params in PERIODS:
        performance = cockpit.totals("performance", who, **params)
        created, closed = (
            cockpit.totals("opportunities", who, date=date, **params)
            for date in ("created", "closed")
        )
        assert performance["cash"] == cockpit.totals("collections", who, **params)["cash"]
        assert performance["created"] == created["opportunities"]
        assert performance["win_rate"] == closed["win_rate"]
    home = {t.label: t for t in _tiles(cockpit, who)}
    month = {
        key: {c.label: c for c in _shown(cockpit, key, who)}
        for key in ("performance", "collections")
    }
    assert home["本月签约额"].value == month["performance"]["合同额"].value
    assert home["本月到账"].value == month["performance"]["本期到账"].value
    assert home["本月到账"].value == month["collections"]["本期到账"].value


def _tiles(cockpit, who):
    cockpit.world.be(who)
    return tiles(cockpit.world.session, cockpit.world.actor, now=cockpit.world.now)


def _shown(cockpit, key, who):
    from views.cockpit import tiles as shown  # needs the application that the fixture makes

    return shown.make(SUMMARIES[key], cockpit.read(key, who, preset="month"))


def test_what_belongs_to_no_row_is_a_row_of_its_own(cockpit):
    rows = cockpit.rows("performance", "company", "amount", "cash", "created", "win_rate",
                        preset="month")  # fmt: skip
    spring = cockpit.rows("performance", "company", "amount", "cash", "created", "win_rate",
                          from_="2026-01-01", to="2026-02-28")  # fmt: skip

    assert rows == [("乙公司", "30,000.01", "0.00", "1", "—")]
    assert spring == [("其他客户（本期无合同）", "0.00", "7,500.00", "1", "—")]
    assert (
        cockpit.read("performance", from_="2026-01-01", to="2026-02-28").totals["cash"] == 7_500_00
    )


def test_a_deleted_customer_stays_in_the_sums(cockpit):
    before = cockpit.totals("performance")
    cockpit.world.session.rollback()
    with db.engine.begin() as connection:
        connection.execute(sa.update(Customer.__table__).values(deleted_at=cockpit.world.now))

    assert cockpit.totals("performance") == before
    grains = (("performance", "customer"), ("performance", "contract"), ("collections", "plan"),
              ("collections", "payment"), ("opportunities", "row"))  # fmt: skip
    for key, by in grains:
        shown = {row["company"] for row in cockpit.read(key, by=by).records}
        assert shown == {"甲公司（已删除）", "乙公司（已删除）"} & shown != set(), (key, by)
        hidden = {row["company"] for row in cockpit.read(key, "sales2", by=by).records}
        assert hidden == {"（无权查看）"}, (key, by)
    assert cockpit.totals("performance", by="owner")["win_rate"] == before["win_rate"]


def test_a_moment_that_cannot_be_rewound_to_is_refused(cockpit):
    now, hour = cockpit.world.now, dt.timedelta(hours=1)
    for moment in (now - hour - dt.timedelta(seconds=1), now + hour, now - 200 * 24 * hour):
        with pytest.raises(BadParameter) as refused:
            cockpit.query("performance", as_of=moment.isoformat())
        assert refused.value.name == "as_of"
    recent = cockpit.query("performance", as_of=(now - hour / 2).isoformat())
    assert dataclasses.replace(recent, params={}).as_of == now - hour / 2
