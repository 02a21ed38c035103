"""The same file once more, and our own exports: nothing is made a second time without a word."""

import sqlalchemy as sa

from models.customers.contact import Contact
from models.deals.order import Order
from models.sales.follow_up import FollowUp
from tests.support.imports import codes, run, table
from tests.support.office import Office
from tests.support.world import World

TALKS = table(
    ("跟进时间", "客户", "跟进方式", "跟进内容"),
    ("2026-11-01 10:00", "武汉长江机械", "电话", "报价"),
)
BY_MAPPING = """
approval = "approved"
[[files]]
[[files.entities]]
entity = "contract"
[files.entities.fields]
name = "n"
customer_id = "co"
"""


def number_of(app, model):
    with World(app) as world:
        return world.session.scalar(sa.select(sa.func.count()).select_from(model))


def test_a_file_that_is_in_already_says_so_before_it_makes_its_records_again(app):
    with World(app) as world:
        world.approved("sales", company="武汉长江机械")
    office, before = Office(app, "admin"), number_of(app, FollowUp)

    first = office.upload(TALKS, noun="followup", name="跟踪.csv")
    assert "已导入过的文件" not in office.check(first, approval="draft")
    assert office.run(first).status_code == 303
    again = office.upload(TALKS, noun="followup", name="又一次.csv")

    page = office.check(again, approval="draft")
    assert "已导入过的文件" in page
    assert f"导入记录 {first}" in page
    assert "这次会再新建 1 条" in page
    assert office.run(again).status_code == 303  # it is said, and may be meant
    assert number_of(app, FollowUp) == before + 2

    for job in (again, first):
        assert office.post("undo", id=str(job)).status_code == 303
    third = office.upload(TALKS, noun="followup", name="跟踪.csv")
    assert "已导入过的文件" not in office.check(third, approval="draft")


def test_the_command_says_so_too_and_a_file_with_keys_has_nothing_to_say(app):
    file = ("a.csv", table(("n", "co"), ("老合同", "武汉长江机械")))
    keyed = BY_MAPPING.replace(
        "[files.entities.fields]", 'keys = ["name"]\n[files.entities.fields]'
    )
    told = []
    with World(app) as world:
        world.approved("sales", company="武汉长江机械")
    with World(app) as world, world.acting("admin"):
        for how in (BY_MAPPING, BY_MAPPING, keyed):
            plan, _jobs = run(world, [file], how, partial=True)
            told.append([p.code for p in plan.files[0].problems if p.code == "SAME_FILE"])

    assert told == [[], ["SAME_FILE"], []]


def test_contacts_are_told_again_by_their_customer_and_name(app):
    with World(app) as world:
        key = world.approved("sales", company="武汉长江机械")
        with world.acting("admin"):
            world.session.add(Contact(customer_id=key, name="李四", mobile="13800138111"))
    office, before = Office(app, "admin"), number_of(app, Contact)
    rows = [("客户", "联系人", "手机"), ("武汉长江机械 ", "李四", "13800138222"),
            ("武汉长江机械", "赵六", "13800138333")]  # fmt: skip

    job = office.upload(table(*rows), noun="contact", name="联系人.csv")
    page = office.check(job, approval="draft", key="customer_id+name")

    assert '<option value="customer_id+name" selected>客户 + 联系人</option>' in page
    assert "新建 1 · 更新 1" in " ".join(page.split())
    assert office.run(job).status_code == 303
    assert number_of(app, Contact) == before + 1
    with World(app) as world:
        query = sa.select(Contact.mobile).where(Contact.name == "李四")
        assert list(world.session.scalars(query)) == ["13800138222"]
    text = office.page(f"/admin/import/mapping/?id={job}")
    assert 'keys = [["customer_id", "name"]]' in text


CONTRACTS = """
approval = "approved"
[[files]]
pattern = "contract*"
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
name = "n"
customer_id = "co"
state = { value = "active" }
signed_on = { value = "2026-03-01" }
amount = { value = "100" }
[[files]]
pattern = "order*"
[[files.entities]]
entity = "order"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
contract_id = { column = "contract", BY }
remark = "remark"
"""
BY_NUMBER = CONTRACTS.replace("BY }", 'by = "external_ref" }')
BY_NAME = CONTRACTS.replace(", BY }", " }")


def test_a_name_that_several_have_is_the_one_a_known_record_points_at(app):
    contracts = table(("no", "n", "co"), *((f"K{n}", "同名合同", "武汉长江机械") for n in (1, 2)))
    orders = table(("no", "contract", "remark"), ("D1", "K1", ""), ("D2", "K2", ""))
    named = table(
        ("no", "contract", "remark"), ("D1", "同名合同", "急"), ("D2", "同名合同", ""),
        ("D3", "同名合同", ""), ("D1x", "K9", ""),
    )  # fmt: skip
    with World(app) as world:
        world.approved("sales", company="武汉长江机械")
    with World(app) as world, world.acting("admin"):
        run(world, [("contracts.csv", contracts), ("orders.csv", orders)], BY_NUMBER)
        before = world.session.execute(sa.select(Order.external_ref, Order.contract_id)).all()

        plan, _jobs = run(world, [("orders.csv", named)], BY_NAME, partial=True)

        assert codes(plan) == [(4, "contract", "NOT_FOUND"), (5, "contract", "NOT_FOUND")]
        counts = plan.files[0].counts["order"]
        assert (counts["updated"], counts["unchanged"], counts["failed"]) == (1, 1, 2)
        after = world.session.execute(sa.select(Order.external_ref, Order.contract_id)).all()
        assert sorted(after) == sorted(before)
        query = sa.select(Order.remark).where(Order.external_ref == "D1")
        assert world.session.scalar(query) == "急"
