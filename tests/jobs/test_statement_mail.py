"""A statement of account goes to a contact of the customer: made and mailed by the worker."""

import datetime as dt
import email
import email.policy
from pathlib import Path

import sqlalchemy as sa

from jobs import deliver
from jobs.queue import GIVEN_UP, KNOWN
from models.customers.contact import Contact
from models.deals.contract import Contract
from models.deals.payment import Payment
from models.delivery.attachment import Attachment
from models.delivery.notification import Notification
from models.delivery.outbox import Outbox
from models.rights.audit import AuditAction, AuditLog
from services.deals import payment
from services.delivery.filestore import Store
from tests.jobs.test_worker import mailbox  # noqa: F401 # a fixture
from tests.support.visitors import Visitors
from tests.support.world import World

DAY = dt.date(2026, 11, 23)
MAIL = "/admin/paper/mail/"
TO = "li.na@hubei-pump.cn"


def company(app):
    """Return the keys of a customer with money, of a contact with a mailbox, of one without."""
    with World(app) as world:
        key = world.approved(company="湖北水泵有限公司")
        contract = world.approved(model=Contract, key=world.contract(key, terms="3-6-1"))
        with world.acting("finance"):
            paid = world.create(Payment, contract_id=contract, paid_on=DAY, amount=500_00)
            payment.confirm(world.call, paid)
        with world.acting("sales"):
            mobiles = ("13700137001", "13700137002")
            some = [
                world.create(Contact, customer_id=key, name=name, mobile=mobile, email=address).id
                for name, mobile, address in zip(("李娜", "王伟"), mobiles, (TO, None), strict=True)
            ]
        return key, *some


def rows(app, model, **what):
    with World(app) as world:
        return list(world.session.scalars(sa.select(model).filter_by(**what)))


def told(app, who):
    with World(app) as world:
        mine = sa.select(Notification.title).where(Notification.user_id == world.id_of(who))
        return list(world.session.scalars(mine.order_by(Notification.id)))


def test_it_is_made_attached_mailed_and_audited(app, mailbox):  # noqa: F811
    key, to, _none = company(app)
    app.config["TCOS_SMTP_URL"] = mailbox.url
    who = Visitors(app)

    page = who.get("finance", f"{MAIL}?id={key}").get_data(as_text=True)
    assert ("李娜" in page, "王伟" in page) == (True, False)
    answer = who.post("finance", MAIL, {"id": key, "contact": to})
    assert answer.headers["Location"].endswith(f"/admin/customer/360/?id={key}")
    assert deliver.tasks(app, KNOWN, GIVEN_UP) == 1
    deliver.mails(app)

    ((_to, text),) = [one for one in mailbox.letters if one[0] == TO]
    letter = email.message_from_string(text, policy=email.policy.default)
    (file,) = letter.iter_attachments()
    assert file.get_filename().startswith("对账单-")
    assert file.get_content()[:5] == b"%PDF-"
    assert "对账单" in letter["Subject"]
    assert "2026" in letter.get_body().get_content()
    assert [one.mime for one in rows(app, Attachment, record_id=key)] == ["application/pdf"]
    (trace,) = rows(app, AuditLog, action=AuditAction.export, noun="customer", record_id=key)
    assert trace.label == "对账单 → 李娜"
    assert told(app, "finance")[-1].startswith("对账单-")


def test_who_has_no_mailbox_or_is_of_another_customer_is_refused_beside_the_field(lite):
    key, _to, none = company(lite)
    with World(lite) as world:
        other = world.approved(company="襄阳轴承有限公司", **{"primary.mobile": "13611112222"})
    who = Visitors(lite)

    assert "联系人填了邮箱后" in who.get("finance", f"{MAIL}?id={other}").get_data(as_text=True)
    for wrong in (none, 999, "x", ""):
        answer = who.post("finance", MAIL, {"id": key, "contact": wrong})
        assert (answer.status_code, "contact-err" in answer.get_data(as_text=True)) == (422, True)
    for visitor, status in (("analyst", 403), ("sales2", 404), ("sales", 200)):
        assert who.get(visitor, f"{MAIL}?id={key}").status_code == status
    assert who.post("analyst", MAIL, {"id": key, "contact": 1}).status_code == 403
    assert rows(lite, Outbox, title="对账单") == []


def test_a_second_click_sends_one_and_what_cannot_be_sent_is_told(lite):
    key, to, _none = company(lite)
    who = Visitors(lite)
    who.post("finance", MAIL, {"id": key, "contact": to})
    again = who.post("finance", MAIL, {"id": key, "contact": to})
    assert again.status_code == 422
    with World(lite) as world, world.acting("sales"):
        world.get(Contact, to).email = None

    deliver.tasks(lite, KNOWN, GIVEN_UP)

    assert "没有邮箱" in told(lite, "finance")[-1]
    assert rows(lite, Attachment, record_id=key) == []


def test_a_letter_whose_file_is_gone_is_not_sent_without_it(lite, mailbox):  # noqa: F811
    key, to, _none = company(lite)
    lite.config["TCOS_SMTP_URL"] = mailbox.url
    Visitors(lite).post("finance", MAIL, {"id": key, "contact": to})
    deliver.tasks(lite, KNOWN, GIVEN_UP)
    (file,) = rows(lite, Attachment, record_id=key)
    Store(Path(lite.config["TCOS_ATTACHMENT_DIR"])).path(file.sha256).unlink()

    deliver.mails(lite)

    assert [one for one in mailbox.letters if one[0] == TO] == []
    (row,) = [one for one in rows(lite, Outbox) if one.address == TO]
    assert (row.state.name, row.reason) == ("parked", "the attached file is gone")
