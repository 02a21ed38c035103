"""大客户: the grid shows the primary contact and the next date, the page shows everything of it."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import abort, flash, jsonify, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import selectinload

from models.core.mixins import Approval
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services.core import numbers, texts
from services.core.days import today
from services.core.errors import Forbidden, NotVisible
from services.customers import duplicates
from services.records import lookup
from services.records.fields import PRIMARY
from services.records.records import primary_of
from services.rights.actor import may
from services.rights.masking import shown
from views.approval.void import VoidDoors
from views.core.base import CrmView
from views.customers.more_contacts import MoreContactsForm
from views.customers.whole import WholeCustomer
from views.grid.listing import columns_of
from views.grid.tables import short_table
from views.portrait.push_verb import PushVerb
from views.render import cells
from views.render.contact_links import linked

COMPUTED = {"contact": "name", "mobile": "mobile"}


class CustomerView(PushVerb, VoidDoors, WholeCustomer, MoreContactsForm):
    """Key accounts."""

    details_template = "admin/model/customer.html"

    own_doors: ClassVar[dict[str, str]] = (
        CrmView.own_doors
        | VoidDoors.void_doors
        | {
            "duplicates_view": "read",
            "whole_view": "read",
            "claim_view": "claim",
            "release_view": "read",
            "assign_view": "assign",
        }
    )
    column_details_exclude_list = CrmView.column_details_exclude_list | {"region_code"}
    grid_order: ClassVar[Any] = (
        "company",
        "code",
        "contact",
        "mobile",
        "level",
        "status",
        "next",
        "owner_id",
        "approval",
        "industry_id",
    )
    extra_columns: ClassVar[Any] = (
        ("contact", _("联系人")),
        ("mobile", _("手机")),
        ("next", _("下次跟进")),
    )

    def loads(self) -> list[Any]:
        """Load the contacts too."""
        return [*super().loads(), selectinload(Customer.contacts)]

    def get_one(self, id: Any) -> Any:  # noqa: A002 # Flask-Admin's name
        """Return a visible customer; the page of a merged one leads to the one that was kept."""
        try:
            return super().get_one(id)
        except NotVisible:
            kept = lookup.kept_of(self.session, [texts.key(str(id or "")) or 0])
            if request.method != "GET" or not kept:
                raise
            into = super().get_one(next(iter(kept.values())))
        flash(gettext("该客户已合并到「%(name)s」", name=str(into)), "info")
        args = request.args.to_dict() | {"id": into.id}
        return abort(redirect(url_for(request.endpoint or ".details_view", **args)))

    def sorts(self) -> dict[str, Any]:
        """Sort by the next date and by the primary contact."""
        plan, contact = FollowUpPlan, Contact
        due = sa.select(plan.customer_id, sa.func.min(plan.due_at).label("due"))
        return {
            "next": due.where(plan.done_at.is_(None)).group_by(plan.customer_id),
            "contact": sa.select(contact.customer_id, contact.name).where(contact.is_primary),
        }

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return primary contact, masked mobile and next date of each customer."""
        due = due_of(self.session, [row.id for row in rows])
        contacts = {row.id: primary_of(row) for row in rows}
        return {
            "contact": {k: c.name or "" for k, c in contacts.items() if c},
            "mobile": {k: self.dialled(c, "mobile") for k, c in contacts.items() if c},
            "next": {k: cells.due(v) for k, v in due.items()},
        }

    exported_beside = frozenset(f"primary.{key}" for key in PRIMARY)
    repeated = frozenset({"contact", "mobile", "region_text"})

    def exported_values(
        self, session: Any, rows: Any, wanted: set[str]
    ) -> dict[str, dict[int, Any]]:
        """Return the primary contact, as this person may see it, and the next date."""
        found = super().exported_values(session, rows, wanted)
        if "next" in wanted:
            found["next"] = due_of(session, [row.id for row in rows])
        fields = {key: key.removeprefix("primary.") for key in wanted if key.startswith("primary.")}
        fields |= {key: COMPUTED[key] for key in wanted & COMPUTED.keys()}
        if fields:
            contacts = contacts_of(session, [row.id for row in rows])
            for key, name in fields.items():
                column = columns_of(Contact)[name]
                found[key] = {
                    row.id: shown(self.actor, row, value) if column.facts.sensitive else value
                    for row in rows
                    if (value := getattr(contacts.get(row.id), name, None)) is not None
                }
        return found

    def dialled(self, contact: Any, key: str) -> str:
        """Return a personal field as this person may see it, a number or address as a link."""
        text = str(shown(self.actor, contact, getattr(contact, key)) or "")
        return linked(text, columns_of(Contact)[key].kind)

    def preview(self, record: Any) -> str:
        """Return the number, or what each class would get if it were submitted now."""
        if record is not None and record.code:
            return str(record.code)
        return " / ".join(self._codes().values())

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Return the preview of each class, so that the page can show the chosen one."""
        found = super().form_extras(record, errors) | {"duplicates": url_for(".duplicates_view")}
        if record is None or not record.code:
            found["codes"] = self._codes()
        return found

    def _codes(self) -> dict[str, str]:
        letters, day, known = numbers.LETTERS, today(self.now()), self.session.info
        if "codes" not in known:  # asked twice for a form
            known["codes"] = numbers.previews(
                self.session, "customer", on=day, letters=letters.values()
            )
        return {name: known["codes"][letter] for name, letter in letters.items()}

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return contacts, opportunities, contracts, follow-ups and plans; 360 has the payments."""
        mine, ready, free = {"customer_id": record.id}, *self.is_ready(record)
        return [
            short_table(
                self,
                Contact,
                mine,
                "name title mobile wechat email",
                add=free,
                found=record.contacts,
            ),
            short_table(
                self,
                Opportunity,
                mine,
                "code name stage_id amount expected_on state approval",
                add=free,
            ),
            short_table(
                self, Contract, mine, "code name amount signed_on state approval", add=ready
            ),
            short_table(
                self, FollowUp, mine, "at kind content owner_id origin", order="-at", add=ready
            ),
            short_table(
                self,
                FollowUpPlan,
                mine,
                "due_at kind content owner_id done_at",
                order="-due_at",
                add=ready,
            ),
        ]

    def detail_sections(self, record: Any) -> list[tuple[str, list[tuple[Any, Any]]]]:
        """Say first what the record lacks, and put its primary contact after the basics."""
        sections = super().detail_sections(record)
        contact = primary_of(record)
        if contact is not None:
            pairs = []
            for key in ("name", "title", "mobile", "wechat", "email", "qq", "landline", "gender"):
                value = getattr(contact, key)
                if value not in {None, ""}:
                    column = columns_of(Contact)[key]
                    pairs.append(
                        (column.facts.caption, cells.cell(contact, key, column.facts, column.kind))
                    )
            sections.insert(1, (gettext("主要联系人"), pairs))
        return sections

    def details_context(self, record: Any, *told: Any, **more: Any) -> dict[str, Any]:
        """Show the portrait beside the grid."""
        shown = bool(request.args.get("drawer")) and may(self.actor, "portrait:read")
        found: dict[str, Any] = super().details_context(record, *told, **more)
        return found | self.portrayed(record, shown=shown)

    def buttons(self, record: Any) -> dict[str, Any]:
        """Lead to the whole of a customer, and to the form of a follow-up."""
        found: dict[str, Any] = super().buttons(record)
        found["whole"] = url_for(".whole_view", id=record.id)
        found["claim"] = self.hands(record)["claim"]
        found["follow"] = self.is_ready(record)[0] and may(self.actor, "followup:create")
        return found

    def is_ready(self, record: Any) -> tuple[bool, bool]:
        """Tell whether an approved customer may be worked now, and any without a claim first."""
        free = not self.to_claim(record)
        return free and record.approval is Approval.approved, free

    @expose("/duplicates/", methods=("POST",))
    def duplicates_view(self) -> Any:
        """Answer who may be the same as what is being typed; nothing is written."""
        if not (self.may_door("create") or self.may_door("edit")):
            raise Forbidden
        given: dict[str, Any] = {k: request.form.get(k, "")[:120] for k in duplicates.TYPED}
        given["id"] = texts.key(request.form.get("id"))
        found = duplicates.candidates(self.session, given, by=self.actor)
        return jsonify(
            [
                {
                    "company": c.company,
                    "code": c.code,
                    "owner": c.owner or gettext("公海"),
                    "state": str(c.standing),
                    "matched": "、".join(c.reasons),
                    "exact": c.exact,
                    "url": url_for(".details_view", id=c.id) if c.visible else "",
                }
                for c in found
            ]
        )


def due_of(session: Any, keys: list[int]) -> dict[int, Any]:
    """Return the next date of customers that have one; one statement."""
    plan = FollowUpPlan
    query = (
        sa.select(plan.customer_id, sa.func.min(plan.due_at))
        .where(plan.customer_id.in_(keys), plan.done_at.is_(None))
        .group_by(plan.customer_id)
    )
    return dict(session.execute(query).all())


def contacts_of(session: Any, keys: list[int]) -> dict[int, Any]:
    """Return the primary contacts of customers as rows, without making objects of them."""
    columns = (getattr(Contact, key) for key in PRIMARY)
    query = sa.select(Contact.customer_id, *columns).where(
        Contact.customer_id.in_(keys), Contact.is_primary, Contact.deleted_at.is_(None)
    )
    return {row.customer_id: row for row in session.execute(query)}
