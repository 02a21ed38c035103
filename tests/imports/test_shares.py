"""A past payment settles the instalments its file names; what it names none for follows."""

import pytest
import sqlalchemy as sa

from models.deals.payment import Payment
from services.core.errors import Invalid
from tests.support.imports import codes, prepare, run, table

HOW = """source = "old"
approval = "approved"
[[files]]
pattern = "co*"
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
name = "no"
customer_id = { value = "丙公司", create = true }
signed_on = { value = "2019-01-01" }
amount = "sum"
[files.entities.lines.plan]
due_on = "due"
amount = "part"
[[files]]
pattern = "pa*"
[[files.entities]]
entity = "payment"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "id"
paid_on = "day"
amount = "sum"
contract_id = { column = "no", by = "external_ref" }
[files.entities.lines.allocations]
due_on = "due"
amount = "part"
"""
CO = (
    "co.csv",
    table(
        ("no", "sum", "due", "part"),
        ("A", "100", "2019-02-01", "40"),
        ("A", "100", "2019-03-01", "60"),
    ),
)
HEAD = ("id", "no", "day", "sum", "due", "part")
ROWS = [
    ("1", "A", "2019-02-02", "30", "2019-03-01", "25"),
    ("2", "A", "2019-02-05", "50", "2019-02-01", "10"),
    ("2", "A", "2019-02-05", "50", "2019-03-01", "35"),
    ("3", "A", "2019-02-06", "5", "", ""),
]


def shares(world):
    world.session.expire_all()
    found = world.session.scalars(sa.select(Payment).order_by(Payment.external_ref))
    return {
        one.external_ref: sorted((str(part.plan.due_on), part.amount) for part in one.allocations)
        for one in found
    }


@pytest.mark.parametrize("together", [True, False])
def test_a_payment_settles_what_its_file_says(world, together):
    pa = ("pa.csv", table(HEAD, *ROWS))
    if together:
        run(world, [pa, CO], HOW)
    else:
        run(world, [CO], HOW)
        run(world, [pa], HOW)

    feb, mar = "2019-02-01", "2019-03-01"
    assert shares(world) == {
        "old:1": [(feb, 5_00), (mar, 25_00)],
        "old:2": [(feb, 10_00 + 5_00), (mar, 35_00)],
        "old:3": [(feb, 5_00)],
    }
    assert run(world, [pa, CO], HOW)[1] == []
    other = table(HEAD, (*ROWS[0][:5], "26"))
    assert codes(prepare(world, [("pa.csv", other)], HOW)) == [(2, "part", "LOCKED")]


def test_parts_that_do_not_fit_are_told(small):
    def told(*rows):
        return codes(prepare(small, [("pa.csv", table(HEAD, *rows)), CO], HOW))

    first = ROWS[0]
    assert told((*first[:4], "2019-04-01", "1")) == [(2, "回款分摊", "BAD_VALUE")]
    assert told((*first[:5], "31")) == [(2, "回款分摊", "BAD_VALUE")]
    assert told((*first[:5], "-1")) == [(2, "part", "BAD_VALUE")]
    assert told((*first[:4], "", "5")) == [(2, "due", "BAD_VALUE")]
    more = ("2", "A", "2019-02-05", "50", "2019-03-01", "36")
    assert told(first, more) == [(3, "回款分摊", "BAD_VALUE")]
    draft = HOW.replace('"approved"', '"draft"')
    with pytest.raises(Invalid):
        prepare(small, [CO, ("pa.csv", table(HEAD, first))], draft)
