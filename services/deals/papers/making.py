"""Making a paper: which template, which content, PDF or DOCX; a long one is left to the worker."""

import dataclasses
import datetime as dt
import importlib
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale, gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.paper_template import PaperKind, PaperTemplate
from models.delivery.attachment import Attachment
from models.delivery.notification import NoticeKind
from models.people.user import User
from services.core.days import today
from services.core.errors import Invalid, Refused
from services.deals.papers import content, layout, word
from services.delivery import attachment, outbox
from services.delivery.filestore import FileStore
from services.delivery.notices import Notice, tell
from services.records.records import Saver, Values, saver
from services.rights.access import act
from services.rights.actor import SYSTEM, demand, load_actor
from services.rights.call import Call

STANDARD = Path(__file__).parent / "standard.html"
TASK = "paper"
# Rows a paper may have to be made while somebody waits (docs/figures.md).
AT_ONCE = {"pdf": 30, "docx": 2000}
MIME = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
NO_ENGINE = _("服务器缺少生成 PDF 的组件（Pango），请联系管理员，或下载 Word 文件")


class Missing(Refused):
    """The machine lacks what makes PDF."""

    status = 503
    code = "NO_PDF"


@dataclasses.dataclass(frozen=True, slots=True)
class PaperOrder:
    """Which paper of which record (its key), as what, with prices or without."""

    kind: PaperKind
    key: int
    form: str
    prices: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Paper:
    """A file that was made."""

    name: str
    mime: str
    body: bytes


@saver(PaperTemplate)
class PaperTemplateSaver(Saver):
    """The rules of a template: its layout has no placeholder that there is not."""

    def check(self, call: Call, record: Any, values: Values) -> dict[str, Any]:
        """Render the layout with a sample."""
        del call, record
        if not values.get("layout"):
            return {}
        try:
            layout.html(values["layout"], content.sample())
        except Invalid as problem:
            return dict(problem.errors)
        return {}


def noun_of(kind: PaperKind) -> str:
    """Return the noun of the records that a kind of paper is made of."""
    return str(content.MODELS[kind].__noun__)


def template_of(session: Session, kind: PaperKind) -> PaperTemplate:
    """Return the first active template of a kind, a blank one where there is none."""
    row = PaperTemplate
    query = sa.select(row).where(row.kind == kind, row.active).order_by(row.id).limit(1)
    found = session.scalars(query).first()
    return found or PaperTemplate(kind=kind, name=str(kind), prices=True)


def make(call: Call, store: FileStore, order: PaperOrder) -> Paper | None:
    """Return a paper; None where it is long: the worker is to be asked for it.

    Raises NotVisible, Forbidden, Locked, Invalid, Missing.
    """
    demand(call.by, f"{noun_of(order.kind)}:read")
    given, record = _given(call.session, order, today(call.now))
    rows = sum(len(given[name]) for name in content.ROWS)
    if rows > AT_ONCE[order.form] and record.__noun__ in attachment.PARENTS:
        return None
    return _made(call.session, store, order, given)


def ask(call: Call, order: PaperOrder) -> bool:
    """Ask the worker for a long paper; False where it is making the same one already.

    It attaches the paper to its record and tells the person.
    """
    told = dataclasses.asdict(order) | {"kind": order.kind.name, "user_id": call.by.id}
    return outbox.enqueue(call.session, TASK, told, title=str(order.kind), now=call.now)


def _given(session: Session, order: PaperOrder, day: dt.date) -> tuple[dict[str, Any], Any]:
    template = template_of(session, order.kind)
    goods = order.kind is PaperKind.delivery  # says what went out, never what it cost
    prices = order.prices and template.prices and not goods
    return content.of(session, template, order.key, day=day, prices=prices)


def _made(session: Session, store: FileStore, order: PaperOrder, given: dict[str, Any]) -> Paper:
    template = template_of(session, order.kind)
    if order.form == "pdf":
        text = template.layout or STANDARD.read_text(encoding="utf-8")
        body = pdf(layout.html(text, given))
    else:
        body = word.filled(_uploaded(session, store, template), given)
    name = f"{given['paper']['title']}-{given['paper']['code'] or order.key}.{order.form}"
    return Paper(name, MIME[order.form], body)


def _uploaded(session: Session, store: FileStore, template: PaperTemplate) -> bytes | None:
    """Return the newest DOCX that hangs on a template, None where there is none."""
    if template.id is None:
        return None
    row = Attachment
    query = sa.select(row.sha256).where(
        row.noun == template.__noun__, row.record_id == template.id, row.mime == MIME["docx"]
    )
    digest = session.scalars(query.order_by(row.id.desc()).limit(1)).first()
    return store.read(digest) if digest else None


def pdf(html: str) -> bytes:
    """Return a PDF of a page; nothing is fetched from anywhere. Raises Missing."""
    try:
        # Here, not above: it needs Pango, which a machine may lack, and takes a second to load.
        weasyprint = importlib.import_module("weasyprint")
    except OSError as problem:
        raise Missing(NO_ENGINE) from problem
    alone = weasyprint.urls.URLFetcher(allowed_protocols=["data"])
    made: bytes = weasyprint.HTML(string=html, url_fetcher=alone).write_pdf()
    return made


def work(
    store: FileStore, session: Session, *, user_id: int, now: dt.datetime, **told: Any
) -> bool:
    """Make a long paper for a person, attach it to its record, tell. A task of the worker.

    Raises what `make` does: the person may have lost the right, the record may be gone.
    """
    order = PaperOrder(**(told | {"kind": PaperKind[told["kind"]]}))
    attached(store, session, order, user_id=user_id, now=now)
    return True


def attached(
    store: FileStore, session: Session, order: PaperOrder, *, user_id: int, now: dt.datetime
) -> Attachment | None:
    """Make a paper as a person sees it, attach it to its record and tell him; None if he left."""
    by = load_actor(session, user_id)
    if by is None:
        return None
    act(session, by)
    try:
        demand(by, f"{noun_of(order.kind)}:read")
        given, record = _given(session, order, today(now))
        made = _made(session, store, order, given)
    finally:
        act(session, SYSTEM)
    file = attachment.Upload(made.name, made.mime, made.body)
    found = attachment.add(Call(session, SYSTEM, now), record, file, store.put(made.body))
    url = f"/admin/{record.__noun__}/details/?id={record.id}"
    key = f"paper:{order.kind.name}:{order.key}:{order.form}:{now:%Y%m%d%H%M%S}"
    tell(session, Notice(user_id, NoticeKind.system, made.name, url, key), now=now)
    return found


def given_up(
    session: Session, problem: Any, *, user_id: int, now: dt.datetime, **told: Any
) -> None:
    """Tell a person that a long paper was not made, and why (a text, or a Refused)."""
    kind, key = PaperKind[told["kind"]], told["key"]
    person = session.get(User, user_id)
    if person is None:
        return
    with force_locale(person.language.locale):
        title = gettext("未能生成「%(paper)s」：%(why)s", paper=str(kind), why=str(problem))
    url = f"/admin/{noun_of(kind)}/details/?id={key}"
    once = f"paper:{kind.name}:{key}:{told['form']}:{now:%Y%m%d%H%M%S}"
    tell(session, Notice(user_id, NoticeKind.system, title, url, once), now=now)
