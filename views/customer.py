"""大客户: the grid shows the primary contact and the next date, the page shows everything of it."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import jsonify, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import selectinload

import models as m
from services import approval, attachment, duplicates, history, numbers, portrait, texts
from services.actor import may
from services.errors import Forbidden
from services.gate import may_write
from services.masking import sees_sensitive, shown
from services.records import primary_of
from services.related import attach
from services.texts import yuan
from views.base import CrmView
from views.crm import cells
from views.crm.audited import changes_of
from views.crm.composer import composer
from views.crm.files import FileDoors
from views.crm.listing import columns_of
from views.crm.tables import groups_of, short_table
from views.ownership import OwnershipDoors

TABS = (
    "timeline",
    "portrait",
    "contacts",
    "opportunities",
    "contracts",
    "plans",
    "files",
    "approvals",
    "changes",
)
CLOSED = (m.Approval.pending, m.Approval.approved)  # the primary contact follows its customer


class CustomerView(FileDoors, OwnershipDoors, CrmView):
    """Key accounts."""

    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | {
        "duplicates_view": "read",
        "whole_view": "read",
        "claim_view": "claim",
        "release_view": "read",
        "assign_view": "assign",
    }
    column_default_order = "-id"
    hidden_details = CrmView.hidden_details | {"region_code"}
    grid_order: ClassVar[Any] = (
        "company",
        "contact",
        "mobile",
        "level",
        "status",
        "next",
        "owner_id",
        "approval",
    )
    extra_columns: ClassVar[Any] = (
        ("contact", _("联系人")),
        ("mobile", _("手机")),
        ("next", _("下次跟进")),
    )

    def loads(self) -> list[Any]:
        """Load the contacts too."""
        return [*super().loads(), selectinload(m.Customer.contacts)]

    def sorts(self) -> dict[str, Any]:
        """Sort by the next date and by the primary contact."""
        plan, contact = m.FollowUpPlan, m.Contact
        due = sa.select(plan.customer_id, sa.func.min(plan.due_at).label("due"))
        return {
            "next": due.where(plan.done_at.is_(None)).group_by(plan.customer_id),
            "contact": sa.select(contact.customer_id, contact.name).where(contact.is_primary),
        }

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return primary contact, masked mobile and next date of each customer."""
        plan = m.FollowUpPlan
        due: dict[int, Any] = dict(
            self.session.execute(
                sa.select(plan.customer_id, sa.func.min(plan.due_at))
                .where(plan.customer_id.in_([r.id for r in rows]), plan.done_at.is_(None))
                .group_by(plan.customer_id)
            ).all()
        )
        contacts = {row.id: primary_of(row) for row in rows}
        return {
            "contact": {k: c.name or "" for k, c in contacts.items() if c},
            "mobile": {k: shown(self.actor, c, c.mobile) or "" for k, c in contacts.items() if c},
            "next": {k: cells.plain(v) for k, v in due.items()},
        }

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
        letters, day = numbers.LETTERS, numbers.today(self.now())
        found = numbers.previews(self.session, "customer", on=day, letters=letters.values())
        return {name: found[letter] for name, letter in letters.items()}

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return contacts, opportunities, contracts, follow-ups and plans; 360 has the payments."""
        mine, ready, free = {"customer_id": record.id}, *self._ready(record)
        return [
            short_table(
                self,
                m.Contact,
                mine,
                "name title mobile wechat email",
                add=free,
                found=record.contacts,
            ),
            short_table(
                self,
                m.Opportunity,
                mine,
                "code name stage_id amount expected_on state approval",
                add=free,
            ),
            short_table(
                self, m.Contract, mine, "code name amount signed_on state approval", add=ready
            ),
            short_table(
                self, m.FollowUp, mine, "at kind content owner_id origin", order="-at", add=ready
            ),
            short_table(
                self,
                m.FollowUpPlan,
                mine,
                "due_at kind content owner_id done_at",
                order="-due_at",
                add=ready,
            ),
        ]

    @expose("/360/")
    def whole_view(self) -> Any:
        """Show one customer on one page: figures, composer, and a tab of everything."""
        record = self.get_one(request.args.get("id"))
        tab = request.args.get("tab", TABS[0])
        tab = tab if tab in TABS else TABS[0]
        if tab == "portrait" and not may(self.actor, "portrait:read"):
            raise Forbidden
        self.saw(record)
        tables = self.whole_tables(record, tab)
        files = self.files(record) if tab == "files" else None
        below = attachment.beneath(self.session, record.id) if files else []
        uploads = ([*(files.rows if files else ()), *below], ["uploader"])
        attach(self.session, ([record], ["owner", "technical"]), uploads, *groups_of(tables))
        hands = self.hands(record)
        ready, free = self._ready(record)
        writes = ready and may(self.actor, "followup:create") and tab == TABS[0]
        return self.render(
            "admin/customer/360.html",
            view=self,
            record=record,
            hands=hands,
            sellers=self.sellers() if hands["assign"] else [],
            tab=tab,
            primary=primary_of(record),
            facts=history.facts(self.session, record),
            tables=tables,
            files=files,
            below=[(row, attachment.PARENTS[row.noun].__caption__) for row in below],
            happenings=history.timeline(self.session, record.id) if tab == TABS[0] else [],
            rounds=approval.timeline(self.session, record) if tab == "approvals" else [],
            changes=self._changes(record) if tab == "changes" else [],
            drawn=portrait.portrait(self.session, record, now=self.now())
            if tab == "portrait"
            else None,
            may_offer=free and may(self.actor, "opportunity:create"),
            composer=composer(self.session, self.now()) if writes else None,
            may_edit=may_write(self.actor, "edit", record),
            may_contact=free and may(self.actor, "contact:create"),
            editable=lambda c: (
                may_write(self.actor, "edit", c)
                and sees_sensitive(self.actor, c)
                and not (c.is_primary and record.approval in CLOSED)
            ),
            yuan=yuan,
            shown=lambda c, key: shown(self.actor, c, getattr(c, key)) or "",
        )

    def whole_tables(self, record: Any, tab: str) -> list[dict[str, Any]]:
        """Return the short tables of a tab."""
        mine, ready, free = {"customer_id": record.id}, *self._ready(record)
        deals = "code name stage_id amount expected_on state approval"
        contracts = "code name amount signed_on state approval"
        money = "code paid_on amount method state"
        plans = "due_at kind content owner_id done_at"
        made: dict[str, list[tuple[Any, str, str, bool]]] = {
            "opportunities": [(m.Opportunity, deals, "-id", free)],
            "contracts": [
                (m.Contract, contracts, "-id", ready),
                (m.Payment, money, "-paid_on", False),
                (m.Order, "code state deliver_on owner_id", "-id", False),
                (m.Invoice, "code type amount issued_on number state", "-id", False),
            ],
            "plans": [(m.FollowUpPlan, plans, "-due_at", ready)],
        }
        return [
            short_table(self, model, mine, keys, order=order, add=add, most=50)
            for model, keys, order, add in made.get(tab, [])
        ]

    def _changes(self, record: Any) -> list[dict[str, Any]]:
        return [
            {"row": row, "lines": changes_of(row.noun, row.changes)}
            for row in history.changes(self.session, record)
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
                    column = columns_of(m.Contact)[key]
                    pairs.append(
                        (column.facts.caption, cells.cell(contact, key, column.facts, column.kind))
                    )
            sections.insert(1, (gettext("主要联系人"), pairs))
        return sections

    def buttons(self, record: Any) -> dict[str, Any]:
        """Lead to the whole of a customer, and to the form of a follow-up."""
        found: dict[str, Any] = super().buttons(record)
        found["whole"] = url_for(".whole_view", id=record.id)
        found["claim"] = self.hands(record)["claim"]
        found["follow"] = self._ready(record)[0] and may(self.actor, "followup:create")
        return found

    def _ready(self, record: Any) -> tuple[bool, bool]:
        """Tell whether an approved customer may be worked now, and any without a claim first."""
        free = not self.to_claim(record)
        return free and record.approval is m.Approval.approved, free

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
                    "state": str(c.approval),
                    "matched": "、".join(c.reasons),
                    "exact": c.exact,
                    "url": url_for(".details_view", id=c.id) if c.visible else "",
                }
                for c in found
            ]
        )
