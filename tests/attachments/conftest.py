"""The folder of attachments of a test is its own."""

import pytest

from models.deals.contract import Contract
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from tests.support import clock, kept
from tests.support.world import World


@pytest.fixture(autouse=True)
def folder(request, tmp_path):
    """Point whichever application the test uses at a fresh folder."""
    for name in ("app", "lite"):
        if name in request.fixturenames:
            request.getfixturevalue(name).config["TCOS_ATTACHMENT_DIR"] = str(tmp_path / "files")
    return tmp_path / "files"


@pytest.fixture
def records(app):
    """Return {noun: key} of records of sales, and a stranger's customer."""
    return _records(app)


@pytest.fixture
def few(lite):
    """The same on SQLite alone."""
    return _records(lite)


def _records(app):
    with World(app) as world:
        return make_records(world)


@kept.step
def make_records(world):
    """Make an approved customer of sales with something of every kind that has attachments."""
    key = world.approved(company="武汉楚天激光有限公司")
    deal = world.approved(model=Opportunity, key=world.opportunity(key))
    contract = world.approved(model=Contract, key=world.contract(key, opportunity_id=deal))
    world.now = clock.now()  # a follow-up is open for a day
    with world.acting("sales"):
        follow = world.create(FollowUp, customer_id=key, content="谈了交期").id
    return {"customer": key, "opportunity": deal, "followup": follow, "contract": contract}
