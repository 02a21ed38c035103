"""查重合并: the finder over existing customers, the merge field by field, undo."""

from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

from models.customers.contact import Contact
from models.customers.customer import Customer
from models.customers.merge import CustomerMerge
from models.records.dictionary import DictionaryOption
from services.core import texts
from services.customers import duplicates, merge
from services.records.fields import inputs_of
from services.records.records import primary_of, value_of
from views.core.pages import Page
from views.render import cells

SIZE = 20


class MergeView(Page):
    """For whoever may merge: he sees every customer."""

    permission = "customer:merge"
    icon = "merge"

    @expose("/")
    def index(self) -> Any:
        """Show customers that share a name or a number, and the newest merges."""
        reason = request.args.get("by", "company")
        reason = reason if reason in duplicates.REASONS else "company"
        page = min(texts.key(request.args.get("page")) or 0, 10_000)
        found, more = duplicates.groups(self.session, reason, page=page, size=SIZE)
        rows = {
            row.id: row
            for row in self.session.scalars(
                sa.select(Customer)
                .where(Customer.id.in_([key for group in found for key in group]))
                .options(selectinload(Customer.owner), selectinload(Customer.contacts))
            )
        }
        groups = [[rows[key] for key in group if key in rows] for group in found]
        return self.render(
            "admin/merge/index.html",
            reason=reason,
            reasons=duplicates.REASONS,
            groups=[group for group in groups if len(group) > 1],
            primary=primary_of,
            page=page,
            more=more,
            merges=self._merges(),
            now=self.now(),
            undo_for=merge.UNDO,
        )

    def _merges(self) -> list[CustomerMerge]:
        done = CustomerMerge
        return list(
            self.session.scalars(
                sa.select(done)
                .order_by(done.id.desc())
                .limit(SIZE)
                .options(selectinload(done.kept), selectinload(done.by))
            )
        )

    @expose("/pair/", methods=("GET", "POST"))
    def pair(self) -> Any:
        """Choose field by field, see the result, merge."""
        given = request.form if request.method == "POST" else request.args
        keys = [key for key in map(texts.key, given.getlist("id")) if key]
        if len(keys) != 2:  # noqa: PLR2004 # a pair
            flash(_("请选择两个客户"), "error")
            return redirect(url_for(".index"), code=303)
        kept = texts.key(given.get("kept")) or keys[0]
        other = next((key for key in keys if key != kept), keys[-1])
        take = {key: given[key] for key in merge.fields() if key in given}
        plan = merge.plan(self.session, kept, other, take, by=self.actor)
        if request.method == "POST" and "_merge" in request.form:
            seen = (texts.key(given.get("kept_version")), texts.key(given.get("dropped_version")))
            merge.merge(self.call(), plan, seen=(seen[0] or 0, seen[1] or 0))
            flash(_("已合并，30 天内可以撤销"), "success")
            return redirect(url_for("customer.details_view", id=kept), code=303)
        return self.render(
            "admin/merge/pair.html",
            plan=plan,
            rows=self._rows(plan, take),
            keys=keys,
            shown=request.method == "POST",
        )

    def _rows(self, plan: merge.MergePlan, take: dict[str, str]) -> list[dict[str, Any]]:
        """Return key, caption, both values, the choice and the result of every field."""
        rows = []
        for key in merge.fields():
            if key == merge.CONTACT:
                texts = [_person(primary_of(c)) for c in (plan.kept, plan.dropped)]
                ident = getattr(primary_of(plan.dropped), "id", None)
                won = texts[1] if plan.contact_id == ident and ident else texts[0]
                caption: Any = _("主要联系人")
            else:
                caption = inputs_of(Customer)[key].facts.caption
                values = [value_of(c, key) for c in (plan.kept, plan.dropped)]
                texts = [self._text(key, value) for value in values]
                won = self._text(key, plan.values[key])
            if any(texts):
                chosen = "dropped" if take.get(key) == "dropped" else "kept"
                rows.append(
                    {"key": key, "caption": caption, "texts": texts, "won": won, "take": chosen}
                )
        return rows

    def _text(self, key: str, value: Any) -> str:
        one = inputs_of(Customer)[key]
        if value is not None and one.kind in {"ref", "dictionary"}:
            model = DictionaryOption if one.kind == "dictionary" else one.target
            return str(self.session.get(model, value))
        return cells.plain(value, one.kind)

    @expose("/undo/", methods=("POST",))
    def undo(self) -> Any:
        """Take a merge back."""
        done = merge.undo(self.call(), texts.key(request.form.get("id")) or 0)
        flash(_("已撤销合并，「%(name)s」已恢复", name=str(done.customer)), "success")
        if done.left:
            names = "、".join(str(caption) for caption in done.left)
            flash(_("合并后又改过的没有还原：%(names)s", names=names), "warning")
        return redirect(url_for("customer.details_view", id=done.customer.id), code=303)


def _person(contact: Contact | None) -> str:
    if contact is None:
        return ""
    return " · ".join(filter(None, (contact.name, contact.title, contact.mobile)))
