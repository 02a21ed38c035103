"""Search finds exactly what a person would: any length, any spelling, nothing he may not see."""

import random

import pytest
import sqlalchemy as sa

from models.core.normal import folded
from models.core.spelling import spelled, spelled_person
from models.customers.contact import Contact
from models.customers.customer import Customer
from services.query import search
from tests.support import kept
from tests.support.visitors import Visitors
from tests.support.world import World

COMPANIES = (
    "武汉长江机械有限公司", "武汉哈哈哈食品有限公司", "武汉哈哈食品", "上海光谷光谷仪表",
    "ABC自动化100%",
    "长沙江长电气_厂", "重庆江北单氏商行", "x'y\\z 公司", "江", "😀光电",
)  # fmt: skip


@kept.step
def fill(world):
    """Ten customers of two salespeople, each with a contact of his own."""
    for n, company in enumerate(COMPANIES):
        contact = {
            "primary.name": "曾国藩" if n == 3 else f"王{n}",
            "primary.mobile": f"1380013800{n}",
        }
        world.approved("sales" if n % 2 else "sales2", company=company, **contact)
    world.be("admin")


@pytest.fixture
def book(world):
    fill(world)
    return world


@pytest.fixture
def visitors(app):
    with World(app) as world:
        fill(world)
    return Visitors(app)


def names(world, word, who="admin"):
    world.be(who)
    clauses = [search.found(world.session, Customer, w, world.actor) for w in search.words_of(word)]
    return set(world.session.scalars(sa.select(Customer.company).where(*clauses)))


def test_a_word_is_found_exactly_where_it_stands_whatever_its_length(book):
    random.seed(3)
    texts = dict(book.session.execute(sa.select(Customer.company, Customer.code)).all())
    words = {
        "哈哈哈",
        "哈哈",
        "光谷光谷",
        "江",
        "%",
        "_",
        "'",
        "\\",
        "100%",
        "abc",
        "ABC",
        "😀",
        "没有",
    }
    for company in COMPANIES:
        start = random.randrange(len(company))
        words.add(company[start : start + random.randint(1, 4)].strip() or "江")
    for word in words:
        expected = {
            company
            for company, code in texts.items()
            if any(folded(word) in folded(text) for text in (company, code, spelled(company) or ""))
        }
        assert names(book, word) == expected, word


@pytest.mark.parametrize(
    ("word", "company"),
    [
        ("whcjjx", COMPANIES[0]), ("changjiang", COMPANIES[0]), ("CJJX", COMPANIES[0]),
        ("zgf", COMPANIES[3]), ("cgf", COMPANIES[3]), ("zengguofan", COMPANIES[3]),
        ("国藩", COMPANIES[3]), ("13800138003", COMPANIES[3]), ("138-0013-8003", COMPANIES[3]),
        ("光谷 国藩", COMPANIES[3]),
    ],
)  # fmt: skip
def test_spelling_contact_and_mobile_lead_to_the_customer(book, word, company):
    assert names(book, word) == {company}


def test_a_common_word_is_found_by_walking_and_a_rare_one_by_the_index_alike(book, monkeypatch):
    by_index = names(book, "公司"), names(book, "光")
    monkeypatch.setattr(search, "COMMON", 0)

    assert (names(book, "公司"), names(book, "光")) == by_index


def test_a_mobile_is_no_oracle_for_whom_it_is_masked(book):
    mine, foreign = "13800138003", "13800138002"

    assert names(book, mine, "sales") == {COMPANIES[3]}
    assert names(book, foreign, "sales") == set()
    for who in ("analyst", "finance"):
        assert names(book, mine, who) == set()
        assert names(book, "138", who) == set()
    assert names(book, foreign) == {COMPANIES[2]}


def test_the_database_keeps_the_index_whoever_writes(book):
    connection = book.session.connection()
    customer, contact = Customer.__table__, Contact.__table__
    key = connection.execute(sa.select(customer.c.id).where(customer.c.company == "江")).scalar()
    connection.execute(sa.update(customer).values(company="广州珠江").where(customer.c.id == key))
    connection.execute(sa.update(contact).values(name="欧阳").where(contact.c.customer_id == key))
    book.session.commit()

    assert names(book, "珠江") == {"广州珠江"}
    assert names(book, "欧阳") == {"广州珠江"}


def test_what_is_entered_in_bulk_is_spelled_too(book):
    row = {
        "company": "青岛海风",
        "customer_class": "high_value",
        "status": "new",
        "approval": "draft",
    }
    stamp = {"created_at": book.now, "updated_at": book.now}
    book.session.connection().execute(sa.insert(Customer.__table__), [row | stamp])
    book.session.commit()

    assert names(book, "qdhf") == {"青岛海风"}


def test_every_reading_of_a_surname_is_kept():
    assert spelled_person("曾国藩").split()[:2] in (["zgf", "cgf"], ["cgf", "zgf"])
    assert spelled_person("Bob") is None
    assert spelled(None) is None


def test_the_box_shows_what_the_person_may_see_with_mobiles_masked(visitors):
    seen = {
        who: visitors.get(who, "/admin/search/hits.json?q=光谷").get_json()
        for who in ("sales", "sales2", "analyst")
    }

    found = [group["hits"][0]["text"] for group in seen["sales"]]
    assert found == [COMPANIES[3], "曾国藩", COMPANIES[3]]  # the last is its approval request
    assert seen["sales2"] == []
    assert "138 0013 8003" in seen["sales"][1]["hits"][0]["detail"]
    assert "0013" not in str(seen["analyst"])


def test_the_page_of_the_box_works_without_a_script_and_says_what_to_try(visitors):
    assert COMPANIES[3] in visitors.get("admin", "/admin/search/?q=光谷").get_data(as_text=True)
    assert "可以试试" in visitors.get("admin", "/admin/search/?q=zzzz").get_data(as_text=True)
