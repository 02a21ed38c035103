"""Only what the allow-list names and the content confirms comes in; a refusal leaves nothing."""

import pytest
import sqlalchemy as sa

from models.core.setting import Setting
from services.core.errors import Invalid
from services.core.settings import save_settings
from services.delivery.filetypes import clean_name, mime_of
from tests.support.uploads import BAD, GOOD, PDF, Desk
from tests.support.world import World, dump


@pytest.mark.parametrize("name", GOOD)
def test_files_people_work_with_are_taken(name):
    assert "/" in mime_of(clean_name(name), GOOD[name])


@pytest.mark.parametrize("what", BAD)
def test_what_could_run_or_lies_about_itself_is_refused(what):
    name, content = BAD[what]

    with pytest.raises(Invalid) as refusal:
        mime_of(clean_name(name), content)

    assert str(refusal.value.errors["file"])


def test_a_path_in_a_name_is_only_its_last_part():
    for given in ("../../etc/合同.pdf", "C:\\Users\\王\\合同.pdf", "/合同.pdf", " 合同.pdf. "):
        assert clean_name(given) == "合同.pdf"


def test_a_zip_bomb_is_refused_by_its_table_without_unpacking():
    table = bytearray(GOOD["资料.zip"])
    at = table.rindex(b"PK\x01\x02")  # the size of the last member, as its table tells it
    table[at + 24 : at + 28] = (2**31).to_bytes(4, "little")

    with pytest.raises(Invalid):
        mime_of("a.zip", bytes(table))


def test_refused_uploads_say_why_next_to_the_field_and_leave_nothing(lite, few, folder):
    desk, before = Desk(lite, "sales"), dump(lite)
    wrong = []
    for what, (name, content) in BAD.items():
        answer = desk.attach("contract", few["contract"], name, content)
        page = answer.get_data(as_text=True)
        if answer.status_code != 422 or 'id="file-err"' not in page or "供货合同" not in page:
            wrong.append((what, answer.status_code))

    assert wrong == []
    assert dump(lite) == before
    assert not folder.exists()


def test_what_is_too_large_gets_413_next_to_the_field(lite, few, folder):
    with World(lite) as world, world.acting("admin"):
        save_settings(world.session, {"attachment.max_mb": "1"})
    desk = Desk(lite, "sales")
    most = 1024 * 1024

    exact = desk.attach("contract", few["contract"], content=PDF.ljust(most))
    above = desk.attach("contract", few["contract"], content=PDF.ljust(most + 1))
    page = above.get_data(as_text=True)

    assert exact.status_code == 303
    assert above.status_code == 413
    assert "文件超过上限 1 MB" in page.split('id="file-err"')[1][:60]
    assert len([p for p in folder.rglob("*") if p.is_file() and p.name != "lock"]) == 1


def test_far_too_much_is_a_413_before_anything_is_read(lite, few):
    desk = Desk(lite, "sales")

    answer = desk.client.post(
        "/admin/contract/attach/",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(10**9)},
    )

    assert answer.status_code == 413
    assert "上传的内容太大" in answer.get_data(as_text=True)


def test_the_limit_follows_the_setting_and_is_twenty_megabytes_without_one(small):
    small.be("admin")
    save_settings(small.session, {"attachment.max_mb": "3"})
    found = small.session.scalar(sa.select(Setting.value).where(Setting.key == "attachment.max_mb"))

    assert found == 3
    with pytest.raises(Invalid):
        save_settings(small.session, {"attachment.max_mb": "51"})
