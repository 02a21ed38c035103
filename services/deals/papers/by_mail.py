"""A statement of account mailed to a contact: asked for here, made and sent by the worker."""

import datetime as dt

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
from services.deals.papers.making import PaperOrder, ask
from services.delivery import letters
from services.rights import gate, traces
from services.rights.actor import may
from services.rights.call import Call

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
    order = PaperOrder(PaperKind.statement, customer.id, "pdf", contact_id=contact.id)
    if not ask(call, order):
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


def post(session: Session, file: Attachment, contact_id: int, *, now: dt.datetime) -> None:
    """Write the letter with a statement that was made. Raises Invalid where nobody can read it.

    It is in both languages: nobody knows which one its reader speaks.
    """
    contact = _of(session, file.record_id, contact_id)
    day, subjects, texts = today(now).isoformat(), [], []
    for language in Language:
        with force_locale(language.locale):
            subjects.append(str(PaperKind.statement))
            texts.append(str(_("您好，附件是截至 %(day)s 的对账单，请核对。", day=day)))
    letter = letters.Outward(
        contact.email or "",
        contact.name or "",
        f"{' / '.join(subjects)} {day}",
        "\n\n".join(texts),
        f"statement:{file.id}:{contact.id}",
        file.id,
    )
    letters.write(session, letter, now=now)
