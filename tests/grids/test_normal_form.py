"""One normal form for search, pickers, duplicates and look-ups; phones as pasted; pinyin orders."""

import pytest
import sqlalchemy as sa

from models.customers.contact import Contact
from models.customers.customer import Customer
from models.customers.merge import CustomerMerge
from models.sales.opportunity import Opportunity
from services.customers import duplicates, merge
from services.query import search
from services.records import lookup
from services.records.fields import inputs_of
from services.records.parsing import parse
from services.rights import gate
from tests.support import kept
from tests.support.visitors import Visitors
from tests.support.world import World

WIDE = "（全角）ＦＵＬＬ括号测试公司"  # as it was stored before entry folded it


@pytest.fixture
def book(world):
    return world, entered(world)


@kept.step
def entered(world):
    """Customers as older versions stored them, and numbers in every notation."""
    keys = {
        "wide": world.approved("sales", company="甲", **{"primary.mobile": "13971002233"}),
        "zeta": world.approved("sales", company="Zeta测试有限公司"),
        "gap": world.approved(
            "sales",
            company="乙",
            **{"primary.landline": "027-87654321-801", "primary.email": "Wang.Fang@ChuJiang.com"},
        ),
    }
    world.be("admin")
    for key, company in (("wide", WIDE), ("gap", "武汉 楚江 机电")):
        stored(world, keys[key], company)
    return keys


def stored(world, key, company):
    """Write a name as it is, past approval and what entry makes of it."""
    with gate.rule(world.session, "merge"):
        world.get(Customer, key).company = company
        world.session.commit()


def hits(world, text, model=Customer, who="admin"):
    world.be(who)
    words = search.words_of(text)
    clauses = [search.found(world.session, model, word, world.actor) for word in words]
    return set(world.session.scalars(sa.select(model.id).where(*clauses)))


def test_a_word_is_found_in_any_coat(book):
    world, keys = book

    for text in ("(全角)", "（全角）", "FULL", "full", "ＦＵＬＬ", "full括号"):
        assert hits(world, text) == {keys["wide"]}, text
    for text in ("楚江机电", "武汉楚江机电", "武汉　楚江", "whcj"):
        found = hits(world, text)
        assert (found == {keys["gap"]}) or (" " not in text and found <= {keys["gap"]}), text
    assert hits(world, "ZETA") == hits(world, "ｚｅｔａ测试") == {keys["zeta"]}


@pytest.mark.parametrize(
    "text",
    ["139 7100 2233", "+86 139-7100-2233", "139-7100-2233", "１３９７１００２２３３",
     "+86 139 7100 2233", "13971", "2233", "1002233", "\u202d13971002233\u202c",
     "全角 139 7100 2233", "1397100-2233", "1397100 2233", "1397100—2233", "139 71 00 22 33",
     "+86 1397100 2233", "13971 002233"],
)  # fmt: skip
def test_a_mobile_is_found_as_pasted_and_by_its_last_digits(book, text):
    world, keys = book

    assert hits(world, text) == {keys["wide"]}
    assert hits(world, text, who="finance") == set() or "全角" in text
    assert hits(world, text, who="sales") == {keys["wide"]}


def test_a_mailbox_is_found_as_pasted_and_by_its_beginning_by_who_sees_it(book):
    world, keys = book
    for text in ("wang.fang@chujiang.com", "ＷＡＮＧ．ｆａｎｇ＠chujiang.com", "Wang.Fang@chu"):
        assert hits(world, text) == hits(world, text, who="sales") == {keys["gap"]}, text
        assert len(hits(world, text, model=Contact)) == 1
        assert hits(world, text, who="finance") == set()
    for text in ("fang@chujiang.com", "@chujiang.com", "wang.fang@chujiang.com.cn"):
        assert hits(world, text) == set(), text


@pytest.mark.parametrize(
    "text",
    ["027-87654321", "027-87654321-801", "（０２７）８７６５－４３２１转８０１", "87654321", "4321",
     "027 8765 4321", "+86 27 8765 4321 转 801", "02787654321", "0278765"],
)  # fmt: skip
def test_a_landline_is_found_with_and_without_area_and_extension(book, text):
    world, keys = book

    assert hits(world, text) == {keys["gap"]}
    contact = world.get(Customer, keys["gap"]).contacts[0].id
    assert hits(world, text, Contact) == {contact}
    assert hits(world, text, who="sales2") == set()


def test_a_number_of_a_record_is_still_found_by_its_parts(book):
    world, keys = book
    code = world.get(Customer, keys["zeta"]).code

    assert keys["zeta"] in hits(world, code)
    assert keys["zeta"] in hits(world, code.lower())
    assert hits(world, "1398") == set()


def test_a_look_up_takes_the_spellings_that_the_search_for_duplicates_takes(book):
    world, keys = book
    world.be("admin")
    one = inputs_of(Opportunity)["customer_id"]
    same = {
        "(全角)FULL括号测试公司": "wide",
        "ZETA测试有限责任公司": "zeta",
        "武汉楚江机电": "gap",
        WIDE: "wide",
    }

    for text, key in same.items():
        assert parse(world.session, one, text) == keys[key]
        twins = duplicates.candidates(world.session, {"company": text}, by=world.actor)
        assert [twin.id for twin in twins if twin.exact] == [keys[key]]
    code = world.get(Customer, keys["zeta"]).code
    assert parse(world.session, one, code.lower()) == keys["zeta"]
    with pytest.raises(ValueError, match="没有找到"):
        parse(world.session, one, "Zeta测试集团公司")


def test_of_two_spellings_the_one_that_is_written_so_is_meant(book):
    world, keys = book
    other = world.approved("sales", company="丙丁")
    world.be("admin")
    stored(world, other, "ＺＥＴＡ测试有限公司")

    assert lookup.called(world.session, Customer, "Zeta测试有限公司") == [keys["zeta"]]
    assert lookup.called(world.session, Customer, "ＺＥＴＡ测试有限公司") == [other]
    assert len(lookup.called(world.session, Customer, "zeta测试有限公司")) == 2


def put_together(world, kept, dropped):
    with world.acting("admin"):
        plan = merge.plan(world.session, kept, dropped, {}, by=world.actor)
        seen = (plan.kept.row_version, plan.dropped.row_version)
        merge.merge(world.call, plan, seen=seen)


def test_what_a_merged_customer_was_called_leads_to_the_one_that_was_kept(book):
    world, keys = book
    codes = {key: world.get(Customer, keys[key]).code for key in keys}
    put_together(world, keys["gap"], keys["zeta"])
    put_together(world, keys["wide"], keys["gap"])
    world.be("admin")
    one = inputs_of(Opportunity)["customer_id"]

    assert lookup.kept_of(world.session, keys.values()) == {
        keys["zeta"]: keys["wide"],
        keys["gap"]: keys["wide"],
    }
    for text in (codes["zeta"], codes["gap"], "Zeta测试", "楚江", "zcsyxgs"):
        assert hits(world, text) == {keys["wide"]}, text
    for text in (codes["zeta"], "ZETA测试有限公司", "武汉楚江机电"):
        assert parse(world.session, one, text) == keys["wide"]
    last = world.session.scalar(sa.select(sa.func.max(CustomerMerge.id)))
    with world.acting("admin"):
        merge.undo(world.call, last)
    world.be("admin")
    assert hits(world, codes["gap"]) == {keys["gap"]}
    assert hits(world, "Zeta测试") == {keys["gap"]}


def test_the_page_of_a_merged_customer_leads_on_and_a_strangers_does_not(app):
    with World(app) as world:
        kept = world.approved("sales", company="保留的公司")
        gone = world.approved("sales", company="并入的公司")
        put_together(world, kept, gone)
    visitors = Visitors(app)

    for page in ("details", "360", "edit"):
        found = visitors.get("sales", f"/admin/customer/{page}/?id={gone}")
        assert (found.status_code, found.location) == (302, f"/admin/customer/{page}/?id={kept}")
    page = visitors.get("sales", f"/admin/customer/details/?id={kept}").get_data(as_text=True)
    assert "该客户已合并到「保留的公司」" in page
    assert visitors.get("sales2", f"/admin/customer/details/?id={gone}").status_code == 404


def test_the_picker_of_customers_knows_pinyin_mobile_landline_number_and_contact(app):
    with World(app) as world:
        contact = {"primary.name": "王建国", "primary.landline": "027-87654321"}
        key = world.approved(
            "sales", company="中京测试（集团）", **contact, **{"primary.mobile": "13971002233"}
        )
        world.approved("sales", company="别的公司")
        code = world.get(Customer, key).code
    visitors = Visitors(app)

    def found(who, text):
        address = "/admin/opportunity/ajax/lookup/"
        answer = visitors.get(who, address, query_string={"name": "customer_id", "query": text})
        return [hit["id"] for hit in answer.json]

    for text in ("zjcs", "139 7100 2233", "2233", "027-87654321", code, "王建国", "(集团)"):
        assert found("sales", text) == [key], text
    for text in ("zjcs", "139 7100 2233", "027-87654321", code):
        assert found("sales2", text) == [], text


def test_chinese_names_stand_in_the_order_of_their_spelling(app):
    names = ["武汉乙", "上海甲", "合肥丙", "阿尔法", "北京丁", "重庆戊", "ABB", "西安己", "先锋庚"]
    with World(app) as world:
        for name in names:
            world.approved("sales", company=name)
        world.be("admin")
        query = sa.select(Customer.company).order_by(Customer.sort_key, Customer.id)
        found = list(world.session.scalars(query))
    page = Visitors(app).get("office", "/admin/customer/?sort=company").get_data(as_text=True)

    right = ["ABB", "阿尔法", "北京丁", "重庆戊", "合肥丙", "上海甲", "武汉乙", "西安己", "先锋庚"]
    assert found == right
    assert sorted(right, key=page.index) == right
