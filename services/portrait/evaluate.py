"""How good the portraits are on this company's own history, and what later runs go by."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.portrait.run import PortraitRun, RunKind
from services.core.engine import writing
from services.core.settings import get_setting
from services.delivery import outbox
from services.portrait import history
from services.portrait.maths import trial
from services.portrait.maths.offering import Again, Fresh
from services.portrait.maths.story import day_of, number
from services.rights.actor import demand
from services.rights.call import Call

TASK = "portrait-evaluate"
AGE = dt.timedelta(days=7)  # after which the worker evaluates again


def ask(call: Call) -> bool:
    """Ask the worker for it; False where that was asked for already. Raises Forbidden."""
    demand(call.by, "portrait:run")
    return enqueue(call.session, now=call.now)


def enqueue(session: Session, *, now: dt.datetime) -> bool:
    """Ask the worker for it."""
    return outbox.enqueue(session, TASK, {}, title=_("评估客户画像"), now=now)


def underway(session: Session) -> bool:
    """Tell whether it waits for the worker, or is with it."""
    return outbox.underway(session, TASK, {})


def work(session: Session, *, now: dt.datetime) -> bool:
    """Do what was asked for."""
    evaluate(session, now=now)
    return True


def latest(session: Session) -> PortraitRun | None:
    """Return the last evaluation that is done."""
    one = PortraitRun
    done = sa.select(one).where(one.kind == RunKind.evaluate, one.ended_at.is_not(None))
    return session.scalar(done.order_by(one.id.desc()).limit(1))


def is_old(session: Session, *, now: dt.datetime) -> bool:
    """Tell whether it is time to evaluate again."""
    found = latest(session)
    return found is None or found.ended_at is None or now - found.ended_at >= AGE


def chosen(session: Session) -> trial.Methods:
    """Return what the last evaluation chose, the default before the first one."""
    found = latest(session)
    if found is None or not found.choice:
        return trial.DEFAULT
    told = found.choice
    wins = {key: told[key] for key in told if key.endswith("_wins")}
    return trial.Methods(Again(**told["again"]), Fresh(**told["fresh"]), **wins)


def evaluate(
    session: Session, *, now: dt.datetime, as_of: dt.date | None = None
) -> PortraitRun | None:
    """Evaluate up to a day, by default that of the last purchase; None without purchases. Commits.

    What is learnt and chosen has not seen the days that are reported on.
    """
    with writing(on=False):
        story = history.read(session)
        horizon = int(get_setting(session, "portrait.horizon_days"))
        session.rollback()
    last = story.last_day if as_of is None else number(as_of)
    if last is None or not len(story.items):
        return None
    report = trial.evaluate(story.until(last), last, horizon)
    run = PortraitRun(
        kind=RunKind.evaluate, as_of=day_of(last), started_at=now, ended_at=now, done=1, total=1,
        figures=report.figures, choice=report.choice.as_json(),
    )  # fmt: skip
    session.add(run)
    session.commit()
    return run
