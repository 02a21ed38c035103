"""Every page, for everybody, on a company's data: it answers, cheaply, in either language."""

import pytest
import sqlalchemy as sa

from models.core.base import Model
from services.rights.access import visible_to
from services.rights.actor import load_actor
from tests.support.company import seed_company
from tests.support.matrix import DOORS, EVERYBODY, ROLES
from tests.support.visitors import Visitors
from tests.support.world import World, count_queries

MOST_QUERIES = 15
THREE_PERIODS = 20  # the totals of a summary now, before and a year ago, for a page that is there
SAMPLE = 3  # records of each noun whose pages are opened
RECORD_DOORS = ("details/", "edit/")
MODELS = {mapper.class_.__noun__: mapper.class_ for mapper in Model.registry.mappers}


@pytest.fixture(scope="module")
def visitors(databases):
    with databases.lent("sqlite", seed_company) as app:
        yield Visitors(app)


@pytest.fixture(scope="module")
def keys(visitors):
    """Noun → some keys, and (person, noun) → the keys that person sees."""
    with World(visitors.app) as world:
        every = {
            noun: world.session.scalars(sa.select(model.id).order_by(model.id)).all()
            for noun, model in MODELS.items()
        }
        seen = {}
        for who in EVERYBODY:
            world.be("admin")
            actor = load_actor(world.session, world.id_of(who))
            for noun, model in MODELS.items():
                table = model.__table__
                query = sa.select(table.c.id).where(visible_to(actor, model))
                seen[who, noun] = set(world.session.connection().execute(query).scalars())
    return every, seen


# A screen of another noun's records, whose page is elsewhere: endpoint → (noun, what it answers).
LEADS_ON = {"monitor": ("request", 302)}


def pages(who, keys):
    """Yield (address, the status it must answer) of every page open to a person."""
    every, seen = keys
    for door in DOORS:
        if door.method != "GET" or who not in door.people or door.public:
            continue
        if door.rule.endswith(RECORD_DOORS):
            noun, there = LEADS_ON.get(door.noun, (door.noun, 200))
            step = max(len(every[noun]) // SAMPLE, 1)
            for key in every[noun][::step]:
                yield f"{door.path}?id={key}", there if key in seen[who, noun] else 404
        elif door.rule.startswith(("/admin/request/", "/admin/batch/")) and not door.rule.endswith(
            (
                "/file/",
                "/attachment/",
                "/compare/",
            )  # these take another key besides, or one of another table
        ):
            noun = door.rule.split("/")[2]
            for key in every[noun][:SAMPLE]:
                yield f"{door.path}?id={key}", 200 if key in seen[who, noun] else 404
        elif door.rule.endswith("/terms/"):
            yield door.path, 422  # it reckons with what was typed
        else:
            yield door.path, None


@pytest.mark.parametrize("who", ROLES)
def test_every_page_answers_with_at_most_fifteen_statements(visitors, keys, who):
    visitors.client(who)
    wrong = []
    for address, expected in pages(who, keys):
        with count_queries(visitors.app) as statements:
            answer = visitors.get(who, address)
        right = {expected} if expected else {200, 302, 303, 404}
        if "/edit/" in address and expected == 200:
            # One's own may be edited, somebody else's only read; what is closed says what to do.
            right = {200, 403, 409}
        if answer.status_code not in right:
            wrong.append((address, answer.status_code, expected))
        if len(statements) > (THREE_PERIODS if address.endswith("change.json") else MOST_QUERIES):
            wrong.append((address, f"{len(statements)} statements"))

    assert not wrong, "\n".join(map(str, wrong))


def test_every_page_speaks_english_too(visitors, keys):
    visitors.forget("admin")
    visitors.get("admin", "/lang/en")
    wrong = [
        (address, status)
        for address, _expected in pages("admin", keys)
        for status in [visitors.get("admin", address).status_code]
        if status >= 500
    ]
    visitors.forget("admin")

    assert not wrong, "\n".join(map(str, wrong))
