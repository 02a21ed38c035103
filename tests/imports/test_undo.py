"""Every run can be undone, whoever ran it and by whichever door; what changed since is named."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.order import Order
from models.deals.payment import Payment
from models.importing.import_job import ImportJob, ImportProblem, ImportState
from models.people.role import Role
from models.people.user import User
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from models.sales.stage import StageHistory
from services.importing.back.undo import undo
from services.importing.run import staging, worker
from services.records import records
from tests.imports.test_lines import A1, bring, contracts
from tests.support.imports import run, table
from tests.support.office import Office
from tests.support.world import World

State = ImportState
MONEY = """approval = "approved"
source = "x"
[[files]]
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
distinct = true
[files.entities.fields]
external_ref = "no"
name = "no"
customer_id = {column = "co", create = true}
signed_on = "day"
amount = "sum"
[[files.entities]]
entity = "payment"
keys = ["external_ref"]
fields = {external_ref = "no", contract_id = "no", paid_on = "day", amount = "sum"}
"""


def by_command(app, n=1):
    """Import contracts with their money as the system; return the key of the job."""
    rows = [(f"A{k}", f"公司{k}", "2020-01-02", "100") for k in range(n)]
    with World(app) as world:
        _plan, jobs = run(world, [("a.csv", table(("no", "co", "day", "sum"), *rows))], MONEY)
        return jobs[0].id


def state(app, key):
    with World(app) as world:
        return world.session.get_one(ImportJob, key).state


def work(app, key):
    """Do what the worker does until nothing is left."""
    done = False
    while not done:
        with World(app) as world:
            turn = world.session.get_one(ImportJob, key).options["turn"]
            done = worker.work(world.session, job_id=key, turn=turn, now=world.now)
            world.session.commit()


def left(app, model):
    with World(app) as world:
        alive = sa.select(sa.func.count(model.id)).where(model.deleted_at.is_(None))
        return world.session.scalar(alive)


def test_a_run_by_command_whose_last_entity_is_money_is_seen_and_undone_by_admin(app):
    key = by_command(app)
    admin = Office(app, "admin")

    assert f"/admin/import/job/?id={key}" in admin.page("/admin/import/")
    assert admin.visitors.get("admin", f"/admin/import/job/?id={key}").status_code == 200
    for who in ("finance", "sales"):
        assert admin.visitors.get(who, f"/admin/import/job/?id={key}").status_code in {403, 404}
    assert admin.post("undo", id=str(key)).status_code == 303

    assert state(app, key) is State.undone
    assert [left(app, one) for one in (Contract, Payment, Customer)] == [0, 0, 0]


def test_a_large_run_by_command_is_undone_by_the_worker_for_who_asked(app):
    key = by_command(app, n=staging.PIECE // 2)
    admin = Office(app, "admin")

    assert admin.post("undo", id=str(key)).status_code == 303
    assert state(app, key) is State.returning
    work(app, key)

    assert state(app, key) is State.undone
    assert left(app, Contract) == left(app, Order) == 0


def test_an_undo_nobody_may_finish_leaves_the_job_imported_and_says_why(lite):
    key = by_command(lite, n=staging.PIECE // 2)
    Office(lite, "admin").post("undo", id=str(key))
    with World(lite) as world:
        admin = world.session.scalars(sa.select(Role).where(Role.name == "admin")).one()
        manager = world.session.get_one(User, world.id_of("manager"))
        manager.roles.append(admin)
        world.session.flush()  # the last administrator stays
        world.session.get_one(User, world.id_of("admin")).active = False
        world.session.commit()

    work(lite, key)

    assert state(lite, key) is State.done
    with World(lite) as world:
        told = world.session.scalars(sa.select(ImportProblem.reason)).all()
        assert any("已停用" in reason for reason in told)
        assert left(lite, Contract) == staging.PIECE // 2


def test_the_command_lists_and_undoes_in_pieces(app):
    key = by_command(app, n=staging.PIECE)
    runner = app.test_cli_runner()

    listed = runner.invoke(args=["import-undo"])
    nobody = runner.invoke(args=["import-undo", str(key), "--as", "finance@demo.tcos.cn"])
    done = runner.invoke(args=["import-undo", str(key)])
    again = runner.invoke(args=["import-undo", str(key)])

    assert f"{key}  " in listed.output
    assert (nobody.exit_code, done.exit_code, again.exit_code) == (1, 0, 1), done.output
    assert state(app, key) is State.undone
    assert left(app, Contract) == left(app, Payment) == 0


def test_what_was_changed_since_is_named_and_stays_and_the_rest_goes(app):
    key = by_command(app, n=3)
    with World(app) as world:
        one = world.session.scalars(sa.select(Contract)).first()
        with_changes = {"remark": "人工补充"}
        records.update(world.call, one, with_changes, seen=one.row_version)
        world.session.commit()
    admin = Office(app, "admin")

    refused = admin.post("undo", id=str(key))
    assert refused.status_code == 409
    assert "A0" in refused.get_data(as_text=True)
    assert left(app, Contract) == 3

    assert admin.post("undo", id=str(key), rest="1").status_code == 303
    page = admin.page(f"/admin/import/job/?id={key}")
    assert "没有撤销" in page
    assert "A0" in page
    # the contract that stays keeps its customer, and nothing else stays
    assert (left(app, Contract), left(app, Customer)) == (1, 1)
    assert state(app, key) is State.done


def test_a_contact_written_since_keeps_its_customer(lite):
    key = by_command(lite)
    with World(lite) as world:
        customer = world.session.scalars(sa.select(Customer)).one()
        world.now += dt.timedelta(hours=1)
        world.session.info["now"] = world.now
        world.create(Contact, customer_id=customer.id, name="新联系人", mobile="13900139000")
        world.session.commit()

    assert Office(lite, "admin").post("undo", id=str(key)).status_code == 409


@pytest.mark.parametrize("moved", [True, False])
def test_changed_lines_money_and_references_are_put_back(world, moved):
    bring(world, (*A1, "泵", "1", "100"), ("B1", "丙公司", "2020-01-01", "阀", "1", "7"))
    before = contracts(world)
    row = ("A1", "丁公司" if moved else "", "", "阀", "2", "25")
    _plan, jobs = bring(world, row, ("B1", "", "", "阀", "1", "9"))
    assert contracts(world)["A1"][1] == 150_00
    assert contracts(world)["A1"][0] == ("丁公司" if moved else "甲公司")

    job = world.session.get_one(ImportJob, jobs[0].id)
    undo(world.call, job)
    world.session.commit()

    assert contracts(world) == before
    assert job.state is State.undone


def test_a_stage_that_moved_is_put_back_with_what_follows_from_it(small):
    text = """approval = "approved"
[[files]]
[[files.entities]]
entity = "opportunity"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "id"
name = "id"
customer_id = {column = "co", create = true}
stage_id = "stage"
closed_on = "on"
"""
    head = ("id", "co", "stage", "on")

    def facts():
        deal = small.session.scalars(sa.select(Opportunity)).one()
        small.session.refresh(deal)
        history = small.session.scalar(sa.select(sa.func.count(StageHistory.id)))
        return deal.stage.label, deal.state, deal.closed_on, deal.probability, history

    run(small, [("a.csv", table(head, ("1", "甲公司", "初步接触", "")))], text)
    before = facts()
    _plan, jobs = run(small, [("a.csv", table(head, ("1", "", "赢单", "2020-01-01")))], text)
    assert facts() != before

    job = small.session.get_one(ImportJob, jobs[0].id)
    undo(small.call, job)
    small.session.commit()

    assert facts() == before


def test_a_file_taken_back_can_be_brought_again_whatever_its_key(world):
    how = """approval = "approved"
[[files]]
[[files.entities]]
entity = "customer"
keys = ["company"]
fields = {company = "co"}
"""
    files = [("a.csv", table(("co",), ("甲公司",), ("乙公司",)))]
    for _again in range(2):
        plan, jobs = run(world, files, how)
        assert plan.files[0].counts["customer"] == {"rows": 2, "created": 2}
        job = world.session.get_one(ImportJob, jobs[0].id)
        undo(world.call, job)
        world.session.commit()

    plan, _jobs = run(world, files, how)
    assert plan.files[0].counts["customer"] == {"rows": 2, "created": 2}
    plan, jobs = run(world, files, how)
    assert (plan.files[0].counts["customer"], jobs) == ({"rows": 2, "unchanged": 2}, [])


def test_people_and_products_that_only_taken_back_records_name_go_with_them(world):
    how = """approval = "approved"
source = "x"
[[files]]
[[files.entities]]
entity = "user"
keys = ["email"]
distinct = true
fields = {email = "mail", name = "mail"}
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
name = "no"
customer_id = {column = "co", create = true}
owner_id = {column = "mail", by = "email"}
signed_on = "day"
[files.entities.lines.lines]
product_id = {column = "item", create = true}
price = "sum"
"""
    head = ("no", "co", "mail", "item", "day", "sum")
    rows = [("A1", "甲公司", "jia@example.com", "泵", "2020-01-02", "100")]
    rows += [("A1", "甲公司", "jia@example.com", "阀", "2020-01-02", "50")]
    people = sa.select(sa.func.count(User.id))
    products = sa.select(sa.func.count(Product.id))
    before = [world.session.scalar(query) for query in (people, products)]
    for _again in range(2):
        plan, jobs = run(world, [("a.csv", table(head, *rows))], how)
        assert plan.files[0].counts["contract"]["created"] == 1
        undo(world.call, world.session.get_one(ImportJob, jobs[0].id))
        world.session.commit()

        assert [world.session.scalar(query) for query in (people, products)] == before
        assert all(one.deleted_at for one in world.session.scalars(sa.select(Contract)))
