"""What stands beside a decision or a comment: remarks on single fields, files; for ever."""

import io

import pytest
import sqlalchemy as sa

from models.approval.file import ApprovalFile
from models.approval.request import ApprovalEvent, ApprovalRequest
from models.core.base import db
from models.customers.customer import Customer
from services import approval
from services.approval.request.annotations import Beside
from services.core.errors import Invalid
from services.delivery import attachment
from services.records import records
from tests.approval.flows import act, events
from tests.support.visitors import Visitors
from tests.support.world import World

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture(autouse=True)
def folder(app, tmp_path):
    app.config["TCOS_ATTACHMENT_DIR"] = str(tmp_path / "files")
    return tmp_path / "files"


@pytest.fixture
def asked(app):
    """Return (record, request, version seen) of a submission."""
    with World(app) as world:
        key, request = world.submitted(company="宜昌水泵")
        return key, request, world.get(ApprovalRequest, request).seen_version


def pdf(name="执照.pdf", content=PDF):
    return (io.BytesIO(content), name)


def rows(app, table):
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(sa.select(table).order_by(table.c.id)).all()


def files(app):
    return rows(app, ApprovalFile.__table__)


def test_files_of_a_comment_are_listed_and_served_to_whoever_sees_the_request(app, asked):
    _key, request, _seen = asked
    visitors = Visitors(app)

    said = visitors.post(
        "sales",
        "/admin/request/comment/",
        {"id": request, "comment": "附上执照", "file": [pdf(), pdf("产线.pdf")]},
    )
    assert said.status_code == 303
    page = visitors.get("reviewer", f"/admin/request/?id={request}").text
    first = files(app)[0]
    assert "执照.pdf" in page
    assert "产线.pdf" in page
    assert f"/admin/request/file/?id={first.id}" in page

    given = visitors.get("reviewer", f"/admin/request/file/?id={first.id}")
    assert given.data == PDF
    assert given.headers["X-Content-Type-Options"] == "nosniff"
    assert given.headers["Content-Disposition"].startswith("attachment")
    assert visitors.get("admin", f"/admin/request/file/?id={first.id}").status_code == 200
    assert visitors.get("sales2", f"/admin/request/file/?id={first.id}").status_code == 404
    assert visitors.get("analyst", f"/admin/request/file/?id={first.id}").status_code == 403


def test_whoever_sees_a_record_sees_every_round_of_it_with_its_files(app):
    with World(app) as world:
        key = world.approved("sales", company="宜昌阀门")
        with world.acting("office"):
            record = world.get(Customer, key)
            records.update(world.call, record, {"company": "宜昌阀门厂"}, seen=record.row_version)
            (request,) = approval.changes_asked(world.session)
    visitors = Visitors(app)
    data = {"id": request, "comment": "营业执照已更名", "file": [pdf("更名.pdf")]}
    assert visitors.post("office", "/admin/request/comment/", data).status_code == 303
    file = f"/admin/request/file/?id={files(app)[0].id}"

    for who in ("sales", "manager", "office"):
        for page in ("details/?", "360/?tab=approvals&"):
            text = visitors.get(who, f"/admin/customer/{page}id={key}").text
            assert "营业执照已更名" in text, (who, page)
            assert text.count('<div class="round">') == 2, (who, page)
            assert (f"/admin/request/?id={request}" in text) == (who == "office"), (who, page)
        assert visitors.get(who, file).data == PDF
    assert visitors.get("sales2", f"/admin/customer/360/?id={key}&tab=approvals").status_code == 404
    assert visitors.get("sales2", file).status_code == 404
    # The request's own page stays with those who have to do with it.
    assert visitors.get("sales", f"/admin/request/?id={request}").status_code == 404


def test_a_file_alone_is_a_comment_and_nothing_at_all_is_none(app, asked):
    _key, request, _seen = asked
    visitors = Visitors(app)
    address = "/admin/request/comment/"

    alone = visitors.post("sales", address, {"id": request, "file": pdf()})
    nothing = visitors.post("sales", address, {"id": request, "comment": " "})

    assert alone.status_code == 303
    assert nothing.status_code == 422
    assert "请填写意见" in nothing.text


@pytest.mark.parametrize(
    "upload",
    [
        pytest.param(("x.html", b"<script>alert(1)</script>"), id="type"),
        pytest.param(("x.pdf", b"<script>alert(1)</script>"), id="content"),
        pytest.param(("x.pdf", b""), id="empty"),
    ],
)
def test_a_refused_file_is_told_beside_its_field_and_nothing_is_written(app, asked, upload):
    _key, request, _seen = asked
    before = rows(app, ApprovalEvent.__table__)

    said = Visitors(app).post(
        "sales",
        "/admin/request/comment/",
        {"id": request, "comment": "写了很久的话", "file": pdf(*upload)},
    )

    assert said.status_code == 422
    assert "say-file-err" in said.text
    assert "写了很久的话" in said.text
    assert rows(app, ApprovalEvent.__table__) == before
    assert files(app) == []


def test_more_than_five_files_are_refused(app, asked):
    _key, request, _seen = asked

    said = Visitors(app).post(
        "sales",
        "/admin/request/comment/",
        {"id": request, "comment": "很多", "file": [pdf(f"{n}.pdf") for n in range(6)]},
    )

    assert said.status_code == 422
    assert files(app) == []


def test_nobody_fills_the_store_through_a_request_he_does_not_see(app, asked, folder):
    _key, request, _seen = asked

    said = Visitors(app).post(
        "sales2", "/admin/request/comment/", {"id": request, "comment": "嘿", "file": pdf()}
    )

    assert said.status_code == 404
    assert not list(folder.glob("??/*"))


@pytest.mark.parametrize("verb", ["approve", "reject", "give_back"])
def test_a_decision_takes_files(app, asked, verb):
    _key, request, seen = asked

    done = Visitors(app).post(
        "reviewer",
        "/admin/inbox/decide/",
        {"id": request, "seen": seen, "verb": verb, "comment": "见附件", "file": pdf("意见.pdf")},
    )

    assert done.status_code == 303
    assert [f.name for f in files(app)] == ["意见.pdf"]


def test_files_and_remarks_are_only_added(app, asked):
    _key, request, _seen = asked
    Visitors(app).post("sales", "/admin/request/comment/", {"id": request, "file": pdf()})
    table, event = ApprovalFile.__table__, ApprovalEvent.__table__

    for statement in (
        sa.update(table).values(name="别的.pdf"),
        sa.delete(table),
        sa.update(event).values(remarks={"company": "改了"}),
    ):
        with app.app_context(), pytest.raises(sa.exc.DBAPIError), db.engine.begin() as link:
            link.execute(statement)


def test_the_sweep_spares_what_an_event_points_at(app, asked):
    _key, request, _seen = asked
    Visitors(app).post("sales", "/admin/request/comment/", {"id": request, "file": pdf()})

    with World(app) as world:
        kept = attachment.digests(world.session)
    assert kept == {files(app)[0].sha256}


def test_remarks_stand_beside_the_fields_where_the_submitter_mends_them(app, asked):
    key, request, seen = asked
    visitors = Visitors(app)

    done = visitors.post(
        "reviewer",
        "/admin/inbox/decide/",
        {
            "id": request,
            "seen": seen,
            "verb": "reject",
            "comment": "资料不全",
            "note-company": "请写全称",
            "note-primary.email": "请补邮箱",
            "note-street": " ",
        },
    )
    assert done.status_code == 303
    event = rows(app, ApprovalEvent.__table__)[-1]
    assert event.remarks == {"company": "请写全称", "primary.email": "请补邮箱"}

    form = visitors.get("sales", f"/admin/customer/edit/?id={key}").text
    company = form.index('name="company"')
    assert company < form.index("请写全称") < form.index("<label", company)
    assert "请补邮箱" in form
    page = visitors.get("sales", f"/admin/request/?id={request}").text
    assert page.count("请写全称") == 2  # beside the field, and in the round
    assert page.count("请补邮箱") == 2


def test_remarks_alone_are_reason_enough_to_say_no(world):
    _key, request = world.submitted()
    seen = world.get(ApprovalRequest, request).seen_version
    given = Beside({"company": "请写全称"})

    act(world, "reviewer", "decide", request, seen=seen, verb="reject", comment="", beside=given)

    found = world.get(ApprovalRequest, request)
    assert found.last_comment == "客户单位：请写全称"
    assert events(world, request) == ["submit", "reject"]


@pytest.mark.parametrize(
    ("verb", "remarks", "field"),
    [
        ("reject", {"approval": "通过吧"}, "note-approval"),
        ("reject", {"nothing": "x"}, "note-nothing"),
        ("reject", {"company": "长" * 201}, "note-company"),
        ("reject", {"company": "a\x00b"}, "note-company"),
        ("approve", {"company": "请写全称"}, "note-company"),
    ],
)
def test_a_remark_that_cannot_be_is_refused_by_its_field(world, verb, remarks, field):
    _key, request = world.submitted()
    seen = world.get(ApprovalRequest, request).seen_version
    world.session.rollback()

    with pytest.raises(Invalid) as problem, world.acting("reviewer"):
        approval.decide(
            world.call, request, seen=seen, verb=verb, comment="不行", beside=Beside(remarks)
        )

    assert list(problem.value.errors) == [field]
    assert events(world, request) == ["submit"]


def test_only_the_last_no_is_shown_where_one_mends_and_every_round_keeps_its_own(app, asked):
    key, request, seen = asked
    visitors = Visitors(app)
    no = {"verb": "reject", "comment": "不行"}
    visitors.post(
        "reviewer",
        "/admin/inbox/decide/",
        {**no, "id": request, "seen": seen, "note-company": "请写全称"},
    )
    with World(app) as world:
        _key, again = world.submitted(key=key)
        seen = world.get(ApprovalRequest, again).seen_version
    visitors.post(
        "reviewer",
        "/admin/inbox/decide/",
        {**no, "id": again, "seen": seen, "verb": "give_back", "note-street": "门牌号呢"},
    )

    form = visitors.get("sales", f"/admin/customer/edit/?id={key}").text
    assert "门牌号呢" in form
    assert "请写全称" not in form
    assert "请写全称" in visitors.get("sales", f"/admin/customer/details/?id={key}").text


def test_the_remarks_on_a_refused_change_stand_in_the_form_of_the_record(app):
    with World(app) as world:
        key = world.approved(company="旧名公司")
        world.be("sales")
        version = world.get(Customer, key).row_version
    visitors = Visitors(app)
    visitors.post(
        "sales", f"/admin/customer/edit/?id={key}", {"company": "新名公司", "row_version": version}
    )
    request = rows(app, ApprovalRequest.__table__)[-1]

    done = visitors.post(
        "reviewer",
        "/admin/inbox/decide/",
        {
            "id": request.id,
            "seen": request.seen_version,
            "verb": "reject",
            "note-company": "请附工商变更通知",
        },
    )

    assert done.status_code == 303
    assert "请附工商变更通知" in visitors.get("sales", f"/admin/customer/edit/?id={key}").text
