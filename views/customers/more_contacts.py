"""其他联系人 in the form of a customer: added there, changed on its page."""

import re
from collections.abc import Mapping
from typing import Any

from flask import request
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from models.core.field import Facts
from models.customers.contact import Contact
from services.core.errors import Invalid
from services.records import records
from services.records.fields import Input, inputs_of
from services.rights.actor import may
from views.core.base import CrmView
from views.form import forms
from views.web.reentry import refilling, retyped

KEY, MOST = "people", 20
PARTS = ("name", "title", "mobile", "landline", "wechat", "email")
NAMES = re.compile(rf"{KEY}-((?:new)?\d{{1,4}})-\w+")
ONE = Input(KEY, Facts(_("其他联系人")), "lines", Contact)


class MoreContactsForm(CrmView):
    """Mixed into the screen of what has contacts."""

    create_template = edit_template = "admin/customer/form.html"

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Offer lines for further contacts to whoever may enter some, and name those there are."""
        found = super().form_extras(record, errors)
        if not may(self.actor, "contact:create"):
            return found
        typed: Mapping[str, str] = retyped() if refilling() else request.form
        lines = forms.Widget(KEY, ONE, error=str(errors.get(KEY, "")))
        places = _places(typed) or ["new1"]
        lines.rows = [self._row(n, typed) for n in [*places, "row"]]
        known = [one for one in record.contacts if not one.is_primary] if record else []
        return found | {"people": lines, "known": known}

    def _row(self, n: str, typed: Mapping[str, str]) -> list[forms.Widget]:
        texts = {part: typed.get(f"{KEY}-{n}-{part}", "") for part in PARTS}
        drawn = forms.build(self.session, Contact, texts, {}, only=set(PARTS)).widgets
        for part in PARTS:
            drawn[part].key = f"{KEY}-{n}-{part}"
        return [drawn[part] for part in PARTS]

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:  # noqa: FBT001 # Flask-Admin's
        """Add the contacts that were typed. Raises Invalid with the first line that is wrong."""
        super().on_model_change(form, model, is_created)
        if f"{KEY}-sent" not in form.post or not may(self.actor, "contact:create"):
            return
        rows = [_texts(form.post, n) for n in _places(form.post)]
        rows = [row for row in rows if any(text.strip() for text in row.values())]
        if len(rows) > MOST:
            raise Invalid({KEY: gettext("最多 %(n)s 行", n=MOST)})
        self.session.flush()
        for n, row in enumerate(rows, 1):
            try:
                values = forms.payload(self.session, Contact, row)
                records.create(self.call(), Contact, values | {"customer_id": model.id})
            except Invalid as problem:
                raise Invalid({KEY: _told(n, problem)}) from problem


def _places(post: Mapping[str, str]) -> list[str]:
    found = (NAMES.fullmatch(name) for name in post)
    return list(dict.fromkeys(match.group(1) for match in found if match))


def _texts(post: Mapping[str, str], n: str) -> dict[str, str]:
    return {part: post.get(f"{KEY}-{n}-{part}", "") for part in PARTS}


def _told(n: int, problem: Invalid) -> str:
    key, why = next(iter(problem.errors.items()))
    one = inputs_of(Contact).get(key)
    field = str(one.facts.caption) if one else key
    return gettext("第 %(n)s 行「%(field)s」：%(why)s", n=n, field=field, why=why)
