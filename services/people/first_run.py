"""The first run: by a link on the operator's console the first administrator makes himself.

The link is open while nobody can log in, and three days at most; nothing of it is stored. The
ceiling of granting is the system's here: there is nobody yet whose rights could bound it.
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalFlow
from models.core.calendar_day import CalendarDay
from models.core.setting import Setting
from models.customers.customer import Customer
from models.deals.paper_template import PaperKind, PaperTemplate
from models.people.department import Department
from models.people.role import Role
from models.people.user import User
from models.sales.product import Product
from services.core import settings
from services.core.errors import Invalid, NotVisible
from services.people import people
from services.people.access_links import LASTS
from services.records.fields import inputs_of
from services.records.parsing import parse
from services.rights.access import act
from services.rights.actor import ADMIN, SYSTEM
from services.rights.call import Call

SALT = "first-run"
OWN = "company.own"  # a setting: this database is somebody's own, the demo does not fill it again
LONGEST = 120


@dataclasses.dataclass(frozen=True, slots=True)
class FirstStep:
    """One of the first steps: how many there are of what it makes."""

    key: str
    number: int


def link(secret: str, base: str, *, now: dt.datetime) -> str:
    """Return the address that begins a company."""
    until = int((now + LASTS).timestamp())
    return f"{base}/setup/{URLSafeSerializer(secret, SALT).dumps(until)}"


def nobody(session: Session) -> bool:
    """Tell whether there is nobody yet who could log in."""
    table = User.__table__
    return session.execute(sa.select(table.c.id).limit(1)).first() is None


def demand_open(session: Session, secret: str, token: str, *, now: dt.datetime) -> None:
    """Raise NotVisible for a link that is none, has died, or is no longer needed."""
    try:
        until = int(URLSafeSerializer(secret, SALT).loads(token))
    except (BadData, TypeError, ValueError) as problem:
        raise NotVisible from problem
    if now.timestamp() > until or not nobody(session):
        raise NotVisible


def begin(session: Session, given: Mapping[str, str], *, now: dt.datetime) -> User:
    """Make the company's papers, its prefix and its administrator; return him.

    Raises Invalid with every bad field, NotVisible where somebody was faster.
    """
    act(session, SYSTEM)
    # Of two who send the form at once the second waits here, and then finds somebody.
    session.execute(sa.select(Role.id).where(Role.name == ADMIN).with_for_update())
    if not nobody(session):
        raise NotVisible
    errors, company = _checked(session, given), given.get("company", "").strip()
    values = {key: given.get(key, "").strip() for key in ("name", "email")}
    try:
        user = people.create_user(Call(session, SYSTEM, now), values, given.get("password", ""))
    except Invalid as problem:
        raise Invalid({**problem.errors, **errors}) from None
    if errors:
        raise Invalid(errors)
    people.set_roles(session, user, [ADMIN], by=SYSTEM)
    keep(session)
    for kind in PaperKind:
        session.add(PaperTemplate(kind=kind, name=str(kind), company=company, active=True))
    session.flush()
    return user


def _checked(session: Session, given: Mapping[str, str]) -> dict[str, object]:
    """Return what is wrong beside the person; the prefix is kept where it is right."""
    errors: dict[str, object] = {}
    if not 0 < len(given.get("company", "").strip()) <= LONGEST:
        errors["company"] = _("请输入 1 到 %(high)s 个字符", high=LONGEST)
    try:
        settings.save_settings(session, {"company.prefix": given.get("prefix", "").upper()})
    except Invalid as problem:
        errors["prefix"] = problem.errors["company.prefix"]
    if given.get("password") != given.get("again"):
        errors["again"] = _("两次输入的密码不一致")
    try:
        parse(session, inputs_of(User)["email"], given.get("email", ""))
    except ValueError as problem:
        errors["email"] = problem.args[0]
    return errors


def keep(session: Session) -> None:
    """Note that the database is somebody's own."""
    if session.scalar(sa.select(Setting.id).where(Setting.key == OWN)) is None:
        session.add(Setting(key=OWN, value=1))
        session.flush()


def own(session: Session) -> bool:
    """Tell whether the database was begun as somebody's own."""
    table = Setting.__table__
    return session.execute(sa.select(table.c.id).where(table.c.key == OWN)).first() is not None


def steps(session: Session, *, today: dt.date) -> list[FirstStep]:
    """Return the first steps in their order, each with what there is already; one statement.

    People are those beside oneself, flows those in use, days of the calendar those to come.
    """
    department, user, flow = Department.__table__, User.__table__, ApprovalFlow.__table__
    product, customer, day = Product.__table__, Customer.__table__, CalendarDay.__table__
    counted = {
        "department": sa.select(sa.func.count()).select_from(department),
        "user": sa.select(sa.func.count() - 1).where(user.c.active),
        "flow": sa.select(sa.func.count()).where(flow.c.active),
        "calendarday": sa.select(sa.func.count()).where(day.c.day >= today),
        "product": sa.select(sa.func.count()).where(product.c.active),
        "customer": sa.select(sa.func.count()).where(customer.c.deleted_at.is_(None)),
    }
    asked = [query.scalar_subquery().label(key) for key, query in counted.items()]
    row = session.execute(sa.select(*asked)).mappings().one()
    return [FirstStep(key, int(row[key])) for key in counted]
