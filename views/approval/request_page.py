"""The page of one request, also as the answer to a form on it that was refused."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session, selectinload

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from services import approval
from services.approval.flow import mentions
from services.approval.flow.fills import FIELD as FILL
from services.approval.inbox import my_requests
from services.approval.oversight import oversight
from services.approval.request.annotations import FIELD as NOTE
from services.core.errors import Invalid, NotVisible
from services.core.settings import get_setting
from services.records.fields import inputs_of
from services.records.snapshot import REVIEWED
from services.rights.actor import Actor
from views.approval.panel import doubles_of, panel_of, people_to_ask
from views.core.pages import Page
from views.render.files import ACCEPT
from views.web.headers import wants_words


@dataclasses.dataclass(frozen=True, slots=True)
class RefusedAct:
    """What a form of the page was refused for, by the names of its fields, and what was typed."""

    form: str = ""
    errors: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    typed: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def error(self, form: str, key: str) -> str:
        """Return what is wrong with a field of a form, empty where nothing is."""
        return str(self.errors.get(key, "")) if form == self.form else ""

    def text(self, form: str, key: str) -> str:
        """Return what was typed into a field of a form."""
        return self.typed.get(key, "") if form == self.form else ""


def on_page(page: Page, key: int, form: str, act: Callable[[], Any]) -> Any:
    """Do what a form of a request's page asks for.

    What is refused of it is told on the page, beside its field, with all that was typed; a script
    gets the words alone.
    """
    try:
        return act()
    except Invalid as problem:
        if wants_words():
            raise
        page.session.rollback()
        refused = RefusedAct(form, problem.errors, request.form)
        return page_of(page, key, refused), problem.status


def one(session: Session, key: int | None) -> ApprovalRequest:
    """Return a request the reader sees. Raises NotVisible."""
    found: ApprovalRequest | None = session.scalar(
        sa.select(ApprovalRequest)
        .where(ApprovalRequest.id == key)
        .options(selectinload(ApprovalRequest.submitted_by))
    )
    if found is None:
        raise NotVisible
    return found


def page_of(page: Page, key: int | None, refused: RefusedAct | None = None) -> Any:
    """Return the page of a request. Raises NotVisible."""
    session, actor, told = page.session, page.actor, refused or RefusedAct()
    found = one(session, key)
    panel = panel_of(session, found, actor)
    panel["doubles"] = doubles_of(session, found, actor)
    for widget in panel["fills"] if told.form == "decide" else ():
        widget.text = told.text("decide", widget.key)
        widget.error = told.error("decide", widget.key)
    task = _task(session, found, actor) if panel["mine"] else None
    mine = found.submitted_by_id == actor.id
    pending = mine and found.state is Approval.pending
    moves = my_requests.moves(session, [found.id] if pending else [], now=page.now())
    urged, withdrawable = moves.get(found.id, (None, False))
    helps = oversight.allowed(actor, found)
    return page.render(
        "approval/request.html",
        holders=oversight.holders(session, found) if helps else [],
        helps=helps,
        mine=pending,
        urged=urged,
        withdrawable=withdrawable,
        resubmit=mine and _comes_again(found, panel),
        chosen=found,
        panel=panel,
        task=task,
        people=people_to_ask(session, found, actor) if task or helps else [],
        mentionable=mentions.offered(session, found, but=actor.id),
        words=get_setting(session, "approval.words").split("/"),
        intact=approval.digest(found.payload) == found.payload_hash,
        refused=told,
        complaints=[(_called(found, name), text) for name, text in told.errors.items()],
        accept=ACCEPT,
    )


def _task(session: Session, found: ApprovalRequest, actor: Actor) -> ApprovalTask | None:
    """Return what a person is asked to decide."""
    task: ApprovalTask | None = session.scalar(
        sa.select(ApprovalTask).where(
            ApprovalTask.request_id == found.id,
            ApprovalTask.assignee_id == actor.id,
            ApprovalTask.state == TaskState.open,
        )
    )
    return task


def _comes_again(found: ApprovalRequest, panel: dict[str, Any]) -> bool:
    """Tell whether this is the newest round and it came back to be mended."""
    over = found.state in {Approval.rejected, Approval.withdrawn}
    newest = bool(panel["rounds"]) and panel["rounds"][0].id == found.id
    return over and newest and found.action is not FlowAction.void


def _called(found: ApprovalRequest, name: str) -> Any:
    """Return the caption of the record's field that a field of the form is about."""
    inputs = inputs_of(REVIEWED[found.noun]) if found.noun in REVIEWED else {}
    known = inputs.get(name.removeprefix(FILL).removeprefix(NOTE))
    return known.facts.caption if known and name.startswith((FILL, NOTE)) else ""
