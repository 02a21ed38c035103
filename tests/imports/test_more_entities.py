"""Invoices, dictionary values, tags and follow-ups come in by mapping, in the same run too."""

import datetime as dt

import sqlalchemy as sa

from models.bulk.tag import Tag
from models.customers.customer import Customer, CustomerStatus
from models.deals.contract import Contract
from models.deals.invoice import Invoice, InvoiceState
from models.importing.import_job import ImportJob
from models.records.dictionary import DictionaryOption
from models.sales.follow_up import FollowUp
from services.importing.back.undo import undo
from services.rights.actor import SYSTEM
from services.rights.call import Call
from tests.support.imports import codes, prepare, run, table

TOP = 'source = "old"\napproval = "approved"\n'


def part(entity, fields, *, pattern="*", more='keys = ["external_ref"]'):
    head = f'[[files]]\npattern = "{pattern}"\n' if pattern else ""
    what = f'[[files.entities]]\nentity = "{entity}"\n{more}\n'
    return f"{head}{what}[files.entities.fields]\n{fields}\n"


CONTRACTS = part(
    "contract",
    'external_ref = "no"\nname = "no"\nsigned_on = "day"\namount = "sum"\n'
    'customer_id = { column = "co", create = true }',
    pattern="co*",
)
INVOICES = part(
    "invoice",
    'number = "inv"\nissued_on = "day"\ncontract_id = { column = "no", by = "external_ref" }\n'
    'amount = [ { column = "sum", negate = true, sum = true, when = { kind = "credit" } },\n'
    '  { column = "sum", sum = true } ]',
    pattern="inv*",
    more='keys = ["number"]',
)
HOW = TOP + INVOICES + CONTRACTS
CO = (
    "co.csv",
    table(
        ("no", "co", "day", "sum"), ("A1", "丙公司", "2019-07-04", "100"), ("A2", "丁公司", "", "7")
    ),
)
HEAD = ("inv", "no", "day", "kind", "sum")
INV = [
    ("R9", "A1", "2019-09-01", "credit", "20"),
    ("R1", "A1", "2019-08-01", "", "60"),
    ("R1", "A1", "2019-08-01", "", "30.5"),
]


def undone(world, jobs):
    undo(Call(world.session, SYSTEM, world.now), world.session.get_one(ImportJob, jobs[0].id))
    world.session.commit()


def test_lines_of_an_invoice_add_up_and_credit_notes_follow_their_invoices(world):
    plan, jobs = run(world, [("inv.csv", table(HEAD, *INV)), CO], HOW)

    found = world.session.scalars(sa.select(Invoice).order_by(Invoice.number)).all()
    assert [(i.number, i.amount, i.state, i.contract.external_ref) for i in found] == [
        ("R1", 90_50, InvoiceState.issued, "old:A1"),
        ("R9", -20_00, InvoiceState.red, "old:A1"),
    ]
    assert plan.files[0].totals["invoice"]["sum"] == {"read": "110.5", "written": "110.5"}
    assert run(world, [CO, ("inv.csv", table(HEAD, *INV))], HOW)[1] == []
    undone(world, jobs)
    living = sa.select(Invoice).where(Invoice.deleted_at.is_(None))
    assert world.session.scalars(living).all() == []
    run(world, [CO, ("inv.csv", table(HEAD, *INV))], HOW)
    assert len(world.session.scalars(living).all()) == 2


def test_an_invoice_beyond_its_contract_or_on_one_not_in_force_is_told_at_its_row(small):
    def told(*rows, first=()):
        return codes(prepare(small, [("inv.csv", table(HEAD, *rows)), *first], HOW))

    day = "2019-08-01"
    over = ("R1", "A1", day, "", "60"), ("R2", "A1", day, "", "50")
    assert told(*over, first=[CO]) == [(3, "sum", "BAD_VALUE")]
    assert told(("R1", "A2", day, "", "5"), first=[CO]) == [(2, "no", "BAD_VALUE")]
    assert told(("R1", "A1", day, "credit", "5"), first=[CO]) == [(2, "sum", "BAD_VALUE")]
    run(small, [CO], HOW)
    assert told(*over) == [(3, "sum", "BAD_VALUE")]
    back = ("R1", "A1", day, "credit", "60"), ("R2", "A1", day, "", "100")
    assert told(*back) == []
    assert told(("R1", "A1", day, "", "10"), ("R2", "A1", day, "", "x")) == [
        (3, "sum", "BAD_VALUE")
    ]


def test_values_of_a_dictionary_and_tags_come_in_and_are_used_in_the_same_run(world):
    words = part(
        "dictionary",
        'kind = "kind"\ncode = "code"\nlabel = "label"',
        pattern="w*",
        more='keys = [["kind", "label"]]',
    )
    tags = part("tag", 'name = "tag"\ncolour = "colour"', pattern="t*", more='keys = ["name"]')
    customers = part(
        "customer", 'company = "co"\nindustry_id = "label"', pattern="c*", more='keys = ["company"]'
    )
    how = TOP + customers + words + tags
    files = [
        ("c.csv", table(("co", "label"), ("丙公司", "深海采矿"), ("丁公司", "石油化工"))),
        (
            "w.csv",
            table(
                ("kind", "code", "label"),
                ("行业", "deep", "深海采矿"),
                ("客户来源", "deep", "深海采矿"),
            ),
        ),
        ("t.csv", table(("tag", "colour"), ("老客户", "绿"), ("重点", ""))),
    ]

    _plan, jobs = run(world, files, how)

    found = world.session.scalars(sa.select(Customer).order_by(Customer.company)).all()
    labels = {
        one.company: world.session.get(DictionaryOption, one.industry_id).label for one in found
    }
    assert labels == {"丙公司": "深海采矿", "丁公司": "石油化工"}
    assert {"老客户", "重点"} <= set(world.session.scalars(sa.select(Tag.name)))
    assert run(world, files, how)[1] == []
    changed = ("t.csv", table(("tag", "colour"), ("重点", "红")))
    plan, _jobs = run(world, [changed], how)
    assert plan.files[0].counts["tag"] == {"rows": 1, "updated": 1}
    assert [job.file_name for job in jobs] == ["c.csv", "w.csv", "t.csv"]


def test_one_word_twice_in_a_dictionary_is_told(small):
    how = TOP + part("dictionary", 'kind = "kind"\ncode = "code"\nlabel = "label"', more="")
    rows = [
        ("行业", "a1", "甲业"),
        ("行业", "a1", "乙业"),
        ("行业", "a2", "石油化工"),
        ("", "a3", "x"),
    ]

    plan = prepare(small, [("w.csv", table(("kind", "code", "label"), *rows))], how)

    assert codes(plan) == [
        (3, "code", "KEY_TWICE"),
        (4, "label", "BAD_VALUE"),
        (5, "kind", "REQUIRED"),
    ]


def test_follow_ups_of_a_past_keep_their_people_and_days(world):
    run(world, [CO], HOW)
    fields = (
        'external_ref = "id"\ncustomer_id = "co"\nat = "at"\nkind = "kind"\ncontent = "what"\n'
        'owner_id = { column = "who", by = "email" }\ncreated_at = "at"'
    )
    head = ("id", "co", "at", "kind", "what", "who")
    rows = [
        ("1", "丙公司", "2019-03-01 10:00", "电话", "旧事", "office@demo.tcos.cn"),
        ("2", "丙公司", "2018-03-01", "上门拜访", "更旧的事", "sales@demo.tcos.cn"),
    ]

    run(world, [("f.csv", table(head, *rows))], TOP + part("followup", fields))

    found = world.session.scalars(
        sa.select(FollowUp)
        .where(FollowUp.external_ref.is_not(None))
        .order_by(FollowUp.external_ref)
    )
    assert [(one.owner.name, one.at, one.created_at) for one in found] == [
        (
            "office",
            dt.datetime(2019, 3, 1, 2, tzinfo=dt.UTC),
            dt.datetime(2019, 3, 1, 2, tzinfo=dt.UTC),
        ),
        (
            "sales",
            dt.datetime(2018, 2, 28, 16, tzinfo=dt.UTC),
            dt.datetime(2018, 2, 28, 16, tzinfo=dt.UTC),
        ),
    ]
    customer = world.session.scalars(sa.select(Customer).where(Customer.company == "丙公司")).one()
    assert customer.status is CustomerStatus.contacting


def test_a_refund_on_a_contract_of_the_same_run_leans_on_its_payments_alone(small):
    fields = (
        'external_ref = "id"\npaid_on = "day"\namount = "sum"\n'
        'contract_id = { column = "no", by = "external_ref" }'
    )
    how = TOP + CONTRACTS + part("payment", fields, pattern="pa*")
    head, day = ("id", "no", "day", "sum"), "2019-08-01"

    def told(*rows):
        return codes(prepare(small, [("pa.csv", table(head, *rows)), CO], how))

    assert told(("1", "A1", day, "-5"), ("2", "A1", day, "5")) == []
    assert told(("1", "A1", day, "-5")) == [(2, "sum", "BAD_VALUE")]
    assert told(("1", "A1", day, "-5"), ("2", "A1", day, "4")) == [(2, "sum", "BAD_VALUE")]
    assert told(("1", "A2", day, "5")) == [(2, "no", "BAD_VALUE")]
    bad = ("1", "A1", day, "-5"), ("2", "A1", "2099-01-01", "5")
    assert told(*bad) == [(2, "sum", "BAD_VALUE"), (3, "day", "BAD_VALUE")]


def test_tags_are_put_on_records_none_is_taken_off_and_an_undo_puts_back(world):
    how = TOP + part("customer", 'company = "co"\ntags = "tags"', more='keys = ["company"]')

    def bring(*rows):
        return run(world, [("c.csv", table(("co", "tags"), *rows))], how)

    def tags():
        world.session.expire_all()
        found = world.session.scalars(sa.select(Customer).where(Customer.deleted_at.is_(None)))
        return {one.company: [tag.name for tag in one.tags] for one in found}

    bring(("丙公司", "老客户、重点"), ("丁公司", ""))
    plan, jobs = bring(("丙公司", "重点;展会"), ("丁公司", "展会"))

    assert tags() == {"丙公司": ["展会", "老客户", "重点"], "丁公司": ["展会"]}
    assert plan.files[0].counts["customer"] == {"rows": 2, "updated": 2}
    assert bring(("丙公司", "重点"), ("丁公司", ""))[1] == []
    undone(world, jobs)
    assert tags() == {"丙公司": ["老客户", "重点"], "丁公司": []}
    assert codes(prepare(world, [("c.csv", table(("co", "tags"), ("x", "长" * 31)))], how)) == [
        (2, "tags", "BAD_VALUE")
    ]


ISSUED = part(
    "invoice", 'code = "ask"\nnumber = "inv"\nissued_on = "day"\n', more='keys = ["code"]'
)


def test_issued_numbers_come_by_the_number_of_their_request(world):
    contract = world.approved(model=Contract, key=world.contract(world.approved()))
    with world.acting("sales"):
        asked = [world.create(Invoice, contract_id=contract, amount=n).code for n in (1_00, 2_00)]
    rows = [(asked[0], "24312000000012345678", "2026-11-20"), (asked[1], "", "2026-11-20")]

    world.be(SYSTEM)
    run(world, [("inv.csv", table(("ask", "inv", "day"), *rows))], TOP + ISSUED)

    world.be("finance")
    found = world.session.scalars(sa.select(Invoice).order_by(Invoice.id)).all()
    assert [(one.state, one.number) for one in found] == [
        (InvoiceState.issued, "24312000000012345678"),
        (InvoiceState.requested, None),
    ]
