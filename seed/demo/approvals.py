"""Submitting and deciding records of the story."""

import datetime as dt
from typing import Any

import models as m
from seed.demo.teller import Teller
from services import approval

REVIEWER = {"sales": "reviewer", "sales3": "reviewer", "sales5": "reviewer"}  # else reviewer2
WHY_NOT = (
    "请补充详细地址和部门职位",
    "单位名称与营业执照不一致，请核对",
    "与已有客户疑似重复，请先确认",
    "等级偏高，请说明依据",
)
WELL = ("同意", "资料齐全", "重点跟进", "同意，注意回款周期")
EVENING, NIGHT = 17, 18


def submit(teller: Teller, record: Any, seller: str, day: dt.date) -> m.ApprovalRequest:
    """Submit a record late on a day."""
    at = teller.at(day, EVENING)
    with teller.by(seller, at) as actor:
        return approval.submit(teller.session, record, by=actor, now=at)


def withdraw(teller: Teller, request: m.ApprovalRequest, seller: str, day: dt.date) -> None:
    """Take a submission back on the same day."""
    at = teller.at(day, NIGHT)
    with teller.by(seller, at) as actor:
        approval.withdraw(teller.session, request.id, by=actor, now=at)


def decide(
    teller: Teller, request: m.ApprovalRequest, seller: str, verb: str, day: dt.date
) -> None:
    """Let the seller's reviewer decide in the evening of a day."""
    at = teller.at(day, NIGHT)
    comment = teller.draw.choice(WHY_NOT) if verb == "reject" else None
    if verb == "approve" and teller.draw.random() < 0.4:
        comment = teller.draw.choice(WELL)
    with teller.by(REVIEWER.get(seller, "reviewer2"), at) as actor:
        approval.decide(
            teller.session,
            request.id,
            seen=request.seen_version,
            verb=verb,
            comment=comment,
            by=actor,
            now=at,
        )


def pass_through(teller: Teller, record: Any, seller: str, day: dt.date) -> None:
    """Submit and approve on one day."""
    decide(teller, submit(teller, record, seller, day), seller, "approve", day)
