"""客户 360: one customer on one page, with a tab of everything that hangs on it."""

from typing import Any

from flask import request
from flask_admin import expose
from flask_babel import lazy_gettext as _

from dashboards.core.columns import TableColumn, shown
from models.core.cached import cached
from models.core.mixins import Approval
from models.deals.contract import Contract
from models.registry import entities, entity_of
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services import approval
from services.core.days import today
from services.core.errors import Forbidden
from services.core.texts import yuan
from services.customers import history
from services.deals.order import punctuality
from services.deals.papers import by_mail
from services.delivery import attachment
from services.portrait import page
from services.records.records import primary_of
from services.records.related import attach
from services.rights.actor import may
from services.rights.gate import may_write
from services.rights.masking import sees_sensitive
from views.customers.ownership import OwnershipDoors
from views.form.composer import composer
from views.grid.audited import changes_of
from views.grid.listing import columns_of
from views.grid.tables import groups_of, short_table
from views.render.files import FileDoors

TIMELINE, OTHERS = "timeline", "others"
TABS: dict[str, Any] = {
    TIMELINE: _("时间线"),
    "portrait": _("画像"),
    "contacts": _("联系人"),
    "opportunities": _("商机"),
    "contracts": _("合同与回款"),
    "plans": _("跟进计划"),
    OTHERS: _("更多"),
    "files": _("附件"),
    "approvals": _("审批"),
    "changes": _("变更"),
}
CLOSED = (Approval.pending, Approval.approved)  # the primary contact follows its customer


@cached
def tables_of_customer() -> dict[str, dict[type[Any], list[str]]]:
    """Return tab → entity with a screen that points at a customer → columns of its table."""
    found: dict[str, dict[type[Any], list[str]]] = {}
    for model in entities():
        entity = entity_of(model)
        tab, keys = entity.whole
        if entity.section and "customer_id" in model.__table__.c and (keys or tab == OTHERS):
            listed = [key for key, one in columns_of(model).items() if one.facts.listed]
            rest = [key for key in listed if key != "customer_id"]
            found.setdefault(tab, {})[model] = keys.split() or rest
    return found


def _kept(found: punctuality.Punctuality) -> str:
    """Return 准时率 and 平均延误天数 as the cockpit shows them; 「—」 where nothing was judged."""
    rate, mean = TableColumn("rate", "", "ratio"), TableColumn("mean", "", "mean")
    return f"{shown(found.rate, rate)} · {shown(found.mean, mean)}"


class WholeCustomer(FileDoors, OwnershipDoors):
    """The page of one customer: mixed into the customers' screen."""

    saw: Any
    dialled: Any

    def is_ready(self, record: Any) -> tuple[bool, bool]:
        """Tell whether the customer may be worked now, and any without a claim first."""
        raise NotImplementedError

    @expose("/360/")
    def whole_view(self) -> Any:
        """Show one customer on one page: figures, composer, and a tab of everything."""
        record = self.get_one(request.args.get("id"))
        tabs = self.tabs()
        tab = request.args.get("tab", TIMELINE)
        if tab == "portrait" and tab not in tabs:
            raise Forbidden
        tab = tab if tab in tabs else TIMELINE
        self.saw(record)
        tables = self.whole_tables(record, tab)
        files = self.files(record) if tab == "files" else None
        below = attachment.beneath(self.session, record.id) if files else []
        uploads = ([*(files.rows if files else ()), *below], ["uploader"])
        attach(self.session, ([record], ["owner", "technical"]), uploads, *groups_of(tables))
        hands = self.hands(record)
        ready, free = self.is_ready(record)
        writes = ready and may(self.actor, "followup:create") and tab == TIMELINE
        return self.render(
            "admin/customer/360.html",
            record=record,
            hands=hands,
            sellers=self.sellers() if hands["assign"] else [],
            tab=tab,
            tabs=tabs,
            primary=primary_of(record),
            facts=history.facts(self.session, record),
            punctual=_kept(punctuality.of_customer(self.session, record.id, today(self.now()))),
            tables=tables,
            files=files,
            below=[(row, attachment.PARENTS[row.noun].__caption__) for row in below],
            happenings=history.timeline(self.session, record.id) if tab == TIMELINE else [],
            rounds=approval.timeline(self.session, record) if tab == "approvals" else [],
            changes=self._changes(record) if tab == "changes" else [],
            **self.portrayed(record, shown=tab == "portrait"),
            composer=composer(self.session, self.now()) if writes else None,
            may_edit=may_write(self.actor, "edit", record),
            may_send=by_mail.may_send(self.call(), record),
            may_contact=free and may(self.actor, "contact:create"),
            editable=lambda c: (
                may_write(self.actor, "edit", c)
                and sees_sensitive(self.actor, c)
                and not (c.is_primary and record.approval in CLOSED)
            ),
            shown=self.dialled,
        )

    def portrayed(self, record: Any, *, shown: bool) -> dict[str, Any]:
        """Return the portrait where it is shown, and which next steps may be taken."""
        ready, free = self.is_ready(record)
        return {
            "drawn": page.drawn(self.session, record, now=self.now()) if shown else None,
            "may_offer": free and may(self.actor, "opportunity:create"),
            "may_plan": ready and may(self.actor, "plan:create"),
            "yuan": yuan,
        }

    def tabs(self) -> dict[str, Any]:
        """Return key → caption of the tabs this person has."""
        return {
            key: caption
            for key, caption in TABS.items()
            if (key != "portrait" or may(self.actor, "portrait:read"))
            and (key != OTHERS or OTHERS in tables_of_customer())
        }

    def whole_tables(self, record: Any, tab: str) -> list[dict[str, Any]]:
        """Return the short tables of a tab."""
        ready, free = self.is_ready(record)
        made = tables_of_customer().get(tab, {})
        adds = {Opportunity: free, Contract: ready, FollowUpPlan: ready}
        adds |= dict.fromkeys(made, free) if tab == OTHERS else {}
        return [
            short_table(
                self, model, {"customer_id": record.id}, " ".join(k.lstrip("-") for k in keys),
                order=next((k for k in keys if k.startswith("-")), "-id"),
                add=adds.get(model, False), most=50,
            )
            for model, keys in made.items()
        ]  # fmt: skip

    def _changes(self, record: Any) -> list[dict[str, Any]]:
        return [
            {"row": row, "lines": changes_of(row.noun, row.changes)}
            for row in history.changes(self.session, record)
        ]
