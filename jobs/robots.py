"""Notices to people's robots: claimed, committed, posted and settled one by one like mails."""

import datetime as dt
import json
import logging
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import sqlalchemy as sa
from flask import Flask
from flask_babel import force_locale
from sqlalchemy.orm import Session

from jobs import mail_texts
from jobs.deliver import lease
from jobs.scope import clock, working
from models.delivery.notice_choice import NoticeChoice
from models.delivery.outbox import Channel, Outbox
from services.delivery import outbox
from services.delivery.robots import BUSY, Robot, message, refused, robot

LOG = logging.getLogger("tcos.worker")
TIMEOUT = 5  # seconds of one answer
LARGEST = 10_000  # bytes of an answer that are read
AWAY = 500  # from this status on the robot is away, not against us


class _Stays(HTTPRedirectHandler):
    """Follows nowhere: an address was allowed, not what it points at."""

    def redirect_request(self, *_args: Any, **_options: Any) -> None:
        """Refuse."""


def robots(app: Flask) -> int:
    """Post every due message. Returns how many were taken."""
    taken = 0
    with working(app) as session:
        while rows := outbox.claim(session, Channel.robot, now=clock(), lease=lease()):
            told = [(row, *_told(session, row, app)) for row in rows]
            session.commit()
            for row, one, text in told:
                taken += _post(session, row, one, text)
    return taken


def _told(session: Session, row: Outbox, app: Flask) -> tuple[Robot | None, str]:
    """Return where a row goes and what it says in its reader's language; None: nowhere."""
    user = row.user
    query = sa.select(NoticeChoice).where(NoticeChoice.user_id == row.user_id)
    chosen = session.scalar(query)
    if user is None or not user.active or chosen is None or not chosen.robot_url:
        return None, ""
    try:
        one = robot(chosen.robot_url, chosen.robot_secret or "", app.config["TCOS_ROBOT_HOSTS"])
    except ValueError:
        return None, ""
    with force_locale(user.language.locale):
        what, lines, url = mail_texts.told(row, app.config["TCOS_PUBLIC_URL"])
    return one, "\n".join((what, *lines, url))


def _post(session: Session, row: Outbox, one: Robot | None, text: str) -> bool:
    """Post one message outside of any transaction and settle its row in one of its own."""
    problem, own_fault = ("no robot", True) if one is None else _answer(one, text, clock())
    if not problem:
        outbox.sent(session, row, now=clock())
    elif own_fault:
        outbox.park(session, row, problem)
    else:
        outbox.failed(session, row, problem, own_fault=False, now=clock())
    session.commit()
    return not problem


def _answer(one: Robot, text: str, now: dt.datetime) -> tuple[str, bool]:
    """Return what is wrong with a message, '' for nothing, and whether it is so for good."""
    url, body = message(one, text, now)
    data, head = json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": "application/json"}
    try:
        request = Request(url, data, head)  # noqa: S310 # of known hosts alone
        with build_opener(_Stays).open(request, timeout=TIMEOUT) as answer:
            told = refused(json.loads(answer.read(LARGEST)))
    except HTTPError as problem:
        problem.close()
        return f"HTTP {problem.code}", problem.code < AWAY
    except (OSError, ValueError) as problem:
        LOG.warning("robot: %s", type(problem).__name__)
        return type(problem).__name__, False  # its words may hold the address
    if told is None:
        return "", False
    code, words = told
    return f"{code} {words}", code not in BUSY
