"""What was submitted, seen and approved in every round can be opened for ever, with its hash."""

import hashlib
import json
import re

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.core.base import db
from models.customers.customer import Customer
from models.records.dictionary import DictionaryOption
from services.records import records
from tests.support.page import tight
from tests.support.visitors import Doors, Visitors
from tests.support.world import World


@pytest.fixture
def rounds(app):
    """Return the record and its requests: rejected, rejected, approved, each of another name."""
    found, key = [], None
    with World(app) as world:
        for name, verb in (("甲厂", "reject"), ("乙厂", "give_back"), ("丙厂", "approve")):
            if key is None:
                key, request = world.submitted(company=name)
            else:
                with world.acting("sales"):
                    record = world.get(Customer, key)
                    records.update(world.call, record, {"company": name}, seen=None)  # fmt: skip
                _key, request = world.submitted(key=key)
            world.decided(request, verb=verb, comment=name)
            found.append(request)
    return key, found


def stored(app, request):
    table = ApprovalRequest.__table__
    with app.app_context(), db.engine.connect() as link:
        return link.execute(sa.select(table).where(table.c.id == request)).one()


def test_every_round_opens_with_its_own_content_and_a_hash_that_is_reckoned_anew(app, rounds):
    key, requests = rounds
    visitors = Visitors(app)

    page = visitors.get("sales", f"/admin/customer/details/?id={key}").text
    for request, name in zip(requests, ("甲厂", "乙厂", "丙厂"), strict=True):
        address = f"/admin/request/?id={request}"
        assert address in page
        for who in ("sales", "reviewer"):
            shown = visitors.get(who, address).text
            assert re.search(rf'<dt>客户单位</dt><dd><span class="pre">{name}</span>', tight(shown))
            assert stored(app, request).payload_hash in shown
            assert "与提交时一致" in shown
            assert all(f"/admin/request/?id={other}" in shown for other in requests)


def test_the_hash_is_the_sha256_of_the_canonical_json(app, rounds):
    row = stored(app, rounds[1][0])

    text = json.dumps(row.payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    assert hashlib.sha256(text.encode()).hexdigest() == row.payload_hash


def test_a_content_that_was_tampered_with_is_told(app, rounds):
    request = rounds[1][0]
    table = ApprovalRequest.__table__
    payload = json.loads(json.dumps(stored(app, request).payload))
    payload["values"]["company"] = "偷换的厂"
    with app.app_context(), db.engine.begin() as link:
        link.execute(sa.update(table).where(table.c.id == request).values(payload=payload))

    shown = Visitors(app).get("sales", f"/admin/request/?id={request}").text

    assert "与提交时不一致" in shown


def test_a_later_edit_of_the_record_changes_no_snapshot(app, rounds):
    key, requests = rounds
    with app.app_context(), db.engine.begin() as link:
        link.execute(
            sa.update(Customer.__table__)
            .where(Customer.__table__.c.id == key)
            .values(company="后来的名字")
        )

    shown = Visitors(app).get("sales", f"/admin/request/?id={requests[2]}").text

    assert '<span class="pre">丙厂</span>' in shown
    assert '<span class="pre">后来的名字</span>' not in shown


def test_what_a_dictionary_named_is_read_in_english_and_hashed_as_submitted(small):
    industry = DictionaryOption.__table__
    with small.acting("admin"):
        found = small.session.execute(
            sa.select(*industry.c["id", "label", "label_en"]).where(
                industry.c.kind == "industry", industry.c.label_en != ""
            )
        ).first()
    _key, request = small.submitted(industry_id=found.id)
    visitors = Doors(small)
    address = f"/admin/request/?id={request}"

    def read(language):
        visitors.get("reviewer", f"/lang/{language}?next=/admin/")
        page = tight(visitors.get("reviewer", address).text).partition('class="hash"')
        heading = {"en": "Industry", "zh": "行业"}[language]
        return re.search(rf'<dt>{heading}</dt><dd><span class="pre">([^<]*)<', page[0])[1], page[2]

    assert read("zh")[0] == found.label
    text, rest = read("en")
    assert (text, "tag ok" in rest) == (found.label_en, True)
    with small.acting("admin"):  # another word by now: what was submitted stays
        small.session.get_one(DictionaryOption, found.id).label = "改过的行业"
    assert read("en")[0] == found.label
