"""One line of 今天要做."""

import dataclasses
import datetime as dt

MOST = 200  # of each kind: the page shows the first and tells how many there are


@dataclasses.dataclass(frozen=True, slots=True)
class AgendaItem:
    """One thing to do: what kind, which record, when (a date, a time where there is one).

    kind: plan, visit, milestone, instalment (due today), payment (to be confirmed), invoice (to be
    issued), late (the overdue instalments of a customer: `count`, `amount`, the oldest date).
    """

    kind: str
    record_id: int
    customer_id: int
    title: str
    detail: str
    due_on: dt.date
    due_at: dt.datetime | None = None
    amount: int | None = None  # 分
    count: int = 1
    owner: str = ""  # whose it is, where it is not one's own
