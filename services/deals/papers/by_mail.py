"""A statement of account mailed to a contact: asked for here, made and sent by the worker."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.paper_template import PaperKind
from models.delivery.attachment import Attachment
from models.people.user import Language
from models.rights.audit import AuditAction, AuditLog
from services.core.days import today
from services.core.errors import Forbidden, Invalid
from services.deals.papers import making
from services.delivery import letters, outbox
from services.delivery.filestore import FileStore
from services.rights import gate, traces
from services.rights.actor import may
from services.rights.call import Call

TASK = "statement"
NO_CONTACT = _("请选择该客户的联系人")
NO_MAILBOX = _("该联系人没有邮箱，请先补填")


def may_send(call: Call, customer: Customer) -> bool:
    """Tell whether this person may send a statement: who collects, or who works the customer."""
    return may(call.by, "payment:create") or gate.may_write(call.by, "edit", customer)


def readers(session: Session, customer_id: int) -> list[Contact]:
    """Return the contacts of a customer that have a mailbox, the primary one first."""
    row = Contact
    query = sa.select(row).where(row.customer_id == customer_id, row.email.is_not(None))
    return list(session.scalars(query.order_by(row.is_primary.desc(), row.id)))


def send(call: Call, customer: Customer, contact_id: int | None) -> Contact:
    """Let the worker make a customer's statement as PDF and mail it to one of the contacts.

    Raises Forbidden, or Invalid beside `contact`: none of this customer, no mailbox, or the same
    letter is being made.
    """
    if not may_send(call, customer):
        raise Forbidden
    contact = _of(call.session, customer.id, contact_id)
    what = {"key": customer.id, "contact_id": contact.id, "user_id": call.by.id}
    if not outbox.enqueue(call.session, TASK, what, title=str(PaperKind.statement), now=call.now):
        raise Invalid({"contact": _("这份对账单正在发送，请稍候")})
    label = f"{PaperKind.statement} → {contact.name}"
    told = {"actor_id": call.by.id, "record_id": customer.id}
    row = traces.trace(AuditAction.export, Customer.__noun__, label, **told)
    call.session.connection().execute(sa.insert(AuditLog.__table__), row | {"at": call.now})
    return contact


def _of(session: Session, customer_id: int, contact_id: int | None) -> Contact:
    row = Contact
    found = session.scalar(
        sa.select(row).where(row.id == contact_id, row.customer_id == customer_id)
    )
    if found is None:
        raise Invalid({"contact": NO_CONTACT})
    if not found.email:
        raise Invalid({"contact": NO_MAILBOX})
    return found


def work(
    store: FileStore, session: Session, *, key: int, contact_id: int, user_id: int, now: dt.datetime
) -> bool:
    """Make a statement, attach it to its customer, mail it. A task of the worker.

    Raises what `making.make` does, and Invalid where the contact has lost the mailbox.
    """
    contact = _of(session, key, contact_id)
    order = making.PaperOrder(PaperKind.statement, key, "pdf")
    file = making.attached(store, session, order, user_id=user_id, now=now)
    if file is not None:
        letters.write(session, _letter(contact, file, today(now)), now=now)
    return True


def given_up(session: Session, problem: Any, *, contact_id: int, **told: Any) -> None:
    """Tell who asked that a statement was not sent, and why."""
    del contact_id
    making.given_up(session, problem, kind=PaperKind.statement.name, form="pdf", **told)


def _letter(contact: Contact, file: Attachment, day: dt.date) -> letters.Outward:
    """Return the letter, in both languages: nobody knows which one its reader speaks."""
    subjects, texts = [], []
    for language in Language:
        with force_locale(language.locale):
            subjects.append(str(PaperKind.statement))
            told = _("您好，附件是截至 %(day)s 的对账单，请核对。", day=day.isoformat())
            texts.append(str(told))
    return letters.Outward(
        contact.email or "",
        contact.name or "",
        f"{' / '.join(subjects)} {day.isoformat()}",
        "\n\n".join(texts),
        f"statement:{file.id}:{contact.id}",
        (file.name, file.mime, file.sha256),
    )
