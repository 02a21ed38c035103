"""A customer whose contracts a ledger in plain Python follows: who acts, and what is there."""

import datetime as dt
import re

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition

from services.core.errors import Refused
from services.records import records
from tests.support.forms import Forms

TODAY = dt.date(2026, 11, 23)
RATIOS = ([10_000], [3000, 7000], [3333, 3333, 3334], [3000, 6000, 1000])
DAYS = st.integers(-90, 0).map(lambda n: TODAY + dt.timedelta(days=n))
DUES = st.integers(-90, 60).map(lambda n: TODAY + dt.timedelta(days=n))
AMOUNTS = st.sampled_from((0, 1, 2, 547, 1_000, 9_999, 100_00, 123_45))
SUMS = st.sampled_from((-500, -1, 1, 99, 500, 3_000, 50_00, 100_00, 200_00))
N = st.integers(0, 30)
DOOR = st.sampled_from(("service", "service", "page"))
SHARED = {}


def yuan(fen):
    return f"{fen / 100:.2f}"


def _text(name, value):
    if name == "amount":
        return yuan(value)
    return "" if value is None else str(value)


def some(kind):
    """Let a rule wait until there is a payment (or an invoice) to do it with."""
    return precondition(lambda self: any(getattr(deal, kind) for deal in self.deals))


class Bench(RuleBasedStateMachine):
    """One customer with a contract or two; payments and invoices are picked by number."""

    def __init__(self):
        super().__init__()
        self.world, self.doors = SHARED["world"], SHARED["doors"]
        self.deals, self.steps = [], 0

    def deal(self, n):
        return self.deals[n % len(self.deals)]

    def one(self, kind, n):
        """Return (deal, payment or invoice) by number."""
        found = [(deal, one) for deal in self.deals for one in getattr(deal, kind).values()]
        return found[n % len(found)]

    def try_(self, who, do):
        """Act as somebody; return what it made, None where it was refused."""
        try:
            with self.world.acting(who):
                return do() or True
        except Refused:
            return None

    def post(self, who, path, data):
        """Post a form, once more with what it asks to be read; tell whether it was done."""
        answer = self.doors.post(who, path, data)
        mark = re.search(r'name="_known" value="([^"]+)"', answer.get_data(as_text=True))
        if answer.status_code == 422 and mark:
            answer = self.doors.post(who, path, data | {"_known": mark[1]})
        assert answer.status_code < 500, answer.get_data(as_text=True)
        return answer.status_code in {302, 303}

    def fill(self, who, path, changed):
        """Open a form, change fields of it and send it with all the others; tell whether it did.

        One that does not open, or has not those fields, is refused.
        """
        page = self.doors.get(who, path)
        assert page.status_code < 500, page.get_data(as_text=True)
        try:
            form = Forms(page.get_data(as_text=True)).with_field(next(iter(changed)))
        except LookupError:
            return False
        return self.post(who, path, form | changed)

    def write(self, who, model, key, values, door):
        """Change a record by its form or by the service."""
        if door == "page":
            texts = {name: _text(name, value) for name, value in values.items()}
            return self.fill(who, f"/admin/{model.__noun__}/edit/?id={key}", texts)
        return self.try_(
            who, lambda: records.update(self.world.call, self.get(model, key), values, seen=None).id
        )

    def last(self, model, deal):
        self.world.be("finance")
        mine = sa.select(sa.func.max(model.id)).where(model.contract_id == deal.key)
        return self.world.session.scalar(mine)

    def get(self, model, key):
        return self.world.get(model, key)
