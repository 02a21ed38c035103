"""The bulk verbs of a grid: who is offered which, and what a post asks of each.

A verb is a task of services/batches.py; views/crm/actions.py confirms and starts it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import request
from flask_babel import gettext as _

import models as m
from services import approval, bulk, handover_bulk, tags, texts
from services.actor import may
from services.batches import Task
from services.errors import Invalid
from services.fields import parse
from views.crm.selection import Items

V = m.BatchVerb


def _same(_view: Any, items: Items) -> Items:
    return items


def _silent(_view: Any) -> str:
    return ""


@dataclasses.dataclass(frozen=True, slots=True)
class Verb:
    """A bulk verb: what it is called, how its button looks, what it does, what it asks for."""

    caption: str
    style: str
    does: m.BatchVerb
    task: Callable[[Any], Task]  # what a post asks for; raises Invalid
    asks: str = ""  # which further input its confirm page has
    told: Callable[[Any], str] = _silent  # what the confirm page says beyond the number
    targets: Callable[[Any, Items], Items] = _same  # what the chosen records stand for

    def noun(self, view: Any) -> str:
        """Return the noun of its targets."""
        return view.noun if self.targets is _same else "request"


def offered(view: Any) -> dict[str, Verb]:
    """Return the verbs this person may do with chosen rows."""
    found: dict[str, Verb] = {}
    if view.reviewed and may(view.actor, f"{view.noun}:submit"):
        found["submit"] = Verb(_("提交审批"), "p", V.submit, _submit)
    if view.reviewed and may(view.actor, "task:decide"):
        more: dict[str, Any] = {"asks": "comment", "targets": _requests}
        found["approve"] = Verb(_("批量通过"), "ok", V.approve, _decide(V.approve), **more)
        found["reject"] = Verb(_("批量驳回"), "bad", V.reject, _decide(V.reject), **more)
    if view.model is m.Customer and may(view.actor, "customer:assign"):
        found["assign"] = Verb(_("分配"), "", V.assign, _assign, "person")
    if view.model is m.Customer and may(view.actor, "customer:handover"):
        found["handover"] = Verb(_("移交"), "", V.handover, _hand_over, "people")
    if view.may_door("edit") and bulk.editable_in_bulk(view.model):
        found["edit"] = Verb(_("修改字段"), "", V.edit, _edit, "", _edited)
    if view.tagged and view.may_door("edit"):
        found["tag"] = Verb(_("加标签"), "", V.tag, _tag(off=False), "tag")
        found["untag"] = Verb(_("去标签"), "", V.untag, _tag(off=True), "tag")
    if view.may_door("delete"):
        found["delete"] = Verb(_("删除"), "bad", V.delete, _delete)
    return found


def fields(view: Any) -> list[tuple[str, Any]]:
    """Return (key, caption) of the fields one value may be given to many.

    What can be chosen is asked when a field is; without scripts its name or number is typed.
    """
    known = bulk.editable_in_bulk(view.model).items() if view.may_door("edit") else ()
    return [(key, one.facts.caption) for key, one in known]


def options(view: Any, verb: Verb) -> list[Any]:
    """Return what the confirm page offers for what a verb asks."""
    if verb.asks == "tag":
        return tags.known(view.session)
    if verb.asks in {"person", "people"}:
        query = sa.select(m.User).where(m.User.active).order_by(m.User.id)
        return list(view.session.scalars(query))
    return []


def _submit(view: Any) -> Task:
    return approval.submitting(view.noun, by=view.actor)


def _requests(view: Any, items: Items) -> Items:
    """Return the open requests of records, with the versions that were seen of these."""
    return approval.resolve(view.session, view.noun, items)[0]


def _decide(verb: m.BatchVerb) -> Callable[[Any], Task]:
    def task(view: Any) -> Task:
        return approval.deciding(verb, request.form.get("comment", ""), by=view.actor)

    return task


def _wanted(view: Any) -> tuple[Any, Any]:
    """Return (input, value) of the field a post changes. Raises Invalid."""
    one = bulk.editable_in_bulk(view.model).get(request.form.get("field", ""))
    if one is None:
        raise Invalid({"field": _("请选择要修改的字段")})
    try:
        return one, parse(view.session, one, request.form.get("value", ""))
    except ValueError as problem:
        raise Invalid({"value": problem.args[0]}) from problem


def _edited(view: Any) -> str:
    one, value = _wanted(view)
    text = request.form.get("value", "").strip()
    if value is None:
        return _("清空「%(field)s」", field=str(one.facts.caption))
    return _("「%(field)s」改为「%(value)s」", field=str(one.facts.caption), value=text)


def _edit(view: Any) -> Task:
    one, value = _wanted(view)
    return bulk.editing(view.session, view.model, {one.key: value})


def _assign(view: Any) -> Task:
    to_id, note = texts.key(request.form.get("to_id")), request.form.get("comment")
    return bulk.assigning(view.session, to_id, note, by=view.actor)


def _hand_over(view: Any) -> Task:
    people = filter(None, map(texts.key, request.form.getlist("people")))
    note = request.form.get("comment")
    return handover_bulk.handing(view.session, people, note, by=view.actor)


def _tag(*, off: bool) -> Callable[[Any], Task]:
    def task(view: Any) -> Task:
        change = tags.Change(request.form.get("tags", ""), off)
        return tags.tagging(view.session, view.model, change, by=view.actor)

    return task


def _delete(view: Any) -> Task:
    return Task(V.delete, view.noun)
