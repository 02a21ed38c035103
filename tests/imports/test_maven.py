"""A foreign CRM's data come in by a mapping, and the cockpit says what the files say."""

import os
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from dashboards.core import query
from dashboards.summaries import opportunity_groups
from models.approval.request import ApprovalCopy, ApprovalRequest, RequestOrigin
from models.approval.task import ApprovalTask
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.importing.import_job import ImportJob, ImportProblem
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from models.sales.stage import StageKind
from services.rights.actor import SYSTEM
from tests.support.apps import behind
from tests.support.imports import counts, run
from tests.support.world import World, seed_people

ROOT = Path(__file__).resolve().parents[2]
GIVEN = os.environ.get("TCOS_TEST_MAVEN")
FOLDER = Path(GIVEN) if GIVEN else ROOT.parent / "shared" / "data" / "maven-crm"
NAMES = ("sales_teams.csv", "products.csv", "accounts.csv", "sales_pipeline.csv")
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="the Maven data are not beside the project (../shared/data/maven-crm)",
)
HOW = "maven-crm.toml"
PERIODS = [("2016-10-01", "2017-12-31"), ("2017-04-01", "2017-06-30"), ("2017-01-01", "2017-03-31")]


def files():
    return [(name, (FOLDER / name).read_bytes()) for name in NAMES]


def seed_maven(engine):
    """People and reference data, then the four files: imported once, copied for every test."""
    seed_people(engine)
    with behind(engine) as app, World(app) as world:
        run(world, files(), HOW)


@pytest.fixture(params=["sqlite", "postgres"])
def imported(request, databases):
    with databases.lent(request.param, seed_maven) as app, World(app) as world:
        query_ = sa.select(ImportJob).order_by(ImportJob.id)
        world.jobs = list(world.session.scalars(query_))
        yield world


def deals():
    """Return the pipeline straight from the files, dirt put right by hand."""
    found = pd.read_csv(FOLDER / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"])
    teams = pd.read_csv(FOLDER / "sales_teams.csv")
    found["product"] = found["product"].replace("GTXPro", "GTX Pro")
    found = found.merge(teams, on="sales_agent", how="left", validate="many_to_one")
    closed = found["close_date"]
    found["quarter"] = (
        closed.dt.year.astype("Int64").astype(str)
        + "-Q"
        + closed.dt.quarter.astype("Int64").astype(str)
    )
    return found


def expected(by, start, end):
    """Return label → (won value in 分, won, closed) of deals closed in a period."""
    found = deals()
    inside = found[(found["close_date"] >= start) & (found["close_date"] <= end)]
    column = {"owner": "sales_agent", "department": "regional_office"}.get(by, by)
    result = {}
    for label, group in inside.groupby(column):
        won = group[group["deal_stage"] == "Won"]
        result[label] = (round(won["close_value"].sum() * 100), len(won), len(group))
    return result


def cockpit(world, by, start, end):
    """Return the same from the cockpit's 商机汇总."""
    choices = query.SummaryOptions(
        grains=tuple(opportunity_groups.BY),
        sorts=lambda grain: [
            f"{s}{c.key}" for c in opportunity_groups.columns(grain) for s in ("", "-")
        ],
        default_sort=opportunity_groups.default_sort,
        dates=("closed", "created", "expected"),
    )
    args = {"by": [by], "from": [start], "to": [end], "date": ["closed"]}
    asked = query.parse(args, choices, now=world.now)
    rows = opportunity_groups.rows(world.session, SYSTEM, asked).to_dict("records")
    return {r["label"]: (int(r["won_amount"]), int(r["won"]), int(r["closed"])) for r in rows}


@pytest.mark.parametrize("by", ["owner", "department", "product", "quarter"])
def test_won_value_and_win_rate_equal_a_recomputation_from_the_files(imported, by):
    for start, end in PERIODS:
        found = cockpit(imported, by, start, end)

        assert found == expected(by, start, end)
        assert sum(won for won, _n, _k in found.values()) > 0


def test_every_row_is_accounted_for_and_nothing_is_dropped(imported):
    found = {job.file_name: job.counts for job in imported.jobs}
    outcomes = ("created", "updated", "unchanged", "repeated", "failed")

    for by_noun in found.values():
        for noun in by_noun:
            told = by_noun[noun]
            assert told.get("rows", 0) == sum(told.get(outcome, 0) for outcome in outcomes)
    assert found["accounts.csv"]["customer"]["created"] == 85
    assert found["products.csv"]["product"]["created"] == 7
    assert found["sales_teams.csv"]["user"]["created"] == 35 + 6
    assert found["sales_pipeline.csv"]["opportunity"]["created"] == 8800
    assert found["sales_pipeline.csv"]["customer"]["extra"] == 1


def test_dirt_is_mapped_or_reported_with_its_place(imported):
    job = imported.jobs[-1]
    kinds = dict(
        imported.session.execute(
            sa.select(ImportProblem.code, sa.func.count())
            .where(ImportProblem.job_id == job.id)
            .group_by(ImportProblem.code)
        ).all()
    )
    mapped = imported.session.scalars(
        sa.select(ImportProblem).where(ImportProblem.value == "GTXPro")
    ).one()
    misspelt = imported.session.scalars(
        sa.select(ImportProblem).where(ImportProblem.value == "technolgy")
    ).one()

    assert kinds["PLACEHOLDER"] == 1425
    assert kinds["NO_DATE"] == 500
    assert "1480" in mapped.reason
    assert "12" in misspelt.reason


def test_rows_are_historic_approved_and_keep_their_own_dates(imported):
    deal = imported.session.scalars(
        sa.select(Opportunity).where(Opportunity.external_ref == "maven:1C1I7A6R")
    ).one()

    assert deal.approval is Approval.approved
    assert deal.decided_at == imported.now
    assert (str(deal.closed_on), f"{deal.created_at:%Y-%m-%d %H:%M}") == (
        "2017-03-01",
        "2016-10-19 16:00",
    )
    assert (deal.amount, deal.state, deal.incomplete) == (105400, StageKind.won, True)
    assert deal.code.startswith("YAV-SJ-20161020-")
    assert (deal.owner.name, deal.owner.department.name) == ("Moses Frase", "Central")
    assert deal.owner.manager.name == "Dustin Brinkmann"
    assert [(line.product.name, line.subtotal) for line in deal.lines] == [
        ("GTX Plus Basic", 105400)
    ]


def test_one_request_a_file_no_sync_rows_no_copies_no_tasks(imported):
    def count(model, *where):
        query_ = sa.select(sa.func.count()).select_from(model).where(*where)
        return imported.session.execute(query_).scalar()

    assert count(ApprovalRequest, ApprovalRequest.origin == RequestOrigin.import_file) == 4
    assert count(ApprovalRequest) == 4
    assert count(FollowUp) == count(ApprovalCopy) == count(ApprovalTask) == 0
    assert count(Customer, Customer.placeholder) == 1
    assert count(Customer, Customer.incomplete) == 86


def test_people_come_without_a_usable_log_in(imported):
    client = imported.app.test_client()
    page = client.get("/login").get_data(as_text=True)
    token = page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]

    answers = [
        client.post(
            "/login",
            data={"email": "moses.frase@maven.example.com", "password": word, "csrf_token": token},
        )
        for word in ("!", "password-of-nobody")
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert "/login" in client.get("/admin/").location


def test_a_second_run_changes_nothing(imported):
    imported.session.rollback()  # SQLite has one writer at a time
    before = counts(imported.app)

    plan, jobs = run(imported, files(), HOW)

    assert counts(imported.app) == before
    assert jobs == []
    assert sum(one.total("unchanged") for one in plan.files) == 3 + 41 + 7 + 85 + 8800


def test_a_changed_row_is_updated_and_the_rest_left_alone(imported):
    content = (FOLDER / "sales_pipeline.csv").read_text(encoding="utf-8")
    content = content.replace("2017-03-01,1054", "2017-03-02,1100", 1)

    plan, _jobs = run(imported, [("sales_pipeline.csv", content.encode())], HOW)

    told = plan.files[0].counts["opportunity"]
    deal = imported.session.scalars(
        sa.select(Opportunity).where(Opportunity.external_ref == "maven:1C1I7A6R")
    ).one()
    assert (told["updated"], told["unchanged"]) == (1, 8799)
    assert (deal.amount, str(deal.closed_on)) == (110000, "2017-03-02")
    assert [line.subtotal for line in deal.lines] == [110000]


def test_the_command_imports_all_four_files(lite):
    paths = [str(FOLDER / name) for name in NAMES]

    result = lite.test_cli_runner().invoke(
        args=[
            "import",
            *paths,
            "--mapping",
            str(ROOT / "mappings" / HOW),
            "--as",
            "admin@demo.tcos.cn",
        ]
    )

    assert result.exit_code == 0, result.output
    assert "opportunity: rows 8800, created 8800" in result.output
    assert "4 import jobs" in result.output
