"""The portrait of one customer as its page shows it: what was drawn, in words, and what next."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from models.customers.customer import Customer
from models.portrait.customer_portrait import CustomerPortrait
from models.portrait.offer import OfferKind, PortraitOffer
from models.portrait.segment_rule import SegmentRule
from services.core.texts import yuan
from services.portrait import needs, offered
from services.portrait import now as live
from services.portrait.maths.rhythm import months_back
from services.portrait.maths.story import day_of, number
from services.portrait.offered import Offered
from services.portrait.words import AILMENTS, CAUSES, sentences

SHOWN = 5
SURE = 500  # ‰ from which leaving is something to act on


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    """Something to do next: `kind` says which form it opens, `fill` what stands in it already."""

    kind: str  # "plan", "opportunity" or "quotation"
    words: str
    why: str
    fill: dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class PortraitPage:
    """Everything the tab shows. `row` is None for a customer that was not drawn yet."""

    row: CustomerPortrait | None
    segment: SegmentRule | None
    strip: list[tuple[str, int, int]]  # month, 分, percent of the highest
    ailments: list[str]
    causes: list[str]
    again: list[Offered]
    fresh: list[Offered]
    actions: list[Action]
    needs: list[tuple[str, str]]  # name, what speaks for it
    present: live.Portrait

    @property
    def popular(self) -> list[Offered]:
        """Return what customers of its industry bought, for one without purchases."""
        return [Offered(one.product_id, one.name, self._bought(one)) for one in self.present.offers]

    def _bought(self, one: Any) -> str:
        return _(
            "同行业 %(all)s 家客户中有 %(n)s 家买过，此客户还没有",
            all=self.present.peers,
            n=one.buyers,
        )

    @property
    def leaving(self) -> int | None:
        """Return the probability of leaving in percent."""
        found = self.row.leaving if self.row else None
        return None if found is None else round(found / 10)


def drawn(session: Session, customer: Customer, *, now: dt.datetime) -> PortraitPage:
    """Return the portrait of a customer the actor sees, in few statements."""
    row, segment = _row(session, customer.id)
    offers = _offers(session, customer.id)
    today = live.portrait(session, customer, now=now, popular=not offers)
    told = {kind: [one for at, one in offers if at is kind][:SHOWN] for kind in OfferKind}
    return PortraitPage(
        row=row,
        segment=segment,
        strip=_strip(row),
        ailments=sentences(AILMENTS, row.ailments if row else []),
        causes=sentences(CAUSES, row.causes if row else []),
        again=told[OfferKind.again],
        fresh=told[OfferKind.fresh],
        actions=_actions(row, today, told),
        needs=needs.of(session, customer.id),
        present=today,
    )


def _row(session: Session, key: int) -> tuple[CustomerPortrait | None, SegmentRule | None]:
    row, rule = CustomerPortrait, SegmentRule
    found = session.execute(
        sa.select(row, rule)
        .outerjoin(rule, rule.id == row.segment_id)
        .where(row.customer_id == key)
    ).first()
    return (found[0], found[1]) if found else (None, None)


def _offers(session: Session, key: int) -> list[tuple[OfferKind, Offered]]:
    offer = PortraitOffer
    mine = sa.select(offer).where(offer.customer_id == key, offer.rank <= SHOWN)
    found = offered.read(session, mine.order_by(offer.kind, offer.rank))
    return [(row.kind, one) for row, one in found]


def _strip(row: CustomerPortrait | None) -> list[tuple[str, int, int]]:
    if row is None:
        return []
    months = [day_of(one) for one in months_back(number(row.as_of), len(row.strip))]
    top = max([*row.strip, 1])
    return [
        (f"{month:%Y-%m}", amount, round(100 * amount / top))
        for month, amount in zip(months, row.strip, strict=True)
    ]


def _actions(
    row: CustomerPortrait | None, today: live.Portrait, told: dict[OfferKind, list[Offered]]
) -> list[Action]:
    """Return what to do next, the most pressing first: money, somebody leaving, then selling."""
    calls = [_collect(today), _call(row, today)]
    offers = [
        Action("opportunity", words, one.why, {"name": words[:120]})
        for kind in OfferKind
        for one in told[kind][:1]
        for words in [f"{kind}：{one.name}"]
    ]
    quotes = [
        Action("quotation", _("为「%(name)s」报价", name=deal.name), deal.stage, {"id": deal.id})
        for deal in today.deals[:1]
    ]
    return [*filter(None, calls), *offers, *quotes]


def _collect(today: live.Portrait) -> Action | None:
    if not today.overdue:
        return None
    words, days = _("催收逾期款 %(sum)s 元", sum=yuan(today.overdue)), today.overdue_days
    late = ngettext("逾期 %(n)s 天", "逾期 %(n)s 天", days, n=days)
    return Action("plan", words, late, {"content": words})


def _call(row: CustomerPortrait | None, today: live.Portrait) -> Action | None:
    if row is not None and (row.leaving or 0) >= SURE:
        words, why = _("回访，了解近期没有购买的原因"), "；".join(sentences(CAUSES, row.causes[:1]))
    elif today.quiet:
        words, why = _("联系客户，保持跟进"), _("超过平时的联系间隔")
    else:
        return None
    return Action("plan", words, why, {"content": words})
