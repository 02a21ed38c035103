"""Import by forms alone: template, upload, columns, dry run, run, one approval batch, undo."""

import io

import openpyxl
import pytest
import sqlalchemy as sa

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask
from models.bulk.batch import BatchJob, ItemState
from models.core.mixins import Approval
from models.customers.contact import Contact
from models.customers.customer import Customer, Level
from models.importing.import_job import ImportJob, ImportProblem, ImportState
from models.people.role import Role
from models.people.user import User
from services.importing.choice import guessing
from services.importing.file.aliases import ALIASES, plain
from tests.support.imports import counts, sheet, table
from tests.support.office import Office
from tests.support.world import World

HEAD = ("客户单位", "亚为销售员", "联系人", "手机", "省/市/区", "渠道说明")


def row(n, mobile=""):
    mobile = mobile or f"138{n:08}"
    return (f"武汉第{n}机械有限公司", "sales", "王伟", mobile, "湖北省武汉市洪山区", "展会")


@pytest.fixture
def office(app):
    return Office(app)


def test_columns_are_guessed_and_the_guess_can_be_changed(office):
    job = office.upload(table(HEAD, row(1)))

    assert list(office.chosen(job).values()) == [
        "company", "owner_id", "primary.name", "primary.mobile", "region_code", "",
    ]  # fmt: skip
    page = office.check(job, **{"column-5": "source_id"})
    assert office.chosen(job)["column-5"] == "source_id"
    assert "新建 1" in page
    assert office.customers() == []


@pytest.mark.parametrize(
    ("noun", "guessed"),
    [
        (
            "customer",
            {
                "公司名称 / 客户名称": "company",
                "等级": "level",
                "来源": "source_id",
                "状态": "status",
                "业务员／负责人": "owner_id",
                "省 市 区": "region_code",
                "手机号/电话": "primary.mobile",
                "qq": "primary.qq",
                "某列": None,
            },
        ),
        ("customer", {"电话": "primary.landline", "手机": "primary.mobile"}),
        ("customer", {"销售员": "owner_id", "负责人": None}),
        ("contract", {"客户名称": "customer_id", "销售员": "owner_id", "状态": "state"}),
        ("department", {"部门": "name", "负责人": "head_id"}),
    ],
)
def test_heads_of_other_tables_are_guessed_and_an_exact_name_goes_first(app, noun, guessed):
    with app.test_request_context():
        found = guessing.guess(noun, list(guessed))

    assert found == {column: key for column, key in guessed.items() if key}


@pytest.mark.parametrize("noun", sorted(ALIASES))
def test_an_alias_names_a_field_of_its_entity_and_is_spelt_plainly(noun):
    fields = guessing.fields_of(noun)

    assert all(head == plain(head) for head in ALIASES[noun])
    assert {key for keys in ALIASES[noun].values() for key in keys} <= fields.keys()


def test_imported_rows_are_submitted_as_one_approval_batch(office):
    job = office.upload(table(HEAD, *(row(n) for n in range(3))))
    office.check(job)

    assert office.run(job).status_code == 303

    with World(office.app) as world:
        found = world.session.scalars(sa.select(ImportJob)).one()
        batch = world.session.get(BatchJob, found.batch_id)
        assert [item.state for item in batch.items] == [ItemState.done] * 3
        assert (found.state, found.content) == (ImportState.done, None)
        made = list(world.session.scalars(sa.select(Customer)))
        assert {one.approval for one in made} == {Approval.pending}
        assert {one.created_by.name for one in made} == {"office"}
        assert {one.owner.name for one in made} == {"sales"}
        assert all(one.code for one in made)
        assert world.session.scalar(sa.select(sa.func.count(ApprovalTask.id))) >= 3


def test_a_bad_row_stops_everything_until_it_is_mended_or_left_out(office):
    job = office.upload(table(HEAD, row(1), row(2, mobile="12")))
    page = office.check(job)
    assert "失败 1" in page
    assert "值不对" in page

    refused = office.run(job)
    assert refused.status_code == 422
    assert office.customers() == []

    answer = office.visitors.get("office", f"/admin/import/errors/?id={job}")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    page = book.worksheets[0]
    assert [c.value for c in page[1]] == [*HEAD, "错误", "原因", "建议"]
    page.cell(2, 4).value = "13900139000"
    buffer = io.BytesIO()
    book.save(buffer)
    again = office.upload(buffer.getvalue(), name="改好.xlsx")
    office.check(again)
    assert office.run(again).status_code == 303
    assert len(office.customers()) == 2


def test_a_partial_run_keeps_only_the_bad_rows_for_mending(office):
    job = office.upload(table(HEAD, row(1), row(2, mobile="12")))
    office.check(job)

    assert office.run(job, partial="1").status_code == 303

    assert len(office.customers()) == 1
    answer = office.visitors.get("office", f"/admin/import/errors/?id={job}")
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0].values)
    assert [r[0] for r in rows[1:]] == ["武汉第2机械有限公司"]


def test_a_key_updates_or_skips_and_controlled_fields_ask_for_approval(office):
    with World(office.app) as world:
        key = world.approved("sales", company="武汉第1机械有限公司")
        code = world.get(Customer, key).code
    head = ("客户编号", "客户单位", "详细地址", "备注")
    asked = office.upload(table(head, (code, "武汉第1机械有限公司", "珞喻路1号", "重点")))
    assert "更新 1" in office.check(asked, key="code")
    assert office.run(asked).status_code == 303
    page = office.visitors.get("office", f"/admin/import/job/?id={asked}").text
    assert "成为变更申请" in page  # or its reader looks in vain for what the file says
    assert [(c.street, c.remark) for c in office.customers()] == [(None, "重点")]
    with World(office.app) as world:
        request = ApprovalRequest
        query = sa.select(request.action, request.state).order_by(request.id.desc()).limit(1)
        found = world.session.execute(query).one()
    assert tuple(found) == (FlowAction.change, Approval.pending)

    free = office.upload(table((head[0], head[3]), (code, "好客户")))
    assert "更新 1" in office.check(free, key="code")
    assert office.run(free).status_code == 303
    assert [c.remark for c in office.customers()] == ["好客户"]
    same = office.upload(table((head[0], head[3]), (code, "好客户")))
    assert "不变 1" in office.check(same, key="code")


def test_an_import_can_be_undone_while_nobody_touched_its_rows(office):
    job = office.upload(table(HEAD, row(1), row(2)))
    office.check(job)
    office.run(job)

    assert office.post("undo", id=str(job)).status_code == 303

    assert [c.deleted_at is not None for c in office.customers()] == [True, True]
    assert "已撤销" in office.page(f"/admin/import/job/?id={job}")
    again = office.upload(table(HEAD, row(1), row(2)))
    office.check(again)
    assert office.run(again).status_code == 303


def test_an_update_is_undone_to_what_it_was(office):
    with World(office.app) as world:
        key = world.customer("office", company="武汉第1机械有限公司", remark="旧", level=Level.b)
    head = ("客户单位", "备注", "客户等级")
    job = office.upload(table(head, ("武汉第1机械有限公司", "新", "a")))
    office.check(job, key="company")
    office.run(job)
    assert [(c.remark, c.level) for c in office.customers()] == [("新", Level.a)]

    assert office.post("undo", id=str(job)).status_code == 303

    assert [(c.id, c.remark, c.level) for c in office.customers()] == [(key, "旧", Level.b)]


def test_a_touched_import_is_not_undone(office):
    job = office.upload(table(HEAD, row(1)))
    office.check(job, approval="draft")
    office.run(job)
    with World(office.app) as world, world.acting("office"):
        world.session.scalars(sa.select(Customer)).one().remark = "改过"
    before = counts(office.app)

    assert office.post("undo", id=str(job)).status_code == 409

    assert counts(office.app) == before
    assert [c.deleted_at for c in office.customers()] == [None]


def test_the_template_is_guessed_whole(office):
    answer = office.visitors.get("office", "/admin/import/template/?noun=customer")
    head = next(openpyxl.load_workbook(io.BytesIO(answer.data)).active.values)

    job = office.upload(sheet(head, ["x"] * len(head)), name="模板.xlsx")

    assert all(office.chosen(job).values())
    assert "客户单位*" in head
    assert "没有读取" not in office.page(f"/admin/import/job/?id={job}")


def test_every_choice_a_template_offers_is_read(office):
    answer = office.visitors.get("office", "/admin/import/template/?noun=customer")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    found, head = book.active, [cell.value for cell in book.active[1]]
    lists = {}
    for rule in found.data_validations.dataValidation:
        column = str(rule.sqref).split(":")[0].rstrip("0123456789")
        _sheet, place = rule.formula1.split("!")
        offered = [cell.value for (cell,) in book["choices"][place.replace("$", "")]]
        lists[head[openpyxl.utils.column_index_from_string(column) - 1].rstrip("*")] = offered
    assert {"客户等级", "客户类别", "行业", "客户来源", "亚为销售员"} <= lists.keys()
    assert lists["客户等级"][0].startswith("A级")
    for n in range(max(map(len, lists.values()))):
        offered = [lists.get(caption.rstrip("*"), [""]) for caption in head]
        said = [texts[n % len(texts)] for texts in offered]
        said[head.index("客户单位*")] = f"武汉第{n}机械有限公司"
        found.append(said)
    buffer = io.BytesIO()
    book.save(buffer)

    job = office.upload(buffer.getvalue(), name="模板.xlsx")
    office.check(job, approval="draft")

    with World(office.app) as world:
        told = world.session.scalars(sa.select(ImportProblem).where(ImportProblem.fatal)).all()
        assert [(p.line, p.column, p.value, p.reason) for p in told] == []


def test_contacts_and_products_come_in_at_once(office):
    with World(office.app) as world:
        key = world.approved("sales", company="武汉第1机械有限公司")
    job = office.upload(
        table(("客户", "联系人", "手机"), ("武汉第1机械有限公司", "李丽", "13900139000")),
        noun="contact",
    )
    office.check(job, approval="draft")
    assert office.run(job).status_code == 303
    with World(office.app) as world:
        made = world.session.scalars(
            sa.select(Contact).where(Contact.customer_id == key, ~Contact.is_primary)
        ).one()
        assert made.name == "李丽"


def test_bad_uploads_and_choices_are_refused_and_nothing_is_kept(office):
    office.page("/admin/import/")  # logging in leaves its trace
    before = counts(office.app)

    tries = [
        office.post("upload", noun="customer"),
        office.post("upload", noun="role", file=(io.BytesIO(b"a\n1"), "a.csv")),
        office.post("upload", noun="user", file=(io.BytesIO(b"a\n1"), "a.csv")),
        office.post("upload", noun="customer", file=(io.BytesIO(b"\x00"), "a.csv")),
        office.post("run", id="999"),
        office.post("check", id="1" + "0" * 21),
    ]

    assert [answer.status_code for answer in tries] == [422, 404, 403, 422, 404, 404]
    assert counts(office.app) == before


def test_a_strangers_upload_cannot_be_run(office):
    job = office.upload(table(HEAD, row(1)))
    office.check(job)
    with World(office.app) as world, world.acting("admin"):
        analyst = world.session.get_one(User, world.id_of("analyst"))
        role = world.session.scalars(sa.select(Role).where(Role.name == "office")).one()
        analyst.roles.append(role)
    stranger = Office(office.app, "analyst")

    assert stranger.run(job).status_code == 403
    assert office.customers() == []


def test_a_dry_run_tells_of_duplicates_in_the_file_and_out_of_sight_masked(office):
    with World(office.app) as world:
        world.approved(
            "sales2", company="武汉光谷精工机械有限公司", **{"primary.mobile": "13912345678"}
        )
    lines = [
        ("武汉市光谷精工机械公司", *row(1)[1:]),
        row(2, mobile="139 1234 5678"),
        row(3, mobile="13700137000"),
        row(3, mobile="13700137000"),
    ]
    manager = Office(office.app, "manager")
    with World(office.app) as world, world.acting("admin"):
        role = world.session.scalars(sa.select(Role).where(Role.name == "manager")).one()
        role.permissions = [*role.permissions, "customer:import"]

    job = manager.upload(table(HEAD, *lines))
    page = manager.check(job)

    with World(office.app) as world:
        told = world.session.scalars(sa.select(ImportProblem).order_by(ImportProblem.id))
        found = [(one.line, one.code, one.fatal, one.reason) for one in told if one.line]
    assert found == [
        (2, "DUPLICATE", True, "与「武汉****公司」的客户单位相同（sales2，已通过）"),
        (3, "DUPLICATE", True, "与「武汉****公司」的手机相同（sales2，已通过）"),
        (5, "DUPLICATE", True, "与第 4 行的客户单位相同"),
        (5, "DUPLICATE", True, "与第 4 行的手机相同"),
    ]
    assert "失败 3" in page
    exact = manager.upload(table(HEAD, ("武汉光谷精工机械有限公司", *row(1)[1:])))
    page = manager.check(exact, key="company")
    assert "已存在而不能更新" in page
    assert "与「武汉****公司」的客户单位相同（sales2，已通过）" in page
    noted = (*HEAD, "重复说明")
    again = office.upload(table(noted, (*lines[0], "独立法人")))
    assert "新建 1" in office.check(again)
