"""Tags as chips in grids and on pages, and the doors that put them on and off."""

from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from markupsafe import Markup, escape

from models.bulk.tag import Tag, Tagged
from models.records.dictionary import Colour
from services.bulk import tags
from services.core.errors import NotVisible
from services.rights import gate
from views.web.acting import Acting
from views.web.headers import is_local


def chips(found: list[Tag]) -> Markup:
    """Return tags as coloured words."""
    return Markup(" ").join(
        Markup('<span class="tag {}">{}</span>').format(tag.colour.name, escape(tag.name))
        for tag in found
    )


class TaggedDoors(Acting):
    """Tags of one record, mixed into every entity; only `Tagged` ones have them."""

    @property
    def tagged(self) -> bool:
        """Tell whether records of this entity carry tags."""
        return issubclass(self.model, Tagged)

    def tag_cells(self, rows: list[Any]) -> dict[int, Markup]:
        """Return the chips of each row of a page; one statement."""
        found = tags.of_records(self.session, self.noun, [row.id for row in rows])
        return {key: chips(some) for key, some in found.items()}

    def tag_card(self, record: Any) -> dict[str, Any] | None:
        """Return what the details page shows of the tags; None where there are none."""
        if not self.tagged:
            return None
        words = tags.words_of(record.beside)
        may_tag = gate.may_write(self.actor, "edit", record)
        found = [Tag(name=name, colour=Colour[colour]) for colour, name in words]
        return {"chips": chips(found), "text": ", ".join(t.name for t in found), "edit": may_tag}

    def beside(self) -> Any:
        """Read the tags of a record with it."""
        return tags.line_of(self.model) if self.tagged else sa.null()

    @expose("/tag/", methods=("POST",))
    def tag_view(self) -> Any:
        """Give one record exactly the tags that were typed."""
        if not self.tagged:
            raise NotVisible
        record = self.get_one(request.form.get("id"))
        wanted = tags.resolve(self.session, request.form.get("tags", ""), by=self.actor)
        tags.put(self.call(), record, wanted)
        flash(_("已保存"), "success")
        back = request.form.get("next", "")
        address = back if is_local(back) else url_for(".details_view", id=record.id)
        return redirect(address, code=303)
