"""A ledger in plain Python: what contracts, plans, payments and invoices come to, in 分.

It knows nothing of the product's code. Laws, in words: what confirmed money settles stays; money
fills the oldest instalments that have room, by hand first, the oldest of these as far as the amount
goes; a refund takes money without an instalment, then empties the newest; confirmed money comes
before what is only registered. What is issued stays within the contract or what somebody agreed to.
"""

import collections
import dataclasses
import datetime as dt
import itertools

from tests.support.ledger_orders import Job, Works


@dataclasses.dataclass
class Line:
    """An instalment."""

    key: int
    amount: int
    due: dt.date
    ratio: int | None = None


@dataclasses.dataclass
class Money:
    """A payment; `parts` and `hand` by instalment."""

    key: int
    amount: int
    day: dt.date
    state: str = "registered"
    parts: dict[int, int] = dataclasses.field(default_factory=dict)
    hand: set[int] = dataclasses.field(default_factory=set)

    @property
    def confirmed(self):
        return self.state == "confirmed"


@dataclasses.dataclass
class Paper:
    """An invoice; `most` is up to what the contract may be invoiced with it."""

    key: int
    amount: int
    state: str = "requested"
    back: int | None = None
    most: int | None = None
    agreed: bool = False
    reasoned: bool = False

    @property
    def counted(self):
        return 0 if self.state == "requested" and self.amount < 0 else self.amount


@dataclasses.dataclass
class Desk:
    """Instalments in turn while money is laid on them; `loose` is money without one."""

    there: dict[int, int]
    full: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    parts: dict = dataclasses.field(default_factory=dict)
    loose: int = 0

    def of(self, money):
        return self.parts.setdefault(money.key, collections.Counter())

    def put(self, money, key, amount):
        self.of(money)[key] += amount
        self.full[key] += amount

    def keep(self, money):
        for key in money.parts.keys() & self.there.keys():
            self.put(money, key, money.parts[key])

    def level(self, group):
        """The newest give way where there is more than the amount, or less than nothing."""
        for money in sorted(group, key=lambda m: (m.day, m.key), reverse=True):
            for key, amount in self.there.items():
                mine = self.of(money)[key]
                if mine > 0 and self.full[key] > amount:
                    self.put(money, key, -min(mine, self.full[key] - amount))
                elif mine < 0 and self.full[key] < 0:
                    self.put(money, key, min(-mine, -self.full[key]))

    def by_hand(self, group):
        for money in group:
            left = abs(money.amount)
            for key in (k for k in self.there if k in money.hand):
                wanted = money.parts[key]
                most = self.there[key] - self.full[key] if wanted > 0 else self.full[key]
                share = min(abs(wanted), max(most, 0), left)
                self.put(money, key, share if wanted > 0 else -share)
                left -= share

    def fill(self, money, left):
        for key, amount in self.there.items() if left > 0 else ():
            share = min(left, max(amount - self.full[key], 0))
            self.put(money, key, share)
            left -= share
        self.loose += max(left, 0)

    def take(self, money, left):
        if left <= 0:
            return
        share = min(left, max(self.loose, 0))
        self.loose, left = self.loose - share, left - share
        for key in reversed(self.there):
            share = min(left, max(self.full[key], 0))
            self.put(money, key, -share)
            left -= share


def without_spent(rest, stays):
    """Money without an instalment that a refund has taken is gone, the oldest first."""
    there = [(money, left) for money, left in rest if money in stays]
    gone = min(sum(max(left, 0) for _m, left in there), sum(max(-left, 0) for _m, left in there))
    money, back, found = gone, gone, []
    for one, left in rest:
        share = 0
        if one in stays:
            share = min(left, money) if left > 0 else -min(-left, back)
            money, back = money - max(share, 0), back + min(share, 0)
        found.append((one, left - share))
    return found


@dataclasses.dataclass
class Deal(Works):
    """A contract in force, closed (by hand: `closed`), or void."""

    key: int
    amount: int
    signed: dt.date
    lines: list[Line]
    void: bool = False
    money: dict[int, Money] = dataclasses.field(default_factory=dict)
    papers: dict[int, Paper] = dataclasses.field(default_factory=dict)
    jobs: dict[int, Job] = dataclasses.field(default_factory=dict)
    waiting: tuple | None = None  # (request, amount, [(amount, due, ratio)] or None)
    closed: bool = False
    reopened: bool = False  # by hand, and nothing has happened to it since

    def touched(self):
        """Something of money, invoices or deliveries happened: it is judged anew."""
        self.reopened = False

    def takes(self, amount):
        """Tell whether money or an invoice may be put on it: of a void one it only goes back."""
        return amount < 0 or not self.void

    # -- invoices ----------------------------------------------------------------------------

    def billed(self, *, but=None):
        return sum(p.counted for p in self.papers.values() if p.key != but)

    def ceiling(self, *, but=None, agreed=False):
        """Up to what may be asked for beyond the contract; `agreed`: up to what may be issued."""
        found = 0
        for paper in self.papers.values():
            counts = paper.most is not None and paper.key != but
            if counts and (paper.agreed or not agreed):
                red = sum(p.amount for p in self.reds(paper.key) if p.state == "red")
                found = max(found, paper.most + red)
        return found

    def reds(self, key):
        return [p for p in self.papers.values() if p.back == key]

    def left(self, key):
        return self.papers[key].amount + sum(p.amount for p in self.reds(key))

    def beyond(self, amount, *, but=None, agreed=False):
        most = max(self.amount, self.ceiling(but=but, agreed=agreed))
        return amount > 0 and self.billed(but=but) + amount > most

    def issuable(self, paper):
        """Tell whether an invoice may be issued; one that gives back is not asked here."""
        own = paper.most if paper.agreed else 0
        most = max(self.amount, self.ceiling(but=paper.key, agreed=True), own)
        room = paper.agreed or not self.beyond(paper.amount, but=paper.key)
        return room and self.issued + paper.amount <= most

    @property
    def issued(self):
        return sum(p.amount for p in self.papers.values() if p.state != "requested")

    # -- money -------------------------------------------------------------------------------

    @property
    def paid(self):
        return sum(m.amount for m in self.money.values() if m.confirmed)

    def direct(self, line):
        """What allocations of confirmed money come to on an instalment."""
        return sum(m.parts.get(line.key, 0) for m in self.money.values() if m.confirmed)

    def others(self, line, money):
        return self.direct(line) - (money.parts.get(line.key, 0) if money.confirmed else 0)

    def in_turn(self):
        return sorted(self.lines, key=lambda line: (line.due, line.key))

    def lay(self, *anew):
        """Lay all money on the instalments anew; payments of `anew` forget what they held."""
        desk = Desk({line.key: line.amount for line in self.in_turn()})
        stays = [m for m in self.money.values() if m.confirmed and m.key not in anew]
        for money in stays:
            desk.keep(money)
        desk.level(stays)
        for state in ("confirmed", "registered"):
            group = [m for m in self.money.values() if m.state == state]
            group.sort(key=lambda m: (m.day, m.key))
            desk.by_hand([money for money in group if money not in stays])
            rest = [(m, m.amount - sum(desk.of(m).values())) for m in group]
            rest = without_spent(rest, stays)
            for money, left in rest:
                desk.fill(money, left)
            for money, left in rest:
                desk.take(money, -left)
        for money in self.money.values():
            if money.state != "reversed":
                money.parts = {k: v for k, v in desk.of(money).items() if v}
                money.hand &= money.parts.keys()

    def settled(self):
        """Return instalment → what is settled as people read it: loose money counts too."""
        found = {line.key: self.direct(line) for line in self.in_turn()}
        rest = self.paid - sum(found.values())
        for line in self.in_turn():
            share = min(max(rest, 0), max(line.amount - found[line.key], 0))
            found[line.key] += share
            rest -= share
        for line in reversed(self.in_turn()):
            share = min(max(-rest, 0), max(found[line.key], 0))
            found[line.key] -= share
            rest += share
        return found

    def late(self, day):
        """Return [(open, days)] of the instalments that are overdue."""
        got = self.settled()
        return [
            (line.amount - got[line.key], (day - line.due).days)
            for line in self.lines
            if not self.void and line.due < day and got[line.key] < line.amount
        ]

    # -- changes -----------------------------------------------------------------------------

    def spread(self, ratios, amount):
        """Return the amounts of ratios (basis points): halves up, the last one takes the rest."""
        parts = [(amount * r + 5000) // 10_000 for r in ratios[:-1]]
        return [*parts, amount - sum(parts)]

    def follows(self, amount):
        """Return the plan another amount brings about, None where it cannot follow."""
        if len(self.lines) == 1:
            return [amount]
        ratios = [line.ratio for line in self.lines]
        if None in ratios or sum(ratios) != 10_000:
            return None
        if self.spread(ratios, self.amount) != [line.amount for line in self.lines]:
            return None
        return self.spread(ratios, amount)

    def stands(self, amount, plan):
        """Tell whether a change to an amount and a plan (None: untouched) could be."""
        if plan is not None and sum(plan) != amount:
            return False
        if plan is None and amount != self.amount:
            return False
        if amount != self.amount and self.billed() > max(amount, self.ceiling()):
            return False
        if amount != self.amount and self.issued > max(amount, self.ceiling(agreed=True)):
            return False
        held = [self.direct(line) for line in self.lines]
        pairs = itertools.zip_longest(held, plan or [line.amount for line in self.lines])
        return plan is None or all((got or 0) <= (most or 0) for got, most in pairs)


def totals(deals, day, period):
    """Return what the summaries say of the deals of one customer over a period of days."""
    force = [deal for deal in deals if not deal.void]
    inside = [d for d in force if period[0] <= d.signed <= period[1]]
    found = dict.fromkeys(("due", "settled", "overdue", "overdue_lines", "surplus"), 0)
    for deal in force:
        got = deal.settled()
        for line in deal.lines:
            found["due"] += line.amount
            found["settled"] += got[line.key]
        late = deal.late(day)
        found["overdue"] += sum(rest for rest, _days in late)
        found["overdue_lines"] += len(late)
        found["surplus"] += max(deal.paid - sum(got.values()), 0)
    owed = [max(deal.amount - deal.paid, 0) for deal in inside]
    return found | {
        "cash": sum(deal.paid for deal in force),
        "contracts": len(inside),
        "amount": sum(deal.amount for deal in inside),
        "collected": sum(deal.paid for deal in inside),
        "unpaid": sum(owed),
    }
