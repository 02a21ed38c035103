"""An order takes its steps from the template of its contract's type; the step line moves them."""

import datetime as dt
import io

import pytest
from flask_babel import force_locale

from models.bulk.batch import ItemState
from models.deals.contract import Contract, ContractType
from models.deals.milestone_template import MilestoneTemplate
from models.deals.order import MilestoneState, Order, OrderMilestone
from services import approval
from services.bulk import edits, jobs, runner
from services.core.days import today
from services.core.errors import Forbidden, Invalid, Locked
from services.deals.order import milestones, opening, template
from services.records import records
from services.rights.actor import load_actor
from services.rights.call import Call
from tests.support import clock
from tests.support.visitors import Doors, Visitors
from tests.support.world import World

DAY, DELIVERED = dt.date(2026, 11, 23), dt.date(2027, 1, 22)
NAMES = ["下单确认", "设计/备料", "生产", "检验", "发货", "安装调试", "验收", "质保"]


def running(world, **values):
    key = world.contract(world.approved(), deliver_on=DELIVERED, **values)
    return world.approved(model=Contract, key=key)


def steps(world, contract):
    world.be("admin")
    (order,) = world.session.query(Order).filter_by(contract_id=contract).all()
    return order.milestones


def test_the_delivering_step_falls_on_the_delivery_date_and_the_rest_lies_around_it(world):
    found = steps(world, running(world))

    assert [one.name for one in found] == NAMES
    assert [one.planned_on for one in found if one.delivers] == [DELIVERED]
    assert found[-1].planned_on == DELIVERED + dt.timedelta(days=10 + 7 + 365)
    assert [one.planned_on for one in found] == sorted(one.planned_on for one in found)
    assert (found[0].state, found[0].done_on) == (MilestoneState.done, DAY)
    assert [one.assignee_id for one in found][:2] == [world.id_of("sales"), None]
    with force_locale("en"):
        assert str(found[4]) == "Shipping"


@pytest.mark.parametrize(
    ("deliver_on", "days"),
    [(None, [0, 7, 9]), (DAY, [0, 0, 2]), (DAY - dt.timedelta(9), [0, 0, 2])],
)
def test_without_a_delivery_date_ahead_steps_follow_each_other(deliver_on, days):
    some = [
        template.TemplateStep("a", "", 1, 0),
        template.TemplateStep("b", "", 1, 7, delivers=True),
        template.TemplateStep("c", "", 1, 2),
    ]

    rows = template.dated(some, DAY, deliver_on)

    assert [(row["planned_on"] - DAY).days for row in rows] == days


def test_a_type_has_its_own_template_which_the_administrator_keeps(world):
    rows = [{"name": "开工", "weight": 3}, {"name": "交底", "weight": 1, "days_after": 5}]
    with world.acting("admin"):
        world.create(MilestoneTemplate, name="服务", contract_type=ContractType.service, steps=rows)

    service, sale = (
        running(world, type=kind) for kind in (ContractType.service, ContractType.sale)
    )

    assert [(one.name, one.weight) for one in steps(world, service)] == [("开工", 3), ("交底", 1)]
    assert len(steps(world, sale)) == len(NAMES)
    for wrong in (
        [],
        [{"name": "空", "weight": 0}],
        [{"name": "", "weight": 1}],
        [{"name": "负", "weight": -1}, {"name": "正", "weight": 2}],
        [{"name": one, "delivers": True} for one in "甲乙"],
    ):
        with pytest.raises(Invalid) as refusal, world.acting("admin"):
            world.create(MilestoneTemplate, name="坏", steps=wrong)
        assert list(refusal.value.errors) == ["steps"]
    with pytest.raises(Forbidden), world.acting("office"):
        world.create(MilestoneTemplate, name="别人", steps=rows)


def test_a_moved_step_takes_the_open_ones_after_it_along(world):
    contract = running(world)
    found = steps(world, contract)
    before, key = [one.planned_on for one in found], found[2].id
    with world.acting("sales"):
        step = world.get(OrderMilestone, key)
        later = {"planned_on": before[2] + dt.timedelta(days=4), "moved_because": "等料"}
        milestones.move(world.call, step, later, seen=step.row_version, along=True)

    after = steps(world, contract)

    moved = [(one.planned_on - was).days for one, was in zip(after, before, strict=True)]
    assert moved == [0, 0, 4, 4, 4, 4, 4, 4]
    assert [one.moved_because for one in after[2:]] == ["等料"] * 6
    assert [one.agreed_on for one in after[2:]] == before[2:]


def test_steps_that_would_be_moved_beyond_any_year_of_a_form_stay(world):
    contract = running(world)
    found = steps(world, contract)
    before, key = [one.planned_on for one in found], found[2].id

    late = {"planned_on": dt.date(2200, 12, 30)}
    with pytest.raises(Invalid) as refusal, world.acting("sales"):
        milestones.move(world.call, world.get(OrderMilestone, key), late, seen=None, along=True)

    assert set(refusal.value.errors) == {"planned_on"}
    assert [one.planned_on for one in steps(world, contract)] == before


def test_a_step_done_before_the_contract_was_signed_is_remarked_at_every_door(world):
    contract = running(world)
    key = steps(world, contract)[1].id
    step = world.get(OrderMilestone, key)
    early, late = ({"done_on": dt.date(*day)} for day in ((2019, 1, 2), (2026, 11, 20)))
    assert [one.field for one in records.warnings(world.call, step, early)] == ["done_on"]
    assert records.warnings(world.call, step, late) == []
    told = {"id": key, "row_version": step.row_version, "verb": "save", "done_on": "2019-01-02"}
    doors, page = Doors(world), f"/admin/contract/details/?id={contract}"

    assert doors.post("sales", "/admin/milestone/step/", told | {"next": page}).status_code == 303

    assert "2019-01-02 早于签订日" in doors.get("sales", page).get_data(as_text=True)


def test_a_further_order_is_opened_by_whose_contract_it_is(world):
    contract = running(world)
    for who, refused in (("sales2", Forbidden), ("finance", Forbidden), ("reviewer", Forbidden)):
        world.be("admin")
        row = world.get(Contract, contract)
        by = load_actor(world.session, world.id_of(who))
        with pytest.raises(refused):
            opening.add(Call(world.session, by, world.now), row, None)
    for who in ("sales", "office"):
        with world.acting(who):
            opening.add(world.call, world.get(Contract, contract), dt.date(2027, 3, 1))
    world.be("admin")

    orders = world.session.query(Order).filter_by(contract_id=contract).order_by(Order.id).all()

    assert [one.code for one in orders] == [f"YAV-DD-20261123-0{n}" for n in (1, 2, 3)]
    assert [one.deliver_on for one in orders][1:] == [dt.date(2027, 3, 1)] * 2
    assert all(len(one.milestones) == len(NAMES) for one in orders)
    draft = world.contract(world.approved())
    with pytest.raises(Locked), world.acting("sales"):
        opening.add(world.call, world.get(Contract, draft), None)


def test_the_step_line_ticks_dates_annotates_and_takes_files_in_place(world):
    contract = running(world)
    first, step = steps(world, contract)[:2]
    key, version, before, confirmed = step.id, step.row_version, step.planned_on, first.id
    doors, page = Doors(world), f"/admin/contract/details/?id={contract}"

    def post(verb, who="sales", **more):
        world.be("admin")
        now = world.get(OrderMilestone, key).row_version
        told = {"id": key, "row_version": now, "verb": verb, "next": page, **more}
        return doors.post(who, "/admin/milestone/step/", told)

    shown = doors.get("sales", page).get_data(as_text=True)
    assert f'data-step="{key}"' in shown
    assert f'data-step="{key}"' not in doors.get("finance", page).get_data(as_text=True)
    assert post("done").headers["Location"] == page
    world.be("admin")
    assert world.get(OrderMilestone, key).done_on == today(clock.now())
    assert post("done", done_on="2031-01-01").status_code == 422
    assert post("undo", note="重做").status_code == 303
    assert post("save", "sales2").status_code == 404
    assert post("save", "finance").status_code == 403
    assert post("nonsense").status_code == 422
    stale = {"id": key, "row_version": version, "verb": "skip"}
    assert doors.post("sales", "/admin/milestone/step/", stale).status_code == 409
    file = {"file": (io.BytesIO(b"%PDF-1.4 drawing"), "图纸.pdf"), "id": key, "next": page}
    kept = doors.post("sales", "/admin/milestone/attach/", file, content_type="multipart/form-data")
    assert kept.headers["Location"] == page
    assert "图纸.pdf" in doors.get("office", page).get_data(as_text=True)
    world.be("admin")
    found = world.get(OrderMilestone, key)
    assert (found.state, found.done_on, found.note) == (MilestoneState.planned, None, "重做")
    assert found.planned_on == before
    assert world.get(OrderMilestone, confirmed).state is MilestoneState.done


def test_a_void_contract_moves_no_step(small):
    contract = running(small)
    key = steps(small, contract)[1].id
    with small.acting("admin"):
        small.get(Contract, contract).state = "void"
    with pytest.raises(Invalid), small.acting("office"):
        records.update(small.call, small.get(OrderMilestone, key), {"note": "x"}, seen=None)


def test_blank_rows_of_the_template_form_are_none_and_begin_with_the_defaults(lite):
    who = Visitors(lite)
    blank = {"steps-new0-delivers": "0", "steps-new0-at_start": "0", "steps-new0-weight": ""}
    row = {"steps-0-name": "开工", "steps-0-weight": "", "steps-0-delivers": "1"}

    page = who.get("admin", "/admin/steptemplate/new/").get_data(as_text=True)
    told = {"name": "短", "active": "1", "steps-sent": "1", **row, **blank}
    made = who.post("admin", "/admin/steptemplate/new/", told)

    assert made.status_code in {302, 303}, made.get_data(as_text=True)
    new = page[page.index('name="steps-new0-delivers"') :]
    assert new[: new.index("</select>")].count('value="0" selected') == 1
    with World(lite) as world:
        found = world.session.query(MilestoneTemplate).filter_by(name="短").one()
        assert [(one.name, one.weight, one.delivers) for one in found.steps] == [("开工", 1, True)]


def test_many_steps_are_ticked_at_once_and_those_of_a_void_contract_stay(small):
    good, gone = running(small), running(small)
    keys = [steps(small, one)[1].id for one in (good, gone)]
    with small.acting("admin"):
        small.get(Contract, gone).state = "void"
    with small.acting("office"):
        task = edits.editing(small.session, OrderMilestone, {"state": MilestoneState.done})
        job = jobs.open_job(small.call, task)
        jobs.add(small.session, job, [(key, None) for key in keys])
        runner.run(small.call, job)
        told = {item.target_id: item.state for item in job.items}

    assert told == {keys[0]: ItemState.done, keys[1]: ItemState.failed}
    assert steps(small, good)[1].done_on == DAY


def test_steps_that_keep_their_own_reason_are_moved_along_with_it(world):
    found = steps(world, running(world))
    key, own, blank = found[2].id, found[4].id, found[5].id
    with world.acting("sales"):
        step = world.get(OrderMilestone, own)
        later = {"planned_on": step.planned_on + dt.timedelta(days=2), "moved_because": "等船"}
        milestones.move(world.call, step, later, seen=None)
    for reason, told in ((None, ["等船", None]), ("等料", ["等船", "等料"])):
        with world.acting("sales"):
            step = world.get(OrderMilestone, key)
            later = {"planned_on": step.planned_on + dt.timedelta(days=3)}
            more = {"moved_because": reason} if reason else {}
            milestones.move(world.call, step, later | more, seen=None, along=True)

        world.be("admin")
        assert [world.get(OrderMilestone, one).moved_because for one in (own, blank)] == told


def test_steps_without_days_between_them_are_spread_up_to_the_delivery_date():
    bare = [template.TemplateStep(name, "", 1, 0, delivers=name == "c") for name in "abcd"]
    alone = [template.TemplateStep("a", "", 1, 0, delivers=True)]

    for some, days in ((bare, [0, 20, 40, 40]), (alone, [40]), (bare[2:], [40, 40])):
        rows = template.dated(some, DAY, DAY + dt.timedelta(days=40))
        assert [(row["planned_on"] - DAY).days for row in rows] == days


def test_a_step_stays_with_its_order_and_none_is_added_to_a_void_contract(world):
    contract, other = running(world), running(world)
    step, foreign = steps(world, contract)[2].id, steps(world, other)[0].order_id
    mine = steps(world, contract)[2].order_id

    told = {"order_id": foreign}
    with pytest.raises(Invalid) as refusal, world.acting("sales"):
        records.update(world.call, world.get(OrderMilestone, step), told, seen=None)
    assert set(refusal.value.errors) == {"order_id"}
    with world.acting("sales"):
        asked = approval.ask_void(world.call, world.get(Contract, contract), reason="取消").id
    world.decided(asked)
    with pytest.raises(Invalid) as refusal, world.acting("office"):
        world.create(OrderMilestone, order_id=mine, name="补货", ordinal=9)
    assert set(refusal.value.errors) == {"state"}
