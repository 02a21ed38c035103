"""Rows of one key are one record with all its lines: in any order, over files and over runs."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.payment import PaymentAllocation
from services.core.errors import Invalid, Locked
from services.importing.back.undo import ask
from tests.support.imports import codes, counts, prepare, run, table
from tests.support.world import World

HEAD = ("no", "co", "day", "product", "qty", "price")
FIELDS = 'external_ref = "no"\nname = "no"\ncustomer_id = {column = "co", create = true}\n'
FIELDS += 'signed_on = "day"\n'
LINES = """[files.entities.lines.lines]
product_id = {column = "product", create = true}
quantity = "qty"
price = "price"
"""
ENTITY = '[[files.entities]]\nentity = "contract"\nkeys = ["external_ref"]\n'
A1 = ("A1", "甲公司", "2019-07-04")


def mapping(fields=FIELDS, lines=LINES, more="", pattern="*", approval="approved"):
    part = f'[[files]]\npattern = "{pattern}"\n{ENTITY}{more}\n[files.entities.fields]\n'
    return f'source = "x"\napproval = "{approval}"\n{part}{fields}{lines}'


def bring(world, *rows, how=None, head=HEAD, **options):
    return run(world, [("a.csv", table(head, *rows))], how or mapping(), **options)


def contracts(world):
    """Return external number → (customer, amount, lines, instalments) as the database has them."""
    world.session.expire_all()
    found = {}
    for one in world.session.scalars(sa.select(Contract)):
        lines = [(line.product.code, line.quantity, line.price) for line in one.lines]
        plan = [(line.amount, line.due_on) for line in one.plan]
        company = one.customer.company if one.customer else None
        found[one.external_ref.removeprefix("x:")] = (company, one.amount, lines, plan)
    return found


@pytest.mark.parametrize("more", ["", "distinct = true"])
def test_rows_of_one_key_are_one_contract_with_all_its_lines(world, more):
    rows = [(*A1, "泵", "1", "100"), ("A2", "乙公司", "", "泵", "3", "100")]
    rows += [("A1", "", "", "阀", "2", "25"), ("A1", "甲公司", "", "泵", "1", "100")]

    plan, jobs = bring(world, *rows, how=mapping(more=more))

    day = dt.date(2019, 7, 4)
    assert contracts(world) == {
        "A1": (
            "甲公司",
            250_00,
            [("泵", 1, 100_00), ("阀", 2, 25_00), ("泵", 1, 100_00)],
            [(250_00, day)],
        ),
        "A2": ("乙公司", 300_00, [("泵", 3, 100_00)], []),
    }
    told = plan.files[0].counts["contract"]
    assert told == {"rows": 4, "created": 2, "merged": 2}
    assert jobs[0].counts["contract"] == dict(told)
    world.session.rollback()  # SQLite has one writer at a time
    before = counts(world.app)
    again, jobs = bring(world, *rows, how=mapping(more=more))
    assert jobs == []
    assert again.files[0].counts["contract"] == {"rows": 4, "unchanged": 2, "merged": 2}
    world.session.rollback()
    assert counts(world.app) == before


def test_a_header_file_and_a_line_file_feed_the_same_contract(world):
    head = mapping(lines="", pattern="head*")
    part = mapping(fields='external_ref = "no"\n', pattern="line*").split("[[files]]", 1)[1]
    how = f"{head}\n[[files]]{part}"
    lines = table(
        ("no", "product", "qty", "price"), ("A1", "泵", "2", "10"), ("A1", "阀", "1", "5")
    )
    files = [("lines.csv", lines), ("heads.csv", table(HEAD[:3], A1))]

    plan, jobs = run(world, files, how)

    assert contracts(world)["A1"][:3] == ("甲公司", 25_00, [("泵", 2, 10_00), ("阀", 1, 5_00)])
    assert [file.counts["contract"]["rows"] for file in plan.files] == [2, 1]
    assert len(jobs) == 2
    assert run(world, files[::-1], how)[1] == []


def test_lines_of_a_second_run_are_added_and_the_amount_follows(world):
    bring(world, A1, head=HEAD[:3], how=mapping(lines=""))
    assert contracts(world)["A1"] == ("甲公司", None, [], [])

    lines = mapping(fields='external_ref = "no"\n')
    head = ("no", *HEAD[3:])
    bring(world, ("A1", "泵", "1", "532"), head=head, how=lines)
    day = dt.date(2019, 7, 4)
    assert contracts(world)["A1"] == ("甲公司", 532_00, [("泵", 1, 532_00)], [(532_00, day)])
    bring(world, ("A1", "阀", "2", "9"), head=head, how=lines)

    assert contracts(world)["A1"][1:] == (
        550_00, [("泵", 1, 532_00), ("阀", 2, 9_00)], [(550_00, day)],
    )  # fmt: skip


def test_what_existing_lines_become_is_said_by_the_mapping(small):
    lines = mapping(fields='external_ref = "no"\n')
    head = ("no", *HEAD[3:])
    bring(small, (*A1, "泵", "1", "100"), ("A1", "", "", "阀", "1", "7"))

    plan, _jobs = bring(small, ("A1", "泵", "1", "120"), head=head, how=lines)
    assert contracts(small)["A1"][1:3] == (127_00, [("泵", 1, 120_00), ("阀", 1, 7_00)])
    assert "LINES" in {p.code for p in plan.files[0].problems}
    add = lines.replace("\n[files.entities.fields]", '\nexisting = "add"\n[files.entities.fields]')
    for _again in range(2):
        bring(small, ("A1", "泵", "1", "90"), head=head, how=add)
        assert contracts(small)["A1"][1] == 217_00
    plan = prepare(small, [("a.csv", table(head, ("A1", "泵", "2", "1")))], lines)
    assert codes(plan) == [(2, "product", "LINES_UNCLEAR")]
    bring(small, ("A1", "泵", "2", "1"), head=head, how=add.replace('"add"', '"replace"'))
    assert contracts(small)["A1"][1:3] == (2_00, [("泵", 2, 1_00)])


def test_a_bad_line_keeps_its_whole_record_out_and_no_other(world):
    rows = [(*A1, "泵", "1", "100"), ("A2", "乙公司", "", "泵", "3", "100")]
    rows += [("A1", "", "", "阀", "x", "25")]

    plan, _jobs = bring(world, *rows, partial=True)

    assert list(contracts(world)) == ["A2"]
    assert codes(plan) == [(2, "no", "TOGETHER"), (4, "qty", "BAD_VALUE")]
    assert plan.files[0].counts["contract"] == {"rows": 3, "created": 1, "failed": 2}
    assert world.session.scalars(sa.select(Customer.company)).all() == ["乙公司"]
    bring(world, rows[0], (*rows[2][:4], "2", "25"))
    assert contracts(world)["A1"][1] == 150_00


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (("A1", "乙公司", "", "阀", "1", "1"), (3, "co", "KEY_TWICE")),
        (("A1", "", "2020-01-01", "阀", "1", "1"), (3, "day", "KEY_TWICE")),
        (("A1", "", "", "", "1", "1"), (3, "product", "BAD_VALUE")),
        (("A1", "", "", "阀", "1", "-1"), (3, "price", "BAD_VALUE")),
    ],
)
def test_rows_of_one_record_that_disagree_are_refused_by_column(small, row, found):
    plan = prepare(small, [("a.csv", table(HEAD, (*A1, "泵", "1", "1"), row))], mapping())

    assert found in codes(plan)
    assert plan.files[0].counts["contract"] == {"rows": 2, "failed": 2}


def test_an_amount_that_is_not_that_of_the_lines_is_refused(small):
    how = mapping(fields=FIELDS + 'amount = "sum"\n')
    head = (*HEAD, "sum")
    bad = prepare(small, [("a.csv", table(head, (*A1, "泵", "1", "100", "99")))], how)
    none = prepare(small, [("a.csv", table(head, (*A1, "泵", "1", "", "99")))], how)
    bring(small, (*A1, "泵", "1", "100", "100"), head=head, how=how)
    late = prepare(small, [("a.csv", table(head, ("A1", "", "", "阀", "1", "5", "100")))], how)

    assert codes(bad) == [(2, "sum", "BAD_VALUE")]
    assert codes(none) == [(2, "price", "BAD_VALUE")]
    assert codes(late) == [(2, "sum", "BAD_VALUE")]


def test_instalments_gather_and_must_add_up(small):
    how = mapping(
        fields=FIELDS + 'amount = "sum"\n',
        lines='[files.entities.lines.plan]\namount = "part"\ndue_on = "due"\n',
    )
    head = (*HEAD[:3], "sum", "part", "due")
    rows = [(*A1, "100", "30", "2020-01-01"), ("A1", "", "", "100", "70", "2020-02-01")]
    short = prepare(small, [("a.csv", table(head, rows[0]))], how)

    bring(small, *rows, head=head, how=how)

    assert codes(short)[0][2] == "BAD_VALUE"
    plan = [(30_00, dt.date(2020, 1, 1)), (70_00, dt.date(2020, 2, 1))]
    assert contracts(small)["A1"][3] == plan
    assert bring(small, *rows, head=head, how=how)[1] == []
    bring(
        small, ("B1", *A1[1:], "100"), head=head[:4], how=mapping(FIELDS + 'amount = "sum"\n', "")
    )
    bring(small, *(("B1", "", "", *row[3:]) for row in rows), head=head, how=how)
    assert contracts(small)["B1"][3] == plan


def test_money_that_came_before_the_lines_is_spread_when_they_come(world):
    bring(world, A1, head=HEAD[:3], how=mapping(lines=""))
    money = """approval = "approved"
[[files]]
[[files.entities]]
entity = "payment"
keys = ["external_ref"]
fields = {external_ref = "p", contract_id = "no", paid_on = "day", amount = "sum"}
"""
    paid = table(("p", "no", "day", "sum"), ("1", "A1", "2020-01-01", "40"))
    world.be("finance")
    with World(world.app) as other:
        other.session.info["now"] = other.now
        run(other, [("p.csv", paid)], money)

    with World(world.app) as other:
        bring(
            other,
            ("A1", "泵", "1", "100"),
            head=("no", *HEAD[3:]),
            how=mapping('external_ref = "no"\n'),
        )
        parts = other.session.execute(sa.select(PaymentAllocation.amount)).scalars().all()
        assert parts == [40_00]


def test_the_same_number_in_two_files_is_told_and_never_a_database_error(small):
    how = mapping(lines="")
    files = [("a.csv", table(HEAD[:3], A1)), ("b.csv", table(HEAD[:3], A1))]

    plan = prepare(small, files, how)

    assert [(p.line, p.code, "a.csv" in str(p.reason)) for p in plan.files[1].fatal] == [
        (2, "KEY_TWICE", True)
    ]
    with pytest.raises(Invalid):
        run(small, files, how)


def test_blank_rows_totals_and_columns_left_out_are_named_and_counted(small):
    part = mapping().replace('pattern = "*"', 'pattern = "*"\nignore = ["memo"]')
    head = (*HEAD, "memo")
    rows = [(*A1, "泵", "1", "100", "x"), ("",) * 7, ("A2", "乙公司", "", "泵", "3", "7", "")]
    rows += [("合计", "", "", "", "4", "107.00", "")]

    plan, jobs = run(small, [("a.csv", table(head, *rows))], part)

    file = plan.files[0]
    assert {"BLANK_ROWS", "TOTAL_ROW", "IGNORED"} <= {p.code for p in file.problems}
    assert file.counts["contract"] == {"rows": 3, "created": 2, "skipped": 1}
    sums = {"read": "214.00", "written": "107", "skipped": "107.00"}
    assert file.totals["contract"]["price"] == sums
    assert jobs[0].options["totals"] == file.totals


def test_a_file_whose_rows_went_into_another_s_records_says_which_import_holds_them(small):
    head = mapping(lines="", pattern="head*")
    part = mapping(fields='external_ref = "no"\n', pattern="line*").split("[[files]]", 1)[1]
    lines = table(("no", "product", "qty", "price"), ("A1", "泵", "2", "10"))
    files = [("heads.csv", table(HEAD[:3], A1)), ("lines.csv", lines)]

    _plan, (first, second) = run(small, files, f"{head}\n[[files]]{part}")

    with pytest.raises(Locked, match="引用"):  # its product is sold by the contract of the first
        ask(small.session, second)
    assert ask(small.session, first) > 0
    again = table(("no", "product", "qty", "price"), ("B1", "泵", "1", "10"))
    files = [("heads.csv", table(HEAD[:3], ("B1", *A1[1:]))), ("lines.csv", again)]
    _plan, (first, second) = run(small, files, f"{head}\n[[files]]{part}")
    with pytest.raises(Locked, match=str(first.id)):
        ask(small.session, second)
