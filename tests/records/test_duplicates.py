"""Law 8: duplicates are seen while typing and by search, even out of scope; merge and undo."""

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.core.base import Model
from models.core.keys import company_key
from models.core.mixins import Approval
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.order import Order
from models.deals.payment import Payment
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from services import approval
from services.core.errors import Forbidden, Invalid, Locked, Stale
from services.customers import duplicates, merge
from services.records import records
from services.rights.call import Call
from tests.support.page import tight
from tests.support.world import World, count_queries, login, token_of

NAME = "武汉光谷精工机械有限公司"


@pytest.mark.parametrize(
    "other",
    [
        "武汉光谷精工机械有限公司",
        "武汉市光谷精工机械有限责任公司",
        " 武汉光谷精工机械 （集团）有限公司",
        "武漢光谷精工机械有限公司".replace("漢", "汉"),
        "武汉光谷精工机械股份有限公司",
        "武汉光谷精工机械",
    ],
)
def test_spellings_of_one_company_share_a_key(other):
    assert company_key(other) == company_key(NAME)


def test_a_stranger_sees_a_duplicate_masked_with_owner_and_state(world):
    key = world.approved(company=NAME)

    by = world.be("sales2")
    found = duplicates.candidates(world.session, {"company": "武汉市光谷精工机械公司"}, by=by)

    assert [(c.id, c.visible, c.exact, c.owner, c.standing) for c in found] == [
        (key, False, True, "sales", "已通过")
    ]
    assert found[0].company == "武汉****公司"
    assert found[0].code == ""


def test_a_number_finds_its_customer_in_any_notation(world):
    key = world.customer(company=NAME, **{"primary.mobile": "13912345678"})
    other = world.customer(**{"primary.landline": "027-87654321"})

    by = world.be("sales")
    mobile = duplicates.candidates(world.session, {"primary.mobile": "+86 139 1234 5678"}, by=by)
    phone = duplicates.candidates(world.session, {"primary.landline": "(027)87654321转8"}, by=by)

    assert [(c.id, c.matched) for c in mobile] == [(key, ("mobile",))]
    assert [(c.id, c.matched) for c in phone] == [(other, ("landline",))]


def test_the_beginning_of_a_name_is_a_hint_and_not_an_exact_match(world):
    key = world.customer(company=NAME)

    by = world.be("sales")
    found = duplicates.candidates(world.session, {"company": "武汉光谷精工"}, by=by)

    assert [(c.id, c.exact) for c in found] == [(key, False)]
    assert duplicates.candidates(world.session, {"company": NAME, "id": key}, by=by) == []


def test_bulk_inserts_keep_the_keys_and_edits_move_them(world):
    key = world.customer(company=NAME)
    values = {
        "company": "深圳前海智联科技有限公司",
        "created_at": world.now,
        "updated_at": world.now,
    }
    with world.acting("sales"):
        row = world.get(Customer, key)
        row.company = "宜昌三峡水泵有限公司"
    world.be("admin")
    world.session.execute(
        sa.insert(Customer.__table__),
        [values, values | {"company": "成都天府生物有限公司"}],
        execution_options={"rule": "import"},
    )
    customer = Customer.__table__
    keys = set(world.session.execute(sa.select(customer.c.company_key)).scalars())

    assert keys == {"深圳前海智联科技", "成都天府生物", "宜昌三峡水泵"}


def test_a_second_customer_of_the_same_name_needs_a_written_reason(world):
    world.approved(company=NAME)
    key = world.customer("sales2", company="武汉市光谷精工机械公司")

    with pytest.raises(Invalid) as refusal:
        world.submitted("sales2", key=key)
    assert set(refusal.value.errors) == {"duplicate_note"}

    other = world.customer("sales2", company=NAME, duplicate_note="另一法人，独立采购")
    world.submitted("sales2", key=other)
    world.be("admin")
    assert world.get(Customer, other).approval is Approval.pending


@pytest.mark.parametrize(
    ("key", "theirs", "mine", "told"),
    [
        ("company", NAME, "武汉市光谷精工机械公司", "客户单位"),
        ("primary.mobile", "13912345678", "+86 139 1234 5678", "手机"),
        ("primary.landline", "027-87654321", "(027) 87654321转8", "座机"),
    ],
)
def test_every_exact_match_needs_a_written_reason(world, key, theirs, mine, told):
    world.approved(**{key: theirs})
    second = world.customer("sales2", **{key: mine})

    with pytest.raises(Invalid) as refusal:
        world.submitted("sales2", key=second)
    assert set(refusal.value.errors) == {"duplicate_note"}
    assert told in str(refusal.value)

    with world.acting("sales2"):
        world.get(Customer, second).duplicate_note = "另一法人，独立采购"
    _key, request_id = world.submitted("sales2", key=second)
    request = world.session.get_one(ApprovalRequest, request_id)
    assert request.payload["values"]["duplicate_note"] == "另一法人，独立采购"


def test_of_two_drafts_the_later_one_gives_its_reason(world):
    first = world.customer(company=NAME)
    second = world.customer("sales2", company=NAME)

    world.submitted(key=first)

    with pytest.raises(Invalid):
        world.submitted("sales2", key=second)


def change_of(world, key, values):
    """Let the owner change a customer; return the request that leaves."""
    with world.acting("sales"):
        row = world.get(Customer, key)
        records.update(world.call, row, values, seen=None)
        return approval.change_of(world.session, "customer", key)


def test_a_change_to_a_number_that_another_has_needs_its_reason_too(world):
    world.approved("sales2", **{"primary.mobile": "13912345678"})
    key = world.approved()
    change = {"primary.mobile": "139 1234 5678"}

    with pytest.raises(Invalid) as refusal:
        change_of(world, key, change)
    assert set(refusal.value.errors) == {"duplicate_note"}

    asked = change_of(world, key, change | {"duplicate_note": "总机相同"})
    assert asked.payload["duplicate_note"] == "总机相同"


def test_the_reviewer_reads_the_reason_beside_the_duplicate(app):
    with World(app) as world:
        world.approved("sales2", **{"primary.mobile": "13912345678"})
        same = {"primary.mobile": "13912345678", "duplicate_note": "总机相同，独立采购"}
        created = world.submitted(**same)[1]
        key = world.approved(company="改号的客户")
        changed = change_of(world, key, same).id
    client = app.test_client()
    login(client, "reviewer")

    for page in ("inbox", "request"):
        for ident in (created, changed):
            text = client.get(f"/admin/{page}/?id={ident}").get_data(as_text=True)
            told = tight(text).split("<b>疑似重复</b>", 1)[1].split("</div></div>", 1)[0]
            assert "总机相同，独立采购" in told


def test_the_reviewer_compares_the_two_and_a_stranger_does_not(app):
    with World(app) as world:
        theirs = world.approved("sales", **{"primary.mobile": "13912345678"})
        same = {"primary.mobile": "139 1234 5678", "duplicate_note": "总机相同"}
        _record, asked = world.submitted(company="另一家公司", **same)
        foreign = world.approved("sales2", company="别部门的公司")
    client = app.test_client()
    login(client, "reviewer")
    address = f"/admin/request/compare/?id={asked}&amp;with={theirs}"

    assert address in client.get(f"/admin/inbox/?id={asked}").get_data(as_text=True)
    text = client.get(address.replace("&amp;", "&")).get_data(as_text=True)
    mobile = text.split("手机</td>", 1)[1].split("</tr>", 1)[0]
    assert "139 1234 5678" in mobile
    assert "相同" in mobile
    company = text.split("客户单位</td>", 1)[1].split("</tr>", 1)[0]
    assert "另一家公司" in company
    assert "相同" not in company
    for other in (foreign, 10**9, "x"):
        assert client.get(f"/admin/request/compare/?id={asked}&with={other}").status_code == 404


def test_typing_asks_few_statements_and_writes_nothing(app):
    client = app.test_client()
    login(client, "sales")
    token = token_of(client.get("/admin/customer/new/").get_data(as_text=True))
    data = {"csrf_token": token, "company": NAME, "primary.mobile": "13800138000"}

    with count_queries(app) as statements:
        answer = client.post("/admin/customer/duplicates/", data=data)

    assert answer.status_code == 200
    assert answer.get_json() == []
    assert not [s for s in statements if s.split()[0] in {"INSERT", "UPDATE", "DELETE"}]
    assert len(statements) <= 12


def test_the_finder_groups_what_shares_a_name(world):
    first = world.customer(company=NAME)
    second = world.customer("sales2", company="武汉市光谷精工机械公司")
    world.customer()

    by_name, more = duplicates.groups(world.session, "company", page=0, size=20)

    assert by_name == [[first, second]]
    assert not more


def pair(world):
    """Return two customers with relations on both."""
    kept = world.approved(company=NAME, **{"primary.title": None})
    dropped = world.approved(
        "sales2",
        company="武汉光谷精工机械设备有限公司",
        street="光谷大道 77 号",
        **{"primary.name": "李娜", "primary.mobile": "13900139000"},
    )
    for key, who in ((kept, "sales"), (dropped, "sales2")):
        deal = world.opportunity(key, who)
        world.approved(who, Opportunity, deal)
        contract = world.contract(key, who, opportunity_id=deal)
        world.approved(who, Contract, contract)
        with world.acting(who):
            world.create(FollowUp, customer_id=key, content="电话")
            world.create(Payment, contract_id=contract, paid_on=world.now.date(), amount=100)
            world.create(Contact, customer_id=key, name="张强", mobile="13700137000")
    return kept, dropped


def snapshot(world):
    """Return every customer's values and what points where, without versions."""
    world.be("admin")
    skip = {"row_version", "updated_at"}
    tables = ("customer", "contact", "opportunity", "contract", "follow_up", "payment")
    tables += ("sales_order", "follow_up_plan", "approval_request")
    return {
        name: sorted(
            repr({k: v for k, v in row._mapping.items() if k not in skip})
            for row in world.session.execute(sa.select(Model.metadata.tables[name]))
        )
        for name in tables
    }


def test_the_result_of_a_merge_equals_its_preview(world):
    kept, dropped = pair(world)
    take = {"company": "dropped", merge.CONTACT: "dropped"}

    by = world.be("office")
    plan = merge.plan(world.session, kept, dropped, take, by=by)
    expected, contact = dict(plan.values), plan.contact_id
    counts = {str(k): n for k, n in plan.counts.items()}
    seen = (plan.kept.row_version, plan.dropped.row_version)
    merge.merge(Call(world.session, by, world.now), plan, seen=seen)
    world.session.commit()

    world.be("admin")
    row = world.get(Customer, kept)
    assert {k: getattr(row, k) for k in expected} == expected
    assert row.street == "光谷大道 77 号"  # a blank takes the other's value
    assert [c.id for c in row.contacts if c.is_primary] == [contact]
    assert counts["商机"] == 1
    assert world.get(Customer, dropped) is None
    for model in (Contact, Opportunity, Contract, FollowUp, Payment, Order):
        assert not world.session.scalars(sa.select(model).where(model.customer_id == dropped)).all()
    assert len(row.contacts) == 4


def test_a_merge_is_undone_to_exactly_what_was(world):
    kept, dropped = pair(world)
    before = snapshot(world)

    with world.acting("office"):
        plan = merge.plan(world.session, kept, dropped, {"company": "dropped"}, by=world.actor)
        seen = (plan.kept.row_version, plan.dropped.row_version)
        done = merge.merge(world.call, plan, seen=seen).id
    assert snapshot(world) != before
    with world.acting("office"):
        merge.undo(world.call, done)

    after = snapshot(world)
    assert {k: v for k, v in after.items() if before[k] != v} == {}


def test_a_merge_is_refused_when_something_changed_is_pending_or_the_grant_lacks(world):
    kept, dropped = pair(world)
    pending, _request = world.submitted()

    office = world.be("office")
    plan = merge.plan(world.session, kept, dropped, {}, by=office)
    with pytest.raises(Stale):
        merge.merge(Call(world.session, office, world.now), plan, seen=(0, 0))
    with pytest.raises(Locked):
        merge.plan(world.session, kept, pending, {}, by=world.be("admin"))
    with pytest.raises(Forbidden):
        merge.plan(world.session, kept, dropped, {}, by=world.be("sales"))


def test_after_thirty_days_a_merge_stays(world):
    kept, dropped = pair(world)
    with world.acting("office"):
        plan = merge.plan(world.session, kept, dropped, {}, by=world.actor)
        seen = (plan.kept.row_version, plan.dropped.row_version)
        done = merge.merge(world.call, plan, seen=seen).id

    by = world.be("office")
    with pytest.raises(Locked):
        merge.undo(Call(world.session, by, world.now + merge.UNDO * 2), done)


def test_the_pages_merge_and_undo_without_a_script(lite):
    with World(lite) as world:
        kept = world.approved(company=NAME)
        note = "另一法人"
        dropped = world.approved("sales2", company="武汉光谷精工机械公司", duplicate_note=note)
    client = lite.test_client()
    login(client, "office")
    finder = client.get("/admin/merge/").get_data(as_text=True)
    page = client.get(f"/admin/merge/pair/?id={kept}&id={dropped}").get_data(as_text=True)
    token = token_of(page)
    version = "".join(part.split('"')[0] for part in page.split('kept_version" value="')[1:])
    other = "".join(part.split('"')[0] for part in page.split('dropped_version" value="')[1:])
    data = {"csrf_token": token, "id": [kept, dropped], "kept": kept}
    data |= {"kept_version": version, "dropped_version": other}

    preview = client.post("/admin/merge/pair/", data=data | {"_preview": "1"})
    merged = client.post("/admin/merge/pair/", data=data | {"_merge": "1"})

    assert NAME in finder
    assert preview.status_code == 200
    assert 'name="_merge"' in preview.get_data(as_text=True)
    assert merged.status_code == 303
    led = client.get(f"/admin/customer/details/?id={dropped}")
    assert (led.status_code, led.location) == (302, f"/admin/customer/details/?id={kept}")
