"""The same rendered form sent twice makes one record, whatever it makes and whoever sends it."""

import datetime as dt
import io
import re
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from jobs import schedules
from models.approval.flow import Delegation
from models.approval.request import ApprovalEvent, ApprovalRequest
from models.core.base import db
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.customers.merge import CustomerMerge
from models.deals.contract import Contract, ContractState
from models.deals.order import Order
from models.delivery.attachment import Attachment
from models.importing.import_job import ImportJob
from models.people.user import User
from models.query.saved_view import SavedView
from models.records.idempotency_key import IdempotencyKey
from models.sales.follow_up import FollowUp
from models.sales.product import Product
from services.records import idempotency
from tests.support import clock, ready
from tests.support.company import seed_company
from tests.support.forms import Forms
from tests.support.visitors import AJAX, Visitors
from tests.support.world import World
from views.web.idempotency import FIELD, NEXT

KEY = "a-key-of-this-test-0123456789"
CUSTOMER = {
    "company": "武汉重复测试有限公司", "primary.name": "王伟", "primary.mobile": "13800990011",
    "region_code": "420111", "_save": "1",
}  # fmt: skip


def count(app, model):
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(model)).scalar_one()


def forms(found, who, path):
    """Return the forms of a page that was asked for as a script leaves them: each is a new one."""
    page = Forms(found.get(who, path).get_data(as_text=True))
    for one in page.found:
        following = dict(one["fields"]).get(NEXT)
        pairs = [(k, following if k == FIELD and following else v) for k, v in one["fields"]]
        one["fields"] = [pair for pair in pairs if pair[0] != NEXT]
    return page


# -- every create form -----------------------------------------------------------------------------

TODAY = clock.now().date()
# noun → who fills it in, and what must be given beyond the defaults; {name} is filled in below.
ENTRIES = {
    "customer": ("sales", CUSTOMER),
    "contact": ("sales", {"customer_id": "{draft}", "name": "李丽", "mobile": "13900991122"}),
    "opportunity": (
        "sales",
        {"customer_id": "{customer}", "name": "产线", "amount": "1000", "expected_on": str(TODAY)},
    ),
    "product": ("admin", {"code": "NEW-1", "name": "新控制器"}),
    "followup": ("sales", {"customer_id": "{customer}", "kind": "call", "content": "谈价格"}),
    "plan": ("sales", {"customer_id": "{customer}", "kind": "call", "due_at": "2030-01-02T10:00"}),
    "contract": (
        "sales",
        {"customer_id": "{customer}", "name": "供货", "amount": "10", "signed_on": str(TODAY)},
    ),
    "milestone": ("office", {"order_id": "{order}", "name": "验收"}),
    "payment": (
        "finance",
        {"contract_id": "{contract}", "paid_on": "2026-11-20", "amount": "10", "method": "wire"},
    ),
    "invoice": (
        "finance",
        {"contract_id": "{contract}", "amount": "10", "type": "special", "title": "某公司"},
    ),
    "user": ("admin", {"name": "新人", "email": "new@demo.tcos.cn"}),
    "department": ("admin", {"name": "华北"}),
    "role": ("admin", {"name": "guest", "label": "访客"}),
    "dictionary": ("admin", {"kind": "source", "code": "fair2", "label": "展会二"}),
    "tag": ("admin", {"name": "重点"}),
    "needrule": ("office", {"name": "节能", "words": "节能,省电", "ordinal": "7"}),
    "segmentrule": ("admin", {"code": "big", "name": "大客户群", "ordinal": "5"}),
    "steptemplate": ("admin", {"name": "新模板", "steps-sent": "1", "steps-0-name": "开工"}),
    "deliverynote": (
        "sales",
        {
            "order_id": "{order}",
            "lines-sent": "1",
            "lines-0-product_id": "{product}",
            "lines-0-quantity": "1",
        },
    ),
    "papertemplate": ("admin", {"name": "合同", "kind": "contract", "prices": "1"}),
    "stage": ("admin", {"code": "trial", "label": "试用", "kind": "open"}),
    "flow": ("admin", {}),
    "target": ("manager", {"month": "2031-05", "department_id": "2", "amount": "1000"}),
    "calendarday": ("admin", {"day": "2031-05-05", "workday": "1"}),
}


@pytest.fixture(scope="module")
def company(databases):
    with databases.lent("sqlite", seed_company) as app:
        yield Visitors(app)


def known(app):
    """Return the keys that entries refer to."""
    with app.app_context(), db.engine.connect() as connection:

        def first(model, **where):
            table = model.__table__
            query = sa.select(table.c.id).where(*(table.c[k] == v for k, v in where.items()))
            return connection.execute(query.order_by(table.c.id).limit(1)).scalar_one()

        contract = Contract.__table__
        active = contract.c.state == ContractState.active
        return {
            "customer": first(Customer, company="sales的客户"),
            "draft": first(Customer, company="sales的草稿"),
            "contract": connection.execute(
                sa.select(contract.c.id).where(active).order_by(contract.c.id).limit(1)
            ).scalar_one(),
            "order": first(Order),
            "product": first(Product),
            "request": first(ApprovalRequest),
        }


def screens(app):
    """Return the entity screens that make records, by noun."""
    views = app.extensions["admin"][0]._views
    return {v.endpoint: v for v in views if getattr(v, "can_create", False) and hasattr(v, "model")}


def test_every_screen_that_makes_records_is_walked(company):
    assert set(screens(company.app)) == set(ENTRIES)


@pytest.mark.parametrize("noun", ENTRIES)
def test_a_create_form_sent_twice_makes_one_record(company, noun):
    (who, given), app = ENTRIES[noun], company.app
    model, path = screens(app)[noun].model, f"/admin/{noun}/new/"
    ids = known(app)
    form = forms(company, who, path).with_field(FIELD)
    form |= {key: text.format(**ids) for key, text in given.items()}
    form.setdefault("_save", "1")
    before = count(app, model)
    first, second = (company.post(who, path, form) for _time in range(2))
    told = company.get(who, "/admin/profile/").get_data(as_text=True)
    changed = company.post(who, path, form | {"remark": "另一条", "note": "另一条"})

    assert first.status_code == 303, first.get_data(as_text=True)
    assert (second.status_code, second.location) == (303, first.location)
    assert "已保存过" in told
    assert changed.status_code == 409
    assert urlsplit(first.location).path in changed.get_data(as_text=True)
    assert count(app, model) == before + 1


def _by(who, path, model, more, **marks):
    """A form on another page: who, where, what it makes, what is typed, how it is known."""
    return pytest.param(who, path, model, more, marks, id=f"{path}-{model.__noun__}")


OTHERS = [
    _by("sales", "/admin/customer/360/?id={customer}", FollowUp, {"content": "电话"},
        kind="call", _to="/admin/followup/new/"),
    _by("sales", "/admin/customer/360/?id={draft}&tab=contacts", Contact,
        {"name": "周周", "mobile": "13900993344"}, _to="/admin/contact/new/"),
    _by("sales", "/admin/customer/?flt_level=a", SavedView, {"name": "我的视图"}, verb="save",
        _to="/admin/customer/views/"),
    _by("reviewer", "/admin/inbox/delegation/", Delegation,
        {"delegate_id": "{reviewer2}", "from_on": "2031-01-01", "to_on": "2031-01-02"},
        _to="/admin/inbox/delegation/"),
    _by("sales", "/admin/request/?id={request}", ApprovalEvent, {"comment": "请看"},
        _to="/admin/request/comment/"),
    _by("sales", "/admin/customer/360/?id={draft}&tab=files", Attachment,
        {"file": (b"%PDF-1.4 x", "scan.pdf")}, _to="/admin/customer/attach/"),
    _by("office", "/admin/import/?noun=customer", ImportJob,
        {"file": ("客户单位\n甲公司\n".encode(), "a.csv")}, _to="/admin/import/upload/"),
]  # fmt: skip


@pytest.mark.parametrize(("who", "path", "model", "more", "marks"), OTHERS)
def test_so_does_every_form_on_another_page(company, who, path, model, more, marks):
    app, where = company.app, marks.pop("_to")
    ids = known(app)
    with app.app_context(), db.engine.connect() as connection:
        user = User.__table__
        ids["reviewer2"] = connection.execute(
            sa.select(user.c.id).where(user.c.email == "reviewer2@demo.tcos.cn")
        ).scalar_one()
    page = forms(company, who, path.format(**ids))
    fields = next(
        dict(f["fields"])
        for f in page.found
        if f["method"] == "post" and FIELD in dict(f["fields"])
        and (f["action"] or path).partition("?")[0] == where
    )  # fmt: skip

    def typed():
        """Return the form with fresh streams: a client closes what it has sent."""
        given = {k: v.format(**ids) for k, v in more.items() if isinstance(v, str)}
        files = {k: (io.BytesIO(v[0]), v[1]) for k, v in more.items() if not isinstance(v, str)}
        return fields | given | files

    before = count(app, model)
    first, second = (company.post(who, where, typed()) for _time in range(2))

    assert first.status_code in {302, 303}, first.get_data(as_text=True)
    assert (second.status_code, second.location) == (303, first.location)
    assert count(app, model) == before + 1


# -- the law itself --------------------------------------------------------------------------------


def test_what_was_typed_again_is_kept_for_a_record_of_its_own(company):
    found, path = company, "/admin/customer/new/"
    form = forms(found, "sales", path).with_field(FIELD) | CUSTOMER
    form |= {"company": "武汉第一有限公司", "primary.mobile": "13800990021"}
    assert found.post("sales", path, form).status_code == 303
    other = form | {"company": "武汉<第二>有限公司", "primary.mobile": "13800990022"}
    again = found.post("sales", path, other)
    kept = Forms(again.get_data(as_text=True)).with_field(FIELD, company="武汉<第二>有限公司")
    before = count(found.app, Customer)

    assert again.status_code == 409
    assert kept[FIELD] != form[FIELD]
    assert found.post("sales", path, other, headers=AJAX).json["code"] == "ALREADY_SENT"
    assert found.post("sales", path, kept).status_code == 303
    assert count(found.app, Customer) == before + 1


def send(found, who, key, **changes):
    form = CUSTOMER | changes | ({FIELD: key} if key is not None else {})
    return found.post(who, "/admin/customer/new/", form)


def test_a_refused_form_leaves_its_key(app):
    found = Visitors(app)

    assert send(found, "sales", KEY, region_code="999999").status_code == 422
    assert count(app, IdempotencyKey) == 0
    assert send(found, "sales", KEY).status_code == 303
    assert send(found, "sales", KEY).status_code == 303
    assert count(app, Customer) == count(app, IdempotencyKey) == 1


def test_a_key_is_its_person_s_and_its_form_s(app):
    found = Visitors(app)
    mine = send(found, "sales", KEY)
    theirs = send(found, "sales2", KEY, company="别人的有限公司")
    plan = found.post("sales", "/admin/contact/new/", {FIELD: KEY, "_save": "1"})

    assert theirs.status_code == 303
    assert theirs.location != mine.location
    assert plan.status_code == 422
    assert send(found, "sales", KEY).location == mine.location


@pytest.mark.parametrize("key", [None, "", "short", "x" * 65, "a' OR 1=1 --'''''''", "é" * 20])
def test_without_a_key_of_the_right_shape_everything_goes_on_as_before(lite, key):
    found = Visitors(lite)

    assert [send(found, "sales", key).status_code for _time in range(2)] == [303, 303]
    assert count(lite, Customer) == 2


def test_a_script_may_send_the_header(lite):
    found = Visitors(lite)
    headers = {"Idempotency-Key": KEY}
    sent = [
        found.post("sales", "/admin/customer/new/", CUSTOMER, headers=headers) for _n in range(2)
    ]

    assert len({answer.location for answer in sent}) == 1
    assert count(lite, Customer) == 1


def follow(found, who, answer):
    return found.get(who, answer.location, follow_redirects=True).get_data(as_text=True)


def test_a_record_that_went_is_told(app):
    found = Visitors(app)
    first = send(found, "sales", KEY)
    key = int(re.search(r"id=(\d+)", first.location)[1])
    page = forms(found, "sales", first.location)
    seen = page.with_field("row_version", id=str(key))["row_version"]
    gone = found.post("sales", "/admin/customer/delete/", {"id": key, "row_version": seen})
    again = send(found, "sales", KEY)

    assert gone.status_code == 303
    assert again.status_code == 303
    assert "后来已被删除" in follow(found, "sales", again)
    assert count(app, Customer) == 1


def test_a_record_that_was_merged_leads_to_the_one_that_was_kept(lite):
    found = Visitors(lite)
    send(found, "sales", KEY)
    with World(lite) as world:
        dropped = world.session.scalar(sa.select(sa.func.max(Customer.id)))
        kept = world.customer("sales")
    with lite.app_context(), db.engine.begin() as connection:
        table = CustomerMerge.__table__
        now = clock.now()
        values = {"kept_id": kept, "dropped_id": dropped, "at": now, "before": {}, "moved": {}}
        connection.execute(sa.insert(table).values(**values))
        gone = sa.update(Customer.__table__).where(Customer.__table__.c.id == dropped)
        connection.execute(gone.values(deleted_at=now))
    again = send(found, "sales", KEY)

    assert again.location == f"/admin/customer/details/?id={kept}"
    assert "合并到这一条" in follow(found, "sales", again)


def test_keys_go_after_some_days(lite):
    found = Visitors(lite)
    send(found, "sales", KEY)
    send(found, "sales", f"{KEY}-old", company="武汉旧的有限公司")
    table = IdempotencyKey.__table__
    with lite.app_context(), db.engine.begin() as connection:
        past = clock.now() - idempotency.KEPT - dt.timedelta(minutes=1)
        old = sa.update(table).where(table.c.key == f"{KEY}-old")
        connection.execute(old.values(created_at=past))

    assert schedules.prune(lite) == 1
    assert count(lite, IdempotencyKey) == 1


SENDER = """
import sys
from tests.safety.test_idempotency import KEY, send
from tests.support.visitors import Visitors
from tests.support.world import make_app
found = Visitors(make_app(sys.argv[1]))
found.token("sales")
print("ready", flush=True)
sys.stdin.readline()
answer = send(found, "sales", KEY)
print(answer.status_code, answer.location)
"""


def test_two_processes_at_the_same_moment_make_one(app):
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    senders = [
        ready.PRODUCT.start(["-c", SENDER, url], stdin=ready.PIPE, stdout=ready.PIPE)
        for _n in range(3)
    ]
    assert [one.stdout.readline() for one in senders] == ["ready\n"] * 3
    for one in senders:
        one.stdin.write("go\n")
        one.stdin.flush()
    told = {one.communicate()[0] for one in senders}

    assert len(told) == 1
    assert next(iter(told)).startswith("303 /admin/customer/details/")
    assert count(app, Customer) == 1
