"""Each content is kept once, before its row is; what nobody points at goes, nothing else does."""

import datetime as dt
import os
import stat

import pytest

from jobs import schedules
from models.delivery.attachment import Attachment
from models.rights.audit import AuditAction, AuditLog
from services.delivery import attachment
from services.delivery.filestore import GRACE, Store, StoreDown
from tests.support import clock
from tests.support.uploads import PDF, PNG, Desk
from tests.support.world import World


def contents(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.name != "lock")


def age(folder, by=GRACE * 2):
    for path in folder.rglob("*"):
        old = (clock.now() - by).timestamp()
        os.utime(path, (old, old))


def test_the_same_content_is_stored_once_for_two_records_readable_by_us_alone(app, records, folder):
    desk = Desk(app, "sales")
    desk.attach("contract", records["contract"], "合同.pdf")
    desk.attach("customer", records["customer"], "同一份.pdf")

    (digest,) = contents(folder)
    path = Store(folder).path(digest)

    assert path.read_bytes() == PDF
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_worker_drops_what_nobody_points_at_and_spares_what_is_young(lite, few, folder):
    desk, store = Desk(lite, "sales"), Store(folder)
    desk.attach("contract", few["contract"], "合同.pdf")
    orphan = store.put(PNG)
    young = schedules.files(lite)
    age(folder)
    again = store.put(PNG)  # an upload of the same content makes it young
    spared = schedules.files(lite)
    age(folder)

    assert (young, spared, schedules.files(lite)) == (0, 0, 1)
    assert again == orphan
    assert len(contents(folder)) == 1
    assert orphan not in contents(folder)


def test_a_removed_file_s_bytes_stay_for_the_days_of_the_setting(app, records, folder):
    desk = Desk(app, "sales")
    desk.attach("contract", records["contract"])
    with World(app) as world:
        key = world.session.query(Attachment.id).scalar()
    desk.detach("contract", key)
    age(folder)
    schedules.files(app)
    kept = contents(folder)
    with World(app) as world:
        later = clock.now() + dt.timedelta(days=31)
        purged = attachment.purge(world.session, now=later)
        world.session.commit()
    schedules.files(app)

    assert len(kept) == 1
    assert purged == 1
    assert contents(folder) == []


def test_lost_bytes_are_told_and_not_audited_as_a_download(lite, few, folder):
    desk = Desk(lite, "sales")
    desk.attach("contract", few["contract"])
    for path in folder.glob("??/*"):
        path.unlink()
    with World(lite) as world:
        key = world.session.query(Attachment.id).scalar()

    answer = desk.download("contract", key)

    assert answer.status_code == 404
    assert "内容已丢失" in answer.get_data(as_text=True)
    with World(lite) as world:
        actions = {row.action for row in world.session.query(AuditLog).filter_by(noun="attachment")}
    assert AuditAction.export not in actions


def test_a_folder_that_cannot_be_written_is_a_503_and_leaves_no_row(lite, few, folder):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")

    answer = Desk(lite, "sales").attach("contract", few["contract"])

    assert answer.status_code == 503
    with World(lite) as world:
        assert world.session.query(Attachment).count() == 0


def test_the_store_itself_says_so_too(tmp_path):
    (tmp_path / "files").write_text("")

    with pytest.raises(StoreDown):
        Store(tmp_path / "files").put(PDF)
