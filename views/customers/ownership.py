"""公海 and 移交: the doors that change whose customer it is."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_admin.actions import action
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.people.department import Department
from models.people.user import User
from services.bulk import record_verbs
from services.bulk.jobs import Task
from services.core import texts
from services.core.errors import Invalid
from services.handover import handover, handover_bulk
from services.handover.allotment import LEVELS, WAYS, Shares, kinds, members
from services.ownership import ownership, pool
from services.records import records
from services.records.related import attach
from services.rights.actor import may
from services.rights.call import Call
from views.core.pages import Page
from views.grid.actions import V, allowed, confirmed
from views.web.acting import Acting

SIZE = 20


class OwnershipDoors(Acting):
    """Claim, give back, assign: mixed into the customers' screen."""

    def hands(self, record: Any) -> dict[str, Any]:
        """Return which of the three verbs are offered on a customer, and to whom it may go."""
        approved = record.approval is Approval.approved
        mine = record.owner_id == self.actor.id and may(self.actor, "customer:claim")
        assigns = may(self.actor, "customer:assign")
        return {
            "first": self.to_claim(record),
            "claim": approved and record.owner_id is None and may(self.actor, "customer:claim"),
            "release": approved and record.owner_id is not None and (mine or assigns),
            "assign": assigns and record.approval is not Approval.pending,
        }

    def to_claim(self, record: Any) -> bool:
        """Tell whether the person has to claim this customer before working it."""
        free = record.owner_id is None
        return free and bool(pool.unclaimed(self.session, record.id, by=self.actor))

    def sellers(self) -> list[User]:
        """Return whom a customer can be given to."""
        query = sa.select(User).where(User.active).order_by(User.id)
        return list(self.session.scalars(query))

    @expose("/claim/", methods=("POST",))
    def claim_view(self) -> Any:
        """Take a customer out of the pool."""
        record = self.get_one(request.form.get("id"))
        ownership.claim(self.call(), record)
        flash(_("已领取「%(name)s」", name=str(record)), "success")
        return redirect(self.get_save_return_url(record))

    @expose("/release/", methods=("POST",))
    def release_view(self) -> Any:
        """Give a customer back to the pool."""
        record = self.get_one(request.form.get("id"))
        name, note = str(record), request.form.get("note")
        ownership.release(self.call(), record, note=note)
        flash(_("已将「%(name)s」退回公海", name=name), "success")
        return redirect(url_for("customer.index_view"), code=303)

    @expose("/assign/", methods=("POST",))
    def assign_view(self) -> Any:
        """Give a customer to somebody, with its open work."""
        record = self.get_one(request.form.get("id"))
        ownership.assign(
            self.call(), record, texts.key(request.form.get("to_id")), note=request.form.get("note")
        )
        flash(_("已分配"), "success")
        return redirect(url_for("customer.index_view"), code=303)

    @action("assign", lazy_gettext("分配"))
    @allowed(lambda view: may(view.actor, "customer:assign"))
    @confirmed(V.assign, asks="person")
    def action_assign(self) -> Task:
        """Give each of the chosen customers to somebody."""
        to_id, note = texts.key(request.form.get("to_id")), request.form.get("comment")
        return record_verbs.assigning(self.session, to_id, note, by=self.actor)

    @action("handover", lazy_gettext("移交"))
    @allowed(lambda view: may(view.actor, "customer:handover"))
    @confirmed(V.handover, asks="people")
    def action_handover(self) -> Task:
        """Spread the chosen customers over several people."""
        people = filter(None, map(texts.key, request.form.getlist("people")))
        note = request.form.get("comment")
        return handover_bulk.handing(self.session, people, note, by=self.actor)


class PoolView(Page):
    """公海: customers without an owner, to be claimed."""

    permission = "customer:claim"
    icon = "pool"

    @expose("/")
    def index(self) -> Any:
        """Show the pool, the newest first; contacts stay masked until one has claimed."""
        customer, text = Customer, request.args.get("q", "").replace("\x00", "").strip()[:60]
        query = sa.select(customer).where(
            customer.owner_id.is_(None), customer.approval == Approval.approved
        )
        if text:
            query = query.where(customer.company.contains(text, autoescape=True))
        page = min(texts.key(request.args.get("page")) or 0, 100_000)
        rows = list(
            self.session.scalars(
                query.order_by(customer.id.desc()).offset(page * SIZE).limit(SIZE + 1)
            )
        )
        more = len(rows) > SIZE
        return self.render(
            "admin/customer/pool.html", rows=rows[:SIZE], more=more, page=page, q=text
        )


class HandoverView(Page):
    """移交: choose who leaves and who takes over, see who gets how much, do it, take it back."""

    permission = "customer:handover"
    icon = "swap"

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Show the wizard: whose work, how it is shared, the preview; the last step does it."""
        given = request.form if request.method == "POST" else request.args
        leaver = texts.key(given.get("leaver_id"))
        if request.method == "POST" and leaver:
            return self._do(leaver)
        load = handover.load_of(self.session, leaver, by=self.actor) if leaver else None
        way = given.get("way", "one")
        shown, problem = None, ""
        if leaver and "preview" in given:
            try:
                how = self._shares(given, leaver)
                shown = handover.preview(self.session, leaver, how, by=self.actor)
            except Invalid as refusal:
                problem = str(refusal)
        everybody = self.session.scalars(sa.select(User).where(User.active)).all()
        departments = sa.select(Department).order_by(Department.ordinal, Department.id)
        past = handover.past(self.session, by=self.actor)
        attach(self.session, (past, ["leaver", "by"]))
        page = self.render(
            "admin/handover.html",
            people=handover.people(self.session, by=self.actor),
            everybody=everybody,
            departments=self.session.scalars(departments).all(),
            leaver_id=leaver,
            load=load,
            way=way if way in WAYS else "one",
            ways=WAYS,
            keys={"one": {"id": _("接收人")}, "kind": kinds(), "level": LEVELS}.get(way, {}),
            kinds=kinds(),
            given=given,
            shown=shown,
            seen=json.dumps(shown, sort_keys=True) if shown else "",
            problem=problem,
            past=past,
            may_disable=may(self.actor, "user:edit"),
        )
        return page, 422 if problem else 200

    def _shares(self, given: Any, leaver: int) -> Shares:
        """Return how the work is shared, as the form says."""
        way = given.get("way", "one")
        keys = {"one": ("id",), "kind": kinds(), "level": LEVELS}.get(way, ())
        chosen = {key: texts.key(given.get(f"to_{key}")) for key in keys}
        to = {key: found for key, found in chosen.items() if found is not None}
        people = tuple(dict.fromkeys(filter(None, map(texts.key, given.getlist("people")))))
        if way == "department":
            department = texts.key(given.get("department_id"))
            people = members(self.session, department, but=leaver)
        return Shares(way, to, people if way in {"turn", "department"} else ())

    def _do(self, leaver: int) -> Any:
        now, form = self.now(), request.form
        done = handover.hand_over(
            Call(self.session, self.actor, now),
            leaver,
            self._shares(form, leaver),
            note=form.get("note"),
            seen=_seen(form.get("seen", "")),
        )
        if form.get("disable") and may(self.actor, "user:edit"):
            user = self.session.scalars(sa.select(User).where(User.id == leaver)).one()
            values = {"active": False}
            records.update(Call(self.session, self.actor, now), user, values, seen=None)
        self._flash(_("已移交"), done)
        return redirect(url_for(".index"), code=303)

    @expose("/undo/", methods=("POST",))
    def undo_view(self) -> Any:
        """Give back what a hand-over moved and nobody touched since."""
        key = texts.key(request.form.get("id"))
        done, left = handover.undo(self.call(), key)
        self._flash(_("已撤销移交"), done)
        tell_left(left)
        return redirect(url_for(".index"), code=303)

    def _flash(self, verb: str, done: handover.Workload) -> None:
        told = "、".join(f"{caption} {done[kind]}" for kind, caption in kinds().items())
        flash(verb + _("：") + told, "success")


def tell_left(names: Sequence[str]) -> None:
    """Say what an undo left with somebody else, the first ten by name."""
    if names:
        shown = "、".join(names[:NAMED])
        flash(
            _("之后又变动过、没有退回的（%(n)s）：%(names)s", n=len(names), names=shown), "warning"
        )


NAMED = 10


def _seen(text: str) -> dict[int, dict[str, int]] | None:
    """Return the preview a form carries, None where it carries none. Raises Invalid on junk."""
    if not text:
        return None
    try:
        return {int(key): dict(found) for key, found in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError) as problem:
        raise Invalid({"seen": _("预览已失效，请重新预览")}) from problem
