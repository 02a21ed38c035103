"""The bulk verbs of every grid: Flask-Admin's actions, each with whom it is for.

`@action` names one, `@allowed` restricts it, `@confirmed` asks once more and does it item by item
(views/grid/actions.py). A screen of its own adds its verbs the same way.
"""

from typing import Any

from flask import request
from flask_admin.actions import ActionsMixin, action
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from services import approval
from services.bulk import edits, tags
from services.bulk.jobs import Task
from services.core.errors import Forbidden, Invalid
from services.records.parsing import parse
from services.rights.actor import may
from views.form.choices import choice_name
from views.grid.actions import V, Verb, allowed, confirmed, download_chosen
from views.grid.selection import Items
from views.web.acting import Acting

# Flask-Admin knows its actions by the alphabet; the buttons stand in the order of the work.
ORDER = (
    *(
        "submit",
        "approve",
        "reject",
        "confirm",
        "remind",
        "reassign",
        "urge",
        "terminate",
        "assign",
        "handover",
        "push",
        "edit",
        "tag",
        "untag",
        "delete",
    ),
    *("export_xlsx", "export_csv"),
)


def _requests(view: Any, items: Items) -> Items:
    """Return the open requests of records, with the versions that were seen of these."""
    return approval.resolve(view.session, view.noun, items)[0]


def _wanted(view: Any) -> tuple[Any, Any]:
    """Return (input, value) of the field a post changes. Raises Invalid."""
    one = edits.editable_in_bulk(view.model).get(request.form.get("field", ""))
    if one is None:
        raise Invalid({"field": gettext("请选择要修改的字段")})
    try:
        return one, parse(view.session, one, request.form.get("value", ""))
    except ValueError as problem:
        raise Invalid({"value": problem.args[0]}) from problem


def _edited(view: Any) -> str:
    one, value = _wanted(view)
    if value is None:
        return gettext("清空「%(field)s」", field=str(one.facts.caption))
    text = choice_name(view.session, one, value) or request.form.get("value", "").strip()
    return gettext("「%(field)s」改为「%(value)s」", field=str(one.facts.caption), value=text)


def _submits(view: Any) -> bool:
    return view.reviewed and may(view.actor, f"{view.noun}:submit")


def _decides(view: Any) -> bool:
    return view.reviewed and may(view.actor, "task:decide")


def _edits(view: Any) -> bool:
    return view.may_door("edit") and bool(edits.editable_in_bulk(view.model))


def _tags(view: Any) -> bool:
    return bool(view.tagged and view.may_door("edit"))


def _exports(view: Any) -> bool:
    return bool(view.may_door("export"))


class BulkActions(Acting, ActionsMixin):
    """What may be done with chosen rows, mixed into every grid."""

    def init_actions(self) -> None:
        """Collect the actions in the order of the work, files last."""
        super().init_actions()
        rank = {name: n for n, name in enumerate(ORDER)}
        self._actions.sort(key=lambda known: rank.get(known[0], len(ORDER)))

    def is_action_allowed(self, name: str) -> bool:
        """Tell whether the person may do an action of this grid; what says nothing is nobody's."""
        known = self._actions_data.get(name)
        rule = getattr(known[0], "allowed", None) if known else None
        return rule is not None and bool(rule(self)) and super().is_action_allowed(name)

    def handle_action(self, return_view: str | None = None) -> Any:
        """Do an action; Flask-Admin goes back without a word from one that is not allowed."""
        if not self.is_action_allowed(request.form.get("action", "")):
            raise Forbidden
        return super().handle_action(return_view)

    def verb_of(self, name: str) -> Verb | None:
        """Return how an action is confirmed, None for one that is done at once."""
        return getattr(self._actions_data[name][0], "verb", None)

    def caption_of(self, name: str) -> str:
        """Return what an action is called."""
        return str(self._actions_data[name][1])

    @action("submit", _("提交审批"))
    @allowed(_submits)
    @confirmed(V.submit, style="p")
    def action_submit(self) -> Task:
        """Submit each for approval."""
        return approval.submitting(self.noun, by=self.actor)

    @action("approve", _("批量通过"))
    @allowed(_decides)
    @confirmed(V.approve, style="ok", asks="comment", targets=_requests)
    def action_approve(self) -> Task:
        """Approve the open request of each."""
        return approval.deciding(V.approve, request.form.get("comment", ""), by=self.actor)

    @action("reject", _("批量驳回"))
    @allowed(_decides)
    @confirmed(V.reject, style="bad", asks="comment", targets=_requests)
    def action_reject(self) -> Task:
        """Reject the open request of each."""
        return approval.deciding(V.reject, request.form.get("comment", ""), by=self.actor)

    @action("edit", _("修改字段"))
    @allowed(_edits)
    @confirmed(V.edit, told=_edited)
    def action_edit(self) -> Task:
        """Give one field of each the same value."""
        one, value = _wanted(self)
        return edits.editing(self.session, self.model, {one.key: value})

    @action("tag", _("加标签"))
    @allowed(_tags)
    @confirmed(V.tag, asks="tag")
    def action_tag(self) -> Task:
        """Put tags on each."""
        change = tags.Change(request.form.get("tags", ""), off=False)
        return tags.tagging(self.session, self.model, change, by=self.actor)

    @action("untag", _("去标签"))
    @allowed(_tags)
    @confirmed(V.untag, asks="tag")
    def action_untag(self) -> Task:
        """Take tags off each."""
        change = tags.Change(request.form.get("tags", ""), off=True)
        return tags.tagging(self.session, self.model, change, by=self.actor)

    @action("delete", _("删除"))
    @allowed(lambda view: view.may_door("delete"))
    @confirmed(V.delete, style="bad")
    def action_delete(self) -> Task:
        """Delete each."""
        return Task(V.delete, self.noun)

    @action("export_xlsx", _("导出 %(kind)s", kind="Excel"))
    @allowed(_exports)
    def action_export_xlsx(self, ids: list[str]) -> Any:
        """Download the chosen rows for Excel."""
        return download_chosen(self, "xlsx", ids)

    @action("export_csv", _("导出 %(kind)s", kind="CSV"))
    @allowed(_exports)
    def action_export_csv(self, ids: list[str]) -> Any:
        """Download the chosen rows as text."""
        return download_chosen(self, "csv", ids)


def fields(view: Any) -> list[tuple[str, Any]]:
    """Return (key, caption) of the fields one value may be given to many.

    What can be chosen is asked when a field is; without scripts its name or number is typed.
    """
    known = edits.editable_in_bulk(view.model).items() if view.may_door("edit") else ()
    return [(key, one.facts.caption) for key, one in known]
