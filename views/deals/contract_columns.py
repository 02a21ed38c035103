"""The columns of 合同签约 that are no fields: n/m, three axes, what is overdue and unbilled."""

import datetime as dt
from typing import Any, ClassVar

import sqlalchemy as sa
from flask import has_request_context
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup

from models.deals.contract import Contract
from services.core.days import today
from services.core.texts import share, yuan
from services.deals.progress import ContractFigures, figures
from services.receivables import standing
from views.core.base import CrmView

AXES = {"delivered": "delivery", "invoiced": "invoicing", "paid": "collection"}
RARE = frozenset({"unbilled", "uncollected"})  # there, and shown to who asks for them


def gaps(one: ContractFigures) -> dict[str, int]:
    """Return 已回款未开票 and 已开票未回款 of a contract, in 分; one of them is 0."""
    rest = one.paid - one.invoiced
    return {"unbilled": max(rest, 0), "uncollected": max(-rest, 0)}


class ContractColumns(CrmView):
    """What is computed for all rows of a page at once; sorted and filtered in SQL."""

    grid_order: ClassVar[Any] = (
        *("name", "customer_id", "amount", "state", "plans", "paid", "overdue", "signed_on"),
    )
    numeric = frozenset({*AXES, "overdue", *RARE})
    extra_columns: ClassVar[Any] = (
        ("plans", _("已收期数")),
        ("paid", _("回款（%）")),
        ("invoiced", _("开票（%）")),
        ("delivered", _("交付（%）")),
        ("overdue", _("逾期金额")),
        ("unbilled", _("已回款未开票")),
        ("uncollected", _("已开票未回款")),
    )

    def default_keys(self) -> list[str]:
        """Leave out what few people look at."""
        return [key for key in super().default_keys() if key not in RARE]

    def sorts(self) -> dict[str, Any]:
        """Sort by what is computed; as the application starts, only the keys are asked for."""
        return standing.sorts(today(self.now()) if has_request_context() else dt.date.min)

    def figures(self, rows: list[Any]) -> dict[int, ContractFigures]:
        """Return how contracts stand today."""
        return figures(self.session, rows, day=today(self.now()))

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return n/m instalments with what is overdue, three shares, amounts that are not 0."""
        found = self.figures(rows)
        told: dict[str, dict[int, Any]] = {
            key: {k: share(getattr(one, axis)) for k, one in found.items()}
            for key, axis in AXES.items()
        }
        told["plans"] = {key: plans(one) for key, one in found.items()}
        amounts = {key: _amounts(one) for key, one in found.items()}
        for name in ("overdue", *RARE):
            told[name] = {k: yuan(fen[name]) for k, fen in amounts.items() if fen[name]}
        return told

    def exported_values(
        self, session: Any, rows: Any, wanted: set[str]
    ) -> dict[str, dict[int, Any]]:
        """Return n/m instalments, shares and amounts as numbers."""
        found = super().exported_values(session, rows, wanted)
        if wanted & {key for key, _caption in self.extra_columns}:
            keys = [row.id for row in rows]
            contracts = session.scalars(sa.select(Contract).where(Contract.id.in_(keys)))
            told = figures(session, contracts.all(), day=today(self.now()))
            found["plans"] = {key: " ".join(words(one)) for key, one in told.items()}
            for key, axis in AXES.items():
                found[key] = {k: getattr(one, axis) / 100 for k, one in told.items()}
            for name in ("overdue", *RARE):
                found[name] = {k: _amounts(one)[name] / 100 for k, one in told.items()}
        return found


def _amounts(one: ContractFigures) -> dict[str, int]:
    return gaps(one) | {"overdue": one.late_collection.amount}


def plans(one: ContractFigures) -> Any:
    """Return n/m, with the overdue instalments beside it."""
    text, *late = words(one)
    return Markup('{} <span class="tag bad">{}</span>').format(text, *late) if late else text


def words(one: ContractFigures) -> list[str]:
    """Return n/m of the instalments, and what is overdue of them where anything is."""
    text, late = f"{one.settled}/{len(one.plan)}", len(one.overdue)
    return [text, gettext("逾期 %(n)s 期", n=late)] if late else [text]
