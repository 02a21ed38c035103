"""Papers from templates: what they say, what they never reach, what is refused by its name."""

import dataclasses
import datetime as dt
import io
from decimal import Decimal

import docx
import pytest

from jobs import deliver
from jobs.queue import GIVEN_UP, KNOWN
from models.deals.contract import Contract
from models.deals.paper_template import PaperKind, PaperTemplate
from models.deals.payment import Payment
from models.delivery.attachment import Attachment
from models.delivery.notification import Notification
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from services.core.errors import Forbidden, Invalid, Locked, NotVisible
from services.deals import payment
from services.deals.papers import content, layout, making, word
from services.delivery.filestore import Store
from services.rights.actor import SYSTEM
from services.rights.call import Call
from tests.support.visitors import Doors, Visitors
from tests.support.world import World

DAY = dt.date(2026, 11, 23)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def company(world, lines=1):
    """Return the keys of customer, opportunity, contract and payment of one deal."""
    with world.acting("admin"):
        product = world.create(Product, code="P1", name="离心泵", unit="台", price=100_00).id
        for kind in PaperKind:
            values = {
                "company": "武汉亚为科技有限公司",
                "head": "光谷大道 1 号",
                "clauses": "违约责任",
            }
            world.create(PaperTemplate, name=kind.name, kind=kind, **values)
    rows = [{"product_id": product, "quantity": Decimal(2), "price": 617_28}] * lines
    customer = world.approved(company="长江制药有限公司")
    deal = world.approved(model=Opportunity, key=world.opportunity(customer, lines=rows))
    made = world.contract(customer, opportunity_id=deal, lines=rows, terms="3-6-1")
    contract = world.approved(model=Contract, key=made)
    with world.acting("finance"):
        paid = world.create(Payment, contract_id=contract, paid_on=DAY, amount=500_00)
        payment.confirm(world.call, paid)
        return {"customer": customer, "deal": deal, "contract": contract, "payment": paid.id}


OF = {"contract": "contract", "quotation": "deal", "receipt": "payment", "statement": "customer"}


def made(world, store, kind, key, who="sales", **more):
    world.be(who)
    return making.make(
        world.call, store, making.PaperOrder(PaperKind[kind], key, **{"form": "docx"} | more)
    )


def texts_of(paper):
    found = docx.Document(io.BytesIO(paper.body))
    cells = [c.text for t in found.tables for row in t.rows for c in row.cells]
    return "\n".join([*(p.text for p in found.paragraphs), *cells])


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (
            "contract",
            ["离心泵", "1,234.56", "壹仟贰佰叁拾肆元伍角陆分", "3-6-1", "370.37", "违约责任"],
        ),
        ("quotation", ["报价单", "离心泵", "617.28", "壹仟贰佰叁拾肆元伍角陆分"]),
        ("receipt", ["收据", "500.00", "伍佰元整", "YAV-HT-20261123-01"]),
        ("statement", ["对账单", "370.37", "734.56", "500.00", "柒佰叁拾肆元伍角陆分"]),
    ],
)
def test_a_paper_says_what_its_record_says(world, store, kind, says):
    keys = company(world)

    text = texts_of(made(world, store, kind, keys[OF[kind]], "admin"))

    assert "{{" not in text
    for one in ("武汉亚为科技有限公司", "光谷大道 1 号", "长江制药有限公司", *says):
        assert one in text, one


def test_a_statement_adds_up_where_more_was_paid_than_is_due(world, store):
    keys = company(world)  # 1,234.56, of which 500.00 is paid
    other = world.contract(keys["customer"], amount=100_00)
    other = world.approved(model=Contract, key=other)
    with world.acting("finance"):
        paid = world.create(Payment, contract_id=other, paid_on=DAY, amount=130_00)
        payment.confirm(world.call, paid)
    template = making.template_of(world.session, PaperKind.statement)

    found, _record = content.of(world.session, template, keys["customer"], day=DAY, prices=True)
    text = texts_of(made(world, store, "statement", keys["customer"], "admin"))

    totals = found["totals"]
    assert [totals[key] for key in ("amount", "paid", "surplus", "open")] == [
        "1,334.56", "630.00", "30.00", "734.56",
    ]  # fmt: skip
    assert "已收 630.00 元" in text
    assert "预收 30.00 元" in text
    assert "未收 734.56 元（大写：柒佰叁拾肆元伍角陆分）" in text
    assert "预收 30.00 元" in layout.html(making.STANDARD.read_text(encoding="utf-8"), found)


def test_without_prices_no_amount_is_left_anywhere(small, store):
    keys = company(small)
    small.be("sales")
    template = making.template_of(small.session, PaperKind.contract)

    found, _record = content.of(small.session, template, keys["contract"], day=DAY, prices=False)

    said = str(found)
    assert "离心泵" in said
    for amount in ("1,234.56", "617.28", "370.37", "壹", "500.00"):
        assert amount not in said


def test_nobody_has_a_paper_of_what_is_not_his_to_read(small, store):
    keys = company(small)

    for kind, key in OF.items():
        with pytest.raises(NotVisible):
            made(small, store, kind, keys[key], "sales2")
    small.be("sales")
    bare = Call(small.session, dataclasses.replace(small.actor, permissions=frozenset()), small.now)
    order = making.PaperOrder(PaperKind.contract, keys["contract"], "docx")
    with pytest.raises(Forbidden):
        making.make(bare, store, order)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{{ customer.nam }}", "nam"),
        ("{{ kunde }}", "kunde"),
        ("{% for one in lines %}{{ one.prize }}{% endfor %}", "prize"),
        ("{{ customer.name", "写法有误"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ lines.append(1) }}", "unsafe"),
        ("{% include 'standard.html' %}", "loader"),
        ("{{ customer.name | nofilter }}", "nofilter"),
    ],
)
def test_a_layout_with_something_unknown_is_refused_with_its_name(small, text, named):
    with pytest.raises(Invalid) as refusal, small.acting("admin"):
        small.create(PaperTemplate, name="坏", kind=PaperKind.contract, layout=text)

    assert named in str(refusal.value.errors["layout"])
    if "%" not in text:
        paper = docx.Document()
        paper.add_paragraph(text)
        out = io.BytesIO()
        paper.save(out)
        with pytest.raises(Invalid) as refused:
            word.check(out.getvalue())
        assert list(refused.value.errors) == ["file"]


def test_our_own_layouts_know_every_placeholder_and_escape_what_they_are_given():
    found = layout.html(making.STANDARD.read_text(encoding="utf-8"), content.sample())

    assert "lines.product" in found
    word.check(word.standard())
    given = content.sample() | {"customer": dict.fromkeys(content.SHAPE["customer"], "<b>&</b>")}
    assert "&lt;b&gt;" in layout.html(making.STANDARD.read_text(encoding="utf-8"), given)
    assert "<b>&</b>" in texts_of(making.Paper("", "", word.filled(None, given)))


def test_a_pdf_is_made_and_fetches_nothing():
    body = making.pdf("<img src='http://localhost:1/x.png'><p>合同</p>")

    assert body.startswith(b"%PDF-")


def test_an_uploaded_word_layout_is_taken_and_a_bad_one_is_refused_beside_its_field(lite, tmp_path):
    lite.config["TCOS_ATTACHMENT_DIR"] = str(tmp_path)
    with World(lite) as world:
        keys = company(world)
        template = world.session.query(PaperTemplate).filter_by(kind=PaperKind.contract).one().id
    who = Visitors(lite)

    def upload(text):
        paper, out = docx.Document(), io.BytesIO()
        paper.add_paragraph(text)
        paper.save(out)
        file = {"id": template, "file": (io.BytesIO(out.getvalue()), "样式.docx")}
        address = "/admin/papertemplate/attach/"
        return who.post("admin", address, file, content_type="multipart/form-data")

    refused, kept = upload("{{ customer.phone }}"), upload("甲方：{{ customer.name }}")
    address = f"/admin/paper/?kind=contract&id={keys['contract']}&form="
    mine, pdf = (who.get("sales", address + form) for form in ("docx", "pdf"))

    assert refused.status_code == 422
    assert "没有占位符「phone」" in refused.get_data(as_text=True)
    assert kept.status_code == 303
    assert texts_of(making.Paper("", "", mine.data)) == "甲方：长江制药有限公司"
    assert pdf.data.startswith(b"%PDF-")
    assert who.get("sales2", address + "pdf").status_code == 404
    assert who.get("sales", address + "exe").status_code == 404


def test_a_long_paper_is_made_by_the_worker_and_hangs_on_its_record(small, store, monkeypatch):
    keys = company(small, lines=2)
    monkeypatch.setitem(making.AT_ONCE, "docx", 1)
    with small.acting("sales"):
        order = making.PaperOrder(PaperKind.contract, keys["contract"], "docx")
        assert making.make(small.call, store, order) is None
        asker = small.actor.id
    told = {"kind": "contract", "key": keys["contract"], "form": "docx", "prices": True}

    with small.acting(SYSTEM):
        assert making.work(store, small.session, user_id=asker, now=small.now, **told)

    small.be(SYSTEM)
    (file,) = small.session.query(Attachment).all()
    assert (file.noun, file.record_id) == ("contract", keys["contract"])
    assert store.path(file.sha256).is_file()
    (notice,) = small.session.query(Notification).filter_by(title=file.name).all()
    assert notice.user_id == asker


def test_a_long_paper_is_made_again_when_it_is_asked_for_again(world, tmp_path, monkeypatch):
    monkeypatch.setitem(making.AT_ONCE, "docx", 0)
    monkeypatch.setitem(world.app.config, "TCOS_ATTACHMENT_DIR", str(tmp_path))
    keys, doors = company(world), Doors(world)
    address = f"/admin/paper/?kind=contract&id={keys['contract']}&form=docx"

    def asked():
        page = doors.get("sales", address, follow_redirects=True).get_data(as_text=True)
        return "文件较长" in page, "已在后台生成中" in page

    def files():
        with doors.outside():
            done = deliver.tasks(world.app, KNOWN, GIVEN_UP)
        world.be("admin")
        return done, world.session.query(Attachment).filter_by(noun="contract").count()

    assert [asked(), asked()] == [(True, False), (False, True)]
    assert files() == (1, 1)
    assert asked() == (True, False)
    assert files() == (1, 2)


def test_whoever_asked_is_told_why_the_worker_made_no_paper(world, tmp_path, monkeypatch):
    monkeypatch.setitem(world.app.config, "TCOS_ATTACHMENT_DIR", str(tmp_path))
    keys = company(world)
    asked = {
        "gone": making.PaperOrder(PaperKind.contract, keys["contract"] + 99, "docx"),
        "unconfirmed": making.PaperOrder(PaperKind.receipt, keys["payment"], "docx"),
    }
    with world.acting("sales"):
        for order in asked.values():
            assert making.ask(world.call, order)
    with world.acting("finance"):
        payment.reverse(world.call, world.get(Payment, keys["payment"]))

    with Doors(world).outside():
        deliver.tasks(world.app, KNOWN, GIVEN_UP)

    world.be(SYSTEM)
    told = world.session.query(Notification).filter(Notification.title.like("未能生成%"))
    titles = [one.title for one in told.order_by(Notification.id)]
    assert {one.user_id for one in told} == {world.id_of("sales")}
    assert titles[0].startswith("未能生成「合同书」：记录不存在")
    assert titles[1].startswith("未能生成「收据」：回款已冲销")


def test_a_receipt_is_for_money_that_was_confirmed_alone(world, store):
    keys = company(world)
    with world.acting("finance"):
        values = {"contract_id": keys["contract"], "paid_on": DAY}
        waiting = world.create(Payment, amount=1_00, **values).id
        back = world.create(Payment, amount=-1_00, **values)
        payment.confirm(world.call, back)
        back = back.id
    doors = Doors(world)

    for key, why in ((waiting, "已登记"), (back, "退款")):
        with pytest.raises(Locked, match=why):
            made(world, store, "receipt", key, "finance")
        answer = doors.get("finance", f"/admin/paper/?kind=receipt&id={key}&form=docx")
        assert answer.status_code == 409
        assert why in answer.get_data(as_text=True)
        page = doors.get("finance", f"/admin/payment/details/?id={key}").get_data(as_text=True)
        assert "kind=receipt" not in page
    page = doors.get("finance", f"/admin/payment/details/?id={keys['payment']}")
    assert "kind=receipt" in page.get_data(as_text=True)
