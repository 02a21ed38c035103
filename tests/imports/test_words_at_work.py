"""Normal exports of other systems come in: references by key, returns, bad cells, rows to skip."""

import re

import pytest
import sqlalchemy as sa

from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.payment import Payment
from models.sales.opportunity import Opportunity
from services.core.errors import Forbidden
from tests.support.imports import codes, prepare, run, table
from tests.support.office import Office
from tests.support.world import World

TOP = 'source = "old"\napproval = "approved"\n'


def part(entity, fields, *, pattern="*", file="", more='keys = ["external_ref"]', lines=""):
    head = f'[[files]]\npattern = "{pattern}"\n{file}\n' if pattern else ""
    entity = f'[[files.entities]]\nentity = "{entity}"\n{more}\n'
    return f"{head}{entity}[files.entities.fields]\n{fields}\n{lines}"


CUSTOMERS = part(
    "customer", 'external_ref = "cid"\ncompany = "company"\n"primary.mobile" = "tel"', pattern="cu*"
)
CONTRACTS = part(
    "contract",
    'external_ref = "no"\nname = "no"\nsigned_on = "day"\namount = "sum"\n'
    'customer_id = { column = "cid", by = "external_ref" }',
    pattern="co*",
)
PAYMENTS = part(
    "payment",
    'external_ref = "id"\npaid_on = "day"\n'
    'contract_id = { column = "no", by = "external_ref" }\n'
    'amount = [ { column = "sum", negate = true, when = { kind = "R*" } }, "sum" ]',
    pattern="pa*",
    more='keys = ["external_ref"]\nskip = [ { kind = "VOID" }, { sum = "" } ]',
)
HOW = TOP + CUSTOMERS + CONTRACTS + PAYMENTS
CU = (
    "cu.csv",
    table(("cid", "company", "tel"), ("K1", "丙公司", "13800138000"), ("K2", "丁公司", "")),
)
CO = (
    "co.csv",
    table(
        ("no", "cid", "day", "sum"),
        ("A1", "K1", "2019-07-04", "100"),
        ("A2", "K2", "2020-01-02", "7"),
    ),
)
PA = (
    "pa.csv",
    table(
        ("id", "no", "day", "kind", "sum"),
        ("1", "A1", "2019-08-01", "RETURN", "30.50"),
        ("2", "A1", "2019-07-05", "PAY", "100"),
        ("3", "A2", "2020-02-02", "void", "5"),
        ("4", "A2", "2020-02-03", "PAY", ""),
    ),
)


def stored(world, model, *keys):
    world.session.expire_all()
    return [
        tuple(getattr(one, key) for key in keys)
        for one in world.session.scalars(sa.select(model).order_by(model.id))
    ]


@pytest.mark.parametrize("together", [True, False])
def test_records_are_referred_to_by_their_foreign_numbers(world, together):
    if together:
        plan, _jobs = run(world, [PA, CO, CU], HOW)
    else:
        run(world, [CU], HOW)
        run(world, [CO], HOW)
        plan, _jobs = run(world, [PA], HOW)

    found = world.session.scalars(sa.select(Contract).order_by(Contract.external_ref))
    assert [(c.external_ref, c.customer.company) for c in found] == [
        ("old:A1", "丙公司"),
        ("old:A2", "丁公司"),
    ]
    assert sorted(stored(world, Payment, "amount")) == [(-30_50,), (100_00,)]
    file = plan.files[0]
    assert file.counts["payment"] == {"rows": 4, "created": 2, "skipped": 2}
    assert file.totals["payment"]["sum"] == {"read": "135.50", "written": "130.50", "skipped": "5"}
    left = [str(p.reason) for p in file.problems if p.code == "SKIPPED"]
    assert left == ["按列对应跳过 2 行（第 4、5 行等） sum Σ 5"]
    assert run(world, [PA, CO, CU], HOW)[1] == []


def test_a_reference_by_a_key_that_nobody_has_keeps_the_row_out(small):
    rows = table(("no", "cid", "day", "sum"), ("A1", "K9", "2019-07-04", "1"))
    plan = prepare(small, [("co.csv", rows)], HOW)

    assert codes(plan) == [(2, "cid", "NOT_FOUND")]
    assert "外部编号" in str(plan.files[0].fatal[0].reason)


def test_other_keys_lead_to_a_record_too(small):
    run(small, [CU], HOW)
    code = small.session.scalar(sa.select(Customer.code).where(Customer.company == "丁公司"))
    for by, text, company in (
        ("primary.mobile", "138 0013 8000", "丙公司"),
        ("code", code, "丁公司"),
        ("company", "丁公司", "丁公司"),
    ):
        fields = (
            f'external_ref = "no"\nname = "no"\ncustomer_id = {{ column = "cid", by = "{by}" }}'
        )
        how = TOP + part("contract", fields)
        run(small, [("x.csv", table(("no", "cid"), (by, text)))], how)
        found = small.session.scalars(
            sa.select(Contract).where(Contract.external_ref == f"old:{by}")
        )
        assert [one.customer.company for one in found] == [company]
    people = 'external_ref = "no"\nname = "no"\nstage_id = { value = "初步接触" }\n'
    people += 'owner_id = { column = "who", by = "email" }'
    how = TOP + part("opportunity", people)
    run(small, [("x.csv", table(("no", "who"), ("1", "Sales@Demo.tcos.cn")))], how)
    owners = small.session.scalars(sa.select(Opportunity)).all()
    assert [one.owner.name for one in owners] == ["sales"]


def test_a_number_only_some_may_see_leads_nowhere_for_others(small):
    fields = (
        'external_ref = "no"\nname = "no"\ncustomer_id = { column = "cid", by = "primary.mobile" }'
    )
    small.be("sales")
    with pytest.raises(Forbidden):
        prepare(small, [("x.csv", table(("no", "cid"), ("1", "2")))], part("contract", fields))


@pytest.mark.parametrize(
    ("mode", "region", "told"),
    [("first", "中国", "country"), ("last", "日本", "country"), ("same", None, "country")],
)
def test_which_of_two_values_holds_is_said_by_the_mapping(small, mode, region, told):
    fields = 'external_ref = "cid"\ncompany = "cid"\nremark = "country"\nowner_id = "who"'
    how = TOP + part("customer", fields, more=f'keys = ["external_ref"]\ndistinct = "{mode}"')
    rows = [("K1", "中国", "sales"), ("K1", "", ""), ("K1", "日本", "sales2")]
    file = ("a.csv", table(("cid", "country", "who"), *rows))

    plan = prepare(small, [file], how)

    if region is None:
        assert codes(plan) == [(4, told, "KEY_TWICE")]
        assert "country" in str(plan.files[0].fatal[0].reason)
        return
    assert codes(plan) == []
    run(small, [file], how)
    assert stored(small, Customer, "remark") == [(region,)]
    assert small.session.scalars(sa.select(Customer)).one().owner.name == (
        "sales" if mode == "first" else "sales2"
    )
    differs = [p.column for p in plan.files[0].problems if p.code == "DIFFERS"]
    assert differs == ["country", "who"]
    assert run(small, [file], how)[1] == []


def test_one_bad_optional_cell_stays_blank_or_goes_into_the_remark(small):
    fields = (
        'external_ref = "cid"\ncompany = "cid"\nremark = "note"\n'
        '"primary.mobile" = { column = "tel", invalid = "remark", country = "DE" }\n'
        '"primary.email" = { column = "mail", invalid = "blank" }\n'
        'owner_id = { column = "who", invalid = "remark" }'
    )
    how = TOP + part("customer", fields, file='blank = ["NULL", "n/a"]')
    head = ("cid", "note", "tel", "mail", "who")
    rows = [
        ("K1", "老客户", "none", "x", "nobody"),
        ("K2", "NULL", "030 90141820", "a@b.de", "sales"),
        ("K3", "N/A", "0049 30 90141820", "null", "NULL"),
    ]
    file = ("a.csv", table(head, *rows))

    plan, _jobs = run(small, [file], how)

    assert stored(small, Customer, "external_ref", "remark") == [
        ("old:K1", "老客户；手机：none；亚为销售员：nobody"),
        ("old:K2", None),
        ("old:K3", None),
    ]
    assert stored(small, Contact, "mobile", "email") == [
        ("+493090141820", "a@b.de"), ("+493090141820", None),
    ]  # fmt: skip
    told = [(p.column, str(p.reason)) for p in plan.files[0].problems if p.code == "LEFT_BLANK"]
    assert [column for column, _reason in told] == ["tel", "mail", "who"]
    assert "（共 1 行，如第 2 行「none」）" in told[0][1]
    assert run(small, [file], how)[1] == []


def test_rows_of_one_number_add_up_where_the_mapping_says_so(world):
    run(world, [CU, CO], HOW)
    fields = (
        'external_ref = "id"\npaid_on = "day"\n'
        'contract_id = { column = "no", by = "external_ref" }\n'
        'amount = { column = "sum", sum = true }'
    )
    how = TOP + part("payment", fields)
    head = ("id", "no", "day", "sum")
    day = ("A1", "2019-07-05")
    rows = [("P1", *day, "10"), ("P2", *day, "1"), ("P1", *day, "20.5"), ("P1", *day, "10")]

    plan, _jobs = run(world, [("a.csv", table(head, *rows))], how)

    assert sorted(stored(world, Payment, "amount")) == [(1_00,), (40_50,)]
    assert plan.files[0].totals["payment"]["sum"] == {"read": "41.5", "written": "41.5"}
    rows[3] = ("P1", *day, "x")
    plan = prepare(world, [("a.csv", table(head, *[(f"Q{r[0]}", *r[1:]) for r in rows]))], how)
    assert {(line, code) for line, _c, code in codes(plan)} == {
        (2, "TOGETHER"), (4, "TOGETHER"), (5, "BAD_VALUE"),
    }  # fmt: skip


def test_a_contact_is_told_apart_by_customer_and_name(world):
    run(world, [CU], HOW)
    fields = 'name = "n"\ntitle = "t"\ncustomer_id = { column = "cid", by = "external_ref" }'
    how = TOP + part("contact", fields, more='keys = [["customer_id", "name"]]')
    head = ("cid", "n", "t")
    first = table(head, ("K1", "张三", "经理"), ("K2", "张三", "厂长"))
    run(world, [("a.csv", first)], how)

    plan, _jobs = run(
        world, [("a.csv", table(head, ("K1", "张三", "总监"), ("K1", "李四", "")))], how
    )

    assert plan.files[0].counts["contact"] == {"rows": 2, "updated": 1, "created": 1}
    people = world.session.scalars(sa.select(Contact).where(Contact.name.is_not(None)))
    assert sorted((c.customer.company, c.name, c.title) for c in people) == [
        ("丁公司", "张三", "厂长"),
        ("丙公司", "张三", "总监"),
        ("丙公司", "李四", None),
    ]
    names = part(
        "contact",
        'name = "n"\ntitle = "t"\ncustomer_id = "cid"',
        more='keys = [["customer_id", "name"]]',
    )
    twice = table(head, ("丙公司", "王五", "a"), (" 丙 公司", "王五", "b"))
    assert codes(prepare(world, [("a.csv", twice)], TOP + names)) == [(3, "cid", "KEY_TWICE")]


def test_two_rules_for_one_entity_share_the_rows_of_a_file(small):
    run(small, [CU, CO], HOW)
    fields = (
        'paid_on = "day"\namount = "sum"\ncontract_id = { column = "no", by = "external_ref" }\n'
    )
    taken = 'keys = ["external_ref"]\nonly = { sum = "%s" }'
    money = part("payment", fields + 'external_ref = { template = "in {id}" }', more=taken % ">0")
    back = part(
        "payment",
        fields + 'external_ref = { template = "out {id}" }',
        pattern="",
        more=taken % "<0",
    )
    day = ("A1", "2019-08-01")
    rows = [("1", *day, "50"), ("1", *day, "-20"), ("2", *day, "0"), ("3", *day, "abc")]

    plan, _jobs = run(
        small, [("a.csv", table(("id", "no", "day", "sum"), *rows))], TOP + money + back
    )

    assert sorted(stored(small, Payment, "amount")) == [(-20_00,), (50_00,)]
    file = plan.files[0]
    assert file.counts["payment"] == {"rows": 4, "created": 2, "skipped": 2}
    assert file.totals["payment"]["sum"] == {"read": "30", "written": "30"}


def test_what_is_made_of_a_foreign_number_keeps_it(small):
    fields = (
        'external_ref = "no"\nname = "no"\nsigned_on = { value = "2019-01-01" }\n'
        'customer_id = { column = "cid", by = "external_ref", create = true }'
    )
    lines = '[files.entities.lines.lines]\nquantity = "q"\nprice = "pr"\n'
    lines += 'product_id = { column = "p", by = "external_ref", create = true }\n'
    head = ("no", "cid", "p", "q", "pr")
    rows = [("1", "K1", "P1", "1", "2"), ("1", "", "P2", "2", "3"), ("2", "K1", "P1", "1", "1")]
    made = [("a.csv", table(head, *rows))], TOP + part("contract", fields, lines=lines)

    run(small, *made)

    assert stored(small, Customer, "external_ref", "company") == [("old:K1", "K1")]
    assert run(small, *made)[1] == []
    run(small, [CU], HOW)
    assert stored(small, Customer, "external_ref", "company")[0] == ("old:K1", "丙公司")


def test_the_page_of_a_run_tells_every_entity_and_every_sum(lite):
    how = TOP + part("customer", 'company = "co"', more='keys = ["company"]\ndistinct = true')
    fields = 'external_ref = "no"\nname = "no"\ncustomer_id = "co"\namount = "sum"'
    how += part("contract", fields, pattern="")
    with World(lite) as world:
        rows = table(("no", "co", "sum"), ("1", "丙公司", "7.5"), ("2", "丙公司", "2"))
        _plan, jobs = run(world, [("a.csv", rows)], how)
        key = jobs[0].id

    page = Office(lite, "admin").page(f"/admin/import/job/?id={key}")

    text = "".join(re.sub("<[^>]+>", "", page).split())
    assert "客户·共2行：新建1" in text
    assert "sum合计9.5：写入9.5" in text


def test_a_word_that_is_no_choice_is_told_with_the_choices(small):
    fields = 'company = "co"\nlevel = "level"\nsource_id = "source"\nindustry_id = "industry"'
    rows = table(("co", "level", "source", "industry"), ("丙公司", "甲", "乙", "丁"))

    plan = prepare(small, [("a.csv", rows)], TOP + part("customer", fields, more=""))

    told = {p.column: str(p.reason) for p in plan.files[0].fatal}
    assert told["level"].startswith("「甲」不在选项中，可以填：A级")
    assert "、" in told["source"]
    assert told["industry"] == "「丁」不在选项中"  # too many to name


def test_a_contact_is_told_again_by_its_foreign_number(small):
    run(small, [CU], HOW)
    fields = (
        'external_ref = "id"\nname = "n"\ncustomer_id = { column = "cid", by = "external_ref" }'
    )
    how, head = TOP + part("contact", fields), ("id", "cid", "n")
    run(small, [("a.csv", table(head, ("P1", "K1", "张三")))], how)

    plan, _jobs = run(small, [("a.csv", table(head, ("P1", "K2", "张三丰")))], how)

    assert plan.files[0].counts["contact"] == {"rows": 1, "updated": 1}
    found = small.session.scalars(sa.select(Contact).where(Contact.external_ref == "old:P1")).one()
    assert (found.name, found.customer.company) == ("张三丰", "丁公司")
