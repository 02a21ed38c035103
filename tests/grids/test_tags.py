"""Tags: on records one may edit, in bulk, as a filter; seen exactly where the record is."""

import pytest
import sqlalchemy as sa

from models.bulk.tag import Tag, Tagging
from models.customers.customer import Customer
from models.records.dictionary import Colour
from models.rights.audit import AuditLog
from services.bulk import tags
from services.core.errors import Forbidden, Invalid
from services.customers import merge
from services.query.conditions import Place, getter, parse
from tests.support.visitors import Visitors
from tests.support.world import World

GRID = "/admin/customer/"


def put(world, who, key, text, model=Customer):
    with world.acting(who):
        wanted = tags.resolve(world.session, text, by=world.actor)
        record = world.get(model, key)
        tags.put(world.call, record, wanted)


def of(world, key, noun="customer"):
    world.be("admin")
    return [tag.name for tag in tags.of_records(world.session, noun, [key]).get(key, [])]


@pytest.fixture
def visitors(app):
    with World(app) as world:
        for name in ("光谷1", "光谷2", "东湖"):
            world.customer("sales2" if name == "东湖" else "sales", company=name)
        with world.acting("admin"):
            for name in ("战略", "沉睡"):
                world.create(Tag, name=name, colour=Colour.warn)
    return Visitors(app)


def test_only_who_may_edit_a_record_tags_it_and_it_is_audited(world):
    key = world.approved("sales", company="光谷")
    put(world, "admin", key, "战略, 重点，战略")
    assert of(world, key) == ["战略", "重点"]

    put(world, "sales", key, "重点")

    assert of(world, key) == ["重点"]
    last = sa.select(AuditLog).order_by(AuditLog.id.desc()).limit(1)
    assert world.session.scalars(last).one().changes == {"tags": ["战略、重点", "重点"]}
    for who, text, problem in (
        ("reviewer", "重点", Forbidden),
        ("sales", "没有的", Invalid),  # new words are made by who may
        ("admin", "x" * 31, Invalid),
        ("admin", ",".join(map(str, range(21))), Invalid),
    ):
        with pytest.raises(problem):
            put(world, who, key, text)


def test_tags_of_what_is_not_seen_are_not_seen(small):
    mine, other = small.customer("sales"), small.customer("sales2")
    for key in (mine, other):
        put(small, "admin", key, "战略")

    small.be("sales")
    rows = small.session.scalars(sa.select(Tagging)).all()

    assert [row.record_id for row in rows] == [mine]
    small.session.add(Tagging(noun="customer", record_id=mine, tag_id=1, at=small.now))
    with pytest.raises(Forbidden):
        small.session.flush()


def test_many_are_tagged_at_once_and_filtered_by_it(visitors):
    form = {"action": "tag", "rowid": ["1", "2", "3"], "next": GRID}
    page = visitors.post("sales", f"{GRID}action/", form).get_data(as_text=True)
    assert "加标签：共 3 条记录" in page
    assert '<option value="战略">' in page

    sure = {**form, "sure": "1", "tags": "战略"}
    answer = visitors.post("sales", f"{GRID}action/", sure)
    assert "/admin/batch/" in answer.location  # 3 is not his
    refused = visitors.post("sales", f"{GRID}action/", {**sure, "tags": ""})
    assert refused.status_code == 422

    def names(query):
        page = visitors.get("admin", f"{GRID}?{query}").get_data(as_text=True)
        return {name for name in ("光谷1", "光谷2", "东湖") if f"{name}</a>" in page}

    with World(visitors.app) as world:
        key = world.session.scalar(sa.select(Tag.id).where(Tag.name == "战略"))
    assert names(f"f.tags=in:{key}") == {"光谷1", "光谷2"}
    assert names("f.tags=战略") == {"光谷1", "光谷2"}
    assert names(f"f.tags=not_in:{key}") == names("f.tags=empty") == {"东湖"}
    assert "标签 属于 战略" in visitors.get("admin", f"{GRID}?f.tags={key}").get_data(as_text=True)
    assert 'class="tag warn">战略<' in visitors.get("sales", GRID).get_data(as_text=True)
    off = {**sure, "action": "untag", "rowid": ["1", "2"]}
    assert visitors.post("sales", f"{GRID}action/", off).location == GRID
    assert names(f"f.tags=in:{key}") == set()


def test_a_record_is_tagged_on_its_page(visitors):
    form = {"id": "1", "tags": "沉睡"}

    assert visitors.post("sales", f"{GRID}tag/", form).status_code == 303
    assert "沉睡" in visitors.get("sales", f"{GRID}details/?id=1").get_data(as_text=True)
    assert visitors.post("sales", f"{GRID}tag/", {**form, "id": "3"}).status_code == 404
    assert visitors.post("sales", f"{GRID}tag/", {**form, "tags": "neu"}).status_code == 422
    assert visitors.post("sales", "/admin/plan/tag/", form).status_code == 404


def test_sql_and_python_agree_about_tags(world):
    keys = [world.customer("sales", company=name) for name in ("甲", "乙", "丙")]
    put(world, "admin", keys[0], "a,b")
    put(world, "admin", keys[1], "b")
    world.be("admin")
    known = {tag.name: tag.id for tag in tags.known(world.session)}
    rows = world.session.scalars(sa.select(Customer).order_by(Customer.id)).all()
    at = Place(world.now)
    for op, value in (
        ("in", [known["a"]]),
        ("in", [known["a"], known["b"]]),
        ("not_in", [known["a"]]),
        ("empty", None),
        ("filled", None),
    ):
        asked = parse(Customer, {"field": "tags", "op": op, "value": value})
        query = sa.select(Customer.id).where(asked.clause(at))
        told = {row.id for row in rows if asked.holds(getter(row), at)}
        assert set(world.session.scalars(query)) == told, op


def test_a_merged_customer_hands_its_tags_on_and_gets_them_back(small):
    kept, dropped = small.approved("sales", company="甲"), small.approved("sales", company="乙")
    put(small, "admin", kept, "a")
    put(small, "admin", dropped, "a,b")
    with small.acting("admin"):
        plan = merge.plan(small.session, kept, dropped, {}, by=small.actor)
        seen = (plan.kept.row_version, plan.dropped.row_version)
        done = merge.merge(small.call, plan, seen=seen).id
    assert of(small, kept) == ["a", "b"]

    with small.acting("admin"):
        merge.undo(small.call, done)

    assert (of(small, kept), of(small, dropped)) == (["a"], ["a", "b"])
