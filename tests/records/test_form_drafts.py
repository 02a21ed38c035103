"""Drafts on the server: whole, for one person on any machine, gone when saved or old."""

import datetime as dt
import io
import json
import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs import schedules
from models.core.base import db
from models.customers.customer import Customer
from models.people.user import User
from models.records.form_draft import DraftFile, FormDraft
from models.rights.audit import AuditLog
from services.core.errors import Invalid
from services.delivery.filestore import Store
from services.records import drafts
from services.records.drafts import ChosenFile, DraftPlace
from services.rights.call import Call
from tests.support import clock
from tests.support.uploads import PDF
from tests.support.visitors import AJAX, Visitors
from views.form import draft_doors

DOOR = "/admin/draft/"
NEW = "/admin/customer/new/"
TEXTS = [
    ["company", "武汉楚江机电有限公司"], ["lines-new101-price", "1360.00"], ["tag", "a"],
    ["tag", "b"], ["remark", "两行\n𠮷 <b> ' \" \\ \u202d"], ["blank", ""],
]  # fmt: skip


def keep(found, who, data, *, form=NEW, tab="t1", **more):
    content = json.dumps({"data": data, "kept": []})
    return found.post(who, DOOR, {"form": form, "tab": tab, "content": content} | more)


def offered(found, who, *forms):
    answer = found.get(who, DOOR, query_string={"form": forms or [NEW]})
    assert answer.status_code == 200
    return answer.json["drafts"]


def count(app, model):
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(model)).scalar_one()


def test_what_was_typed_comes_back_as_it_was_to_its_person_alone_on_any_machine(app):
    found, elsewhere = Visitors(app), Visitors(app)
    assert keep(found, "sales", [["company", "楚"]]).status_code == 200
    assert keep(found, "sales", TEXTS).status_code == 200
    keep(found, "sales", [["company", "另一个窗口"]], tab="t2")
    keep(found, "sales", [["content", "谈妥了"]], form="followup-c1")

    second, first = offered(elsewhere, "sales")
    assert (first["data"], first["form"], first["tab"]) == (TEXTS, NEW, "t1")
    assert second["data"] == [["company", "另一个窗口"]]
    assert [one["form"] for one in offered(elsewhere, "sales", "followup-c1", "x")] == [
        "followup-c1"
    ]
    for other in ("sales2", "manager", "admin"):
        assert offered(elsewhere, other) == []
        found.post(other, DOOR + "discard/", {"form": NEW, "tab": "t1"})
    assert len(offered(found, "sales")) == 2
    found.post("sales", DOOR + "discard/", {"form": NEW, "tab": "t2"})
    assert [one["tab"] for one in offered(found, "sales")] == ["t1"]
    with app.app_context(), db.engine.connect() as connection:
        traced = set(connection.execute(sa.select(AuditLog.__table__.c.noun)).scalars())
    assert traced.isdisjoint({"formdraft", "draftfile"})


def test_a_visitor_and_somebody_else_in_the_same_browser_are_refused(app):
    found = Visitors(app)
    with app.app_context(), db.engine.connect() as connection:
        other = connection.execute(
            sa.select(User.__table__.c.id).where(User.__table__.c.email.like("sales2@%"))
        ).scalar_one()

    assert keep(found, None, TEXTS).status_code in {302, 401}
    out = found.get(None, DOOR, query_string={"form": NEW}, headers=AJAX)
    assert (out.status_code, "login" in out.json) == (401, True)
    assert keep(found, "sales", TEXTS, typed_by=str(other)).status_code == 409
    assert found.client("sales").post(DOOR, data={"form": NEW, "tab": "t"}).status_code == 400
    assert count(app, FormDraft) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"form": ""}, {"form": "x" * 201}, {"tab": ""}, {"tab": "x" * 41}, {"form": "a\x00b"},
        {"content": ""}, {"content": "[]"}, {"content": '{"data": [["a"]], "kept": []}'},
        {"content": '{"data": [["a", 1]], "kept": []}'}, {"content": "[" * 9999},
        {"content": json.dumps({"data": [["a", "x" * draft_doors.MOST]], "kept": []})},
    ],
    ids=str,
)  # fmt: skip
def test_what_no_page_sends_is_refused(lite, wrong):
    found = Visitors(lite)
    given = {"form": NEW, "tab": "t", "content": '{"data": [], "kept": []}'} | wrong

    assert found.post("sales", DOOR, given).status_code == 422
    assert count(lite, FormDraft) == 0


def test_no_password_is_kept_and_odd_signs_are(app):
    found = Visitors(app)
    odd = [["a", "\x00\ud800"], ["current", "x"], ["new_password", "x"], ["again", "x"]]

    assert keep(found, "sales", odd).status_code == 200
    assert [pair[0] for pair in offered(found, "sales")[0]["data"]] == ["a"]


def test_a_draft_goes_with_the_save_and_stays_with_a_refusal(app):
    found = Visitors(app)
    keep(found, "sales", TEXTS)
    keep(found, "sales2", TEXTS)
    with app.app_context(), db.engine.connect() as connection:
        of = dict(connection.execute(sa.select(User.__table__.c.email, User.__table__.c.id)).all())
    key = f"draft:{of['sales@demo.tcos.cn']}:{NEW}:t1"
    form = {"company": "楚江", "draft": key}

    assert found.post("sales", NEW, form | {"company": "", "_submit": "1"}).status_code == 422
    assert len(offered(found, "sales")) == 1
    stranger = form | {"company": "另一家", "_save": "1"}
    assert found.post("sales2", NEW, stranger).status_code == 303
    assert len(offered(found, "sales2")) == len(offered(found, "sales")) == 1
    assert found.post("sales", NEW, form | {"_save": "1"}).status_code == 303
    assert offered(found, "sales") == []
    assert count(app, Customer) == 2


def test_a_chosen_file_is_kept_until_its_draft_goes(app, tmp_path):
    app.config["TCOS_ATTACHMENT_DIR"] = str(tmp_path)
    found = Visitors(app)

    def send(*files, field="files"):
        given = {"form": NEW, "tab": "t1", "field": field}
        streams = [(io.BytesIO(content), name) for name, content in files]
        return found.post("sales", DOOR + "files/", given | {"files": streams})

    assert send(("a.pdf", PDF), ("b.pdf", PDF + b"\n")).status_code == 200
    assert send(("合同.pdf", PDF)).status_code == 200
    assert send(("说明.txt", "文字".encode()), field="file").status_code == 200
    assert send(("x.exe", b"MZ")).status_code == 422
    keep(found, "sales", TEXTS)
    (draft,) = offered(found, "sales")
    names = [(one["field"], one["name"]) for one in draft["files"]]
    assert names == [("files", "合同.pdf"), ("file", "说明.txt")]
    door = f"{DOOR}file/?id={draft['files'][0]['id']}"
    assert found.get("sales", door).data == PDF
    assert found.get("admin", door).status_code == 404

    old = (clock.now() - dt.timedelta(days=1)).timestamp()
    for path in tmp_path.glob("??/*"):
        os.utime(path, (old, old))
    with app.app_context():
        kept = schedules.attachment.digests(db.session())
        assert Store(Path(tmp_path)).sweep(kept, now=clock.now()) == 1
        db.session.rollback()
    found.post("sales", DOOR + "discard/", {"form": NEW, "tab": "t1"})
    assert found.get("sales", door).status_code == 404
    assert count(app, DraftFile) == 0


def test_after_thirty_days_or_above_the_limits_drafts_go(world, monkeypatch):
    now, actor = clock.now(), world.be("sales")

    def call(days=0):
        return Call(world.session, actor, now - dt.timedelta(days=days))

    content = {"data": TEXTS, "kept": []}
    file = ChosenFile("a.pdf", 5, "application/pdf", "0" * 64)
    for days in (31, 30, 29):
        place = DraftPlace(NEW, f"t{days}")
        drafts.save(call(days), place, content)
        drafts.choose(call(days), place, "files", [file])
    assert [one["tab"] for one in drafts.found(call(), [NEW])] == ["t29"]
    world.session.commit()
    assert schedules.prune(world.app) == 2
    assert world.session.scalar(sa.select(sa.func.count()).select_from(DraftFile.__table__)) == 1

    monkeypatch.setattr(drafts, "MOST_BYTES", 9)
    with pytest.raises(Invalid):
        drafts.choose(call(), DraftPlace(NEW, "t"), "files", [file])
    monkeypatch.setattr(drafts, "MOST", 2)
    for n in range(3):
        drafts.save(call(), DraftPlace(NEW, f"n{n}"), content)
    assert [one["tab"] for one in drafts.found(call(), [NEW])] == ["n2", "n1"]
