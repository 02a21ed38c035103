"""下次跟进 in the form of an opportunity: shown from its open plan, saved into it."""

from typing import Any

from flask import request

from models.sales.follow_up import FollowUp
from services.core.days import ZONE
from services.core.errors import Invalid
from services.records.fields import inputs_of
from services.records.parsing import parse
from services.rights.actor import may
from services.sales import next_step
from views.core.base import CrmView
from views.form.composer import chips
from views.web.reentry import refilling, retyped

KEYS = ("next_at", "next_content")


class NextStepForm(CrmView):
    """Mixed into the screen of what has a next step."""

    create_template = edit_template = "admin/opportunity/form.html"

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Offer date and content, where the person may plan."""
        found = super().form_extras(record, errors)
        if not may(self.actor, "plan:create"):
            return found
        plan = next_step.of(self.session, record) if record is not None else None
        stored = {
            "next_at": f"{plan.due_at.astimezone(ZONE):%Y-%m-%dT%H:%M}" if plan else "",
            "next_content": (plan.content if plan else "") or "",
        }
        typed = retyped() if refilling() else request.form
        texts = {key: typed.get(key, stored[key]) for key in KEYS}
        wrong = {key: errors.get(key, "") for key in KEYS}
        return found | {"next": texts, "wrong": wrong, "chips": chips(self.session, self.now())}

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:  # noqa: FBT001 # Flask-Admin's
        """Put the next step that was typed into a plan. Raises Invalid."""
        super().on_model_change(form, model, is_created)
        if "next_at" not in form.post or not may(self.actor, "plan:create"):
            return
        values, errors, inputs = {}, {}, inputs_of(FollowUp)
        for key in KEYS:
            try:
                values[key] = parse(self.session, inputs[key], form.post.get(key, ""))
            except ValueError as problem:
                errors[key] = problem.args[0]
        if errors:
            raise Invalid(errors)
        next_step.put(self.call(), model, at=values["next_at"], content=values["next_content"])
