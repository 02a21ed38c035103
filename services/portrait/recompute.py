"""All portraits anew: one reading of the history, arithmetic, and pieces written with progress."""

import datetime as dt
from collections.abc import Callable

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.portrait.run import PortraitRun, RunKind
from services.core import clock
from services.core.days import today
from services.core.engine import writing
from services.core.settings import all_settings
from services.delivery import outbox
from services.portrait import evaluate, history, needs, segments, store
from services.portrait.maths import drawing
from services.portrait.maths.rfm import Rule
from services.portrait.maths.story import number
from services.rights.actor import demand
from services.rights.call import Call

TASK = "portrait"
Tell = Callable[[int, int], None]


def ask(call: Call) -> bool:
    """Ask the worker for it; False where that was asked for already. Raises Forbidden."""
    demand(call.by, "portrait:run")
    return enqueue(call.session, now=call.now)


def enqueue(session: Session, *, now: dt.datetime) -> bool:
    """Ask the worker for it."""
    return outbox.enqueue(session, TASK, {}, title=_("重算客户画像"), now=now)


def underway(session: Session) -> PortraitRun | bool:
    """Return the run that is at work, whether one waits for the worker where there is none."""
    one = PortraitRun
    at_work = sa.select(one).where(one.kind == RunKind.recompute, one.ended_at.is_(None))
    if not outbox.underway(session, TASK, {}):
        return False
    return session.scalar(at_work.order_by(one.id.desc()).limit(1)) or True


def work(session: Session, *, now: dt.datetime, lease: dt.timedelta) -> bool:
    """Do what was asked for, as of today. Between its steps it holds what the worker leased."""

    def hold(*_progress: int) -> None:
        outbox.hold(session, TASK, {}, until=clock.of(session) + lease)
        session.commit()

    recompute(session, as_of=today(now), now=now, tell=hold)
    return True


def recompute(
    session: Session, *, as_of: dt.date, now: dt.datetime, tell: Tell = lambda *_n: None
) -> PortraitRun:
    """Draw every customer as of the end of a day and keep that; return the run.

    Commits: the history is read without keeping writers waiting, and what is drawn is written in
    pieces of whole customers, each in a transaction of its own. `tell` gets (done, of how many).
    """
    run = _begin(session, as_of, now)
    rules, words = segments.rules(session), needs.words(session)
    session.commit()
    with writing(on=False):
        story, plan = history.read(session), _plan(session, as_of, rules)
        needed = needs.read(session, story, words)
        session.rollback()
    tell(0, 0)  # each of the long steps has a lease of its own
    drawn = drawing.draw(story, plan)
    pieces = store.pieces(drawn)
    tell(0, len(pieces) + 1)
    for place, piece in enumerate(pieces, 1):
        store.put(session, drawn, piece, as_of)
        _progress(session, run, place, len(pieces) + 1)
        tell(place, len(pieces) + 1)
    needs.put(session, needed, story.customers)
    store.put_months(session, drawn)
    store.sweep(session, drawn)
    return _end(session, run, drawn, now)


def _plan(session: Session, as_of: dt.date, rules: list[Rule]) -> drawing.Sketch:
    values = all_settings(session)
    return drawing.Sketch(
        as_of=number(as_of),
        window=values["portrait.window_days"],
        rules=rules,
        horizon=values["portrait.horizon_days"],
        most=values["portrait.offers"],
        choice=evaluate.chosen(session),
        offered=history.offered(session),
        overdue=history.overdue(session, as_of),
    )


def _begin(session: Session, as_of: dt.date, now: dt.datetime) -> PortraitRun:
    run = PortraitRun(
        kind=RunKind.recompute, as_of=as_of, started_at=now, done=0, total=0, figures={}, choice={}
    )
    session.add(run)
    session.commit()
    return run


def _progress(session: Session, run: PortraitRun, done: int, total: int) -> None:
    run.done, run.total = done, total
    session.commit()


def _end(session: Session, run: PortraitRun, drawn: drawing.Drawn, now: dt.datetime) -> PortraitRun:
    run.done = run.total = max(run.total, 1)
    run.ended_at, run.figures = now, drawn.figures
    session.flush()
    old = PortraitRun.kind == RunKind.recompute
    session.execute(sa.delete(PortraitRun).where(old, PortraitRun.id < run.id))
    session.commit()
    return run
