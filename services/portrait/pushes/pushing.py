"""A push as a bulk verb: said once, then done for each customer alone, at once or later."""

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from models.bulk.batch import BatchVerb
from models.customers.customer import Customer
from models.delivery.outbox import Channel
from models.portrait.push import Push, PushChannel, PushItem
from models.sales.follow_up import FollowUpKind
from models.sales.plan import FollowUpPlan
from models.sales.product import Product
from services.bulk import doers, jobs
from services.bulk.doers import Act, JobCall, Outcome
from services.bulk.jobs import Task
from services.core import texts
from services.core.days import ZONE, today
from services.core.errors import Invalid
from services.delivery import letters, outbox
from services.portrait import offered
from services.portrait.offered import Offered
from services.portrait.pushes import law
from services.records import records
from services.rights.actor import demand
from services.rights.call import Call
from services.rights.gate import rule

GRANT = "portrait:push"
MORNING = dt.time(9)
NAME, SUBJECT, PLAN, LETTER = 80, 120, 300, 4000
MOST_CONTROL, MOST_DAYS = 50, 365
HOLE = re.compile(r"\{(\w+)\}")
# What a text may name, in both languages of the screen.
NAMED = "客户=customer 联系人=contact 产品=product 理由=reason 销售员=owner"
HOLES = {word: pair.partition("=")[2] for pair in NAMED.split() for word in pair.split("=")}
OF_OFFER = frozenset({"product", "reason"})


def pushing(call: Call, typed: Mapping[str, str], keys: Any) -> Task:
    """Keep what a form says of a push to customers (keys or a SELECT of them), return the task.

    Raises Forbidden, Invalid beside fields.
    """
    demand(call.by, GRANT)
    push = Push(**_read(call, typed))
    if push.channel is PushChannel.mail and not law.someone_has_mailbox(call.session, keys):
        raise Invalid({"push_channel": _("选中的客户都没有邮箱")})
    with rule(call.session, "portrait"):
        call.session.add(push)
    return Task(BatchVerb.push, Customer.__noun__, push.name, {"push_id": push.id})


def _read(call: Call, typed: Mapping[str, str]) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    mail = typed.get("push_channel") == PushChannel.mail.name
    longest = LETTER if mail else PLAN
    values = {
        "channel": PushChannel.mail if mail else PushChannel.plan,
        "name": _text(typed, "push_name", NAME, errors),
        "subject": _text(typed, "push_subject", SUBJECT, errors) if mail else None,
        "words": _text(typed, "push_words", longest, errors),
        "due_on": None if mail else _day(call, typed, errors),
        "control": _number(typed, "push_control", (0, MOST_CONTROL), errors),
        "days": _number(typed, "push_days", (1, MOST_DAYS), errors),
        "product_id": _product(call, typed, errors),
    }
    for key in ("push_words", "push_subject") if mail else ("push_words",):
        odd = [word for word in HOLE.findall(typed.get(key, "")) if word not in HOLES]
        if odd:
            errors[key] = _("没有「{%(word)s}」这个替换词", word=odd[0])
    if errors:
        raise Invalid(errors)
    return values


def _text(typed: Mapping[str, str], key: str, most: int, errors: dict[str, Any]) -> str:
    try:
        found = texts.clean(typed.get(key, ""), multiline=key == "push_words")
    except ValueError as problem:
        errors[key], found = problem.args[0], ""
    if not found or len(found) > most:
        errors.setdefault(key, _("请填写，最多 %(n)s 个字符", n=most))
    return found


def _number(
    typed: Mapping[str, str], key: str, ends: tuple[int, int], errors: dict[str, Any]
) -> int:
    text = typed.get(key, "")
    if not text.isascii() or not text.isdigit() or not ends[0] <= int(text[:9]) <= ends[1]:
        errors[key] = _("请输入 %(low)s 到 %(high)s 之间的整数", low=ends[0], high=ends[1])
        return 0
    return int(text)


def _day(call: Call, typed: Mapping[str, str], errors: dict[str, Any]) -> dt.date | None:
    try:
        found = texts.date(typed.get("push_due", ""))
    except ValueError as problem:
        errors["push_due"] = problem.args[0]
        return None
    if found < today(call.now):
        errors["push_due"] = _("不能早于今天")
    return found


def _product(call: Call, typed: Mapping[str, str], errors: dict[str, Any]) -> int | None:
    text = typed.get("push_product", "")
    query = sa.select(Product.id).where(Product.id == texts.key(text), Product.active)
    found = call.session.scalar(query) if text else None
    if text and found is None:
        errors["push_product"] = _("没有这个产品")
    return found


@doers.prepared(BatchVerb.push)
def push_each(call: JobCall, keys: list[int]) -> Act:
    """Return what reaches one customer, or sets it aside."""
    demand(call.by, GRANT)
    told = call.job.arguments or {}
    push: Push = jobs.visible(call.session, Push, told.get("push_id", 0))
    found = law.standings(call.session, keys, now=call.now)
    offers = offered.best(call.session, keys, push.product_id)
    needed = needs_offer(push.words, push.subject or "")
    written: set[str] = set()  # mailboxes of this chunk: several customers may share one

    def one(target: int, _seen: int | None) -> Outcome:
        offer = offers.get(target)
        lacking = needed and offer is None
        standing = law.demand(_once(found.get(target), written), push.channel, lacking=lacking)
        control = law.set_aside(push.id, target, push.control)
        words = _filled(push.words, standing, offer)
        plan = None
        if not control and push.channel is PushChannel.plan:
            plan = _plan(call, push, standing, words)
        elif not control:
            written.add(standing.address)
            _mail(call, push, standing, (_filled(push.subject or "", standing, offer), words))
        with rule(call.session, "portrait"):
            call.session.add(
                PushItem(
                    push_id=push.id,
                    customer_id=target,
                    control=control,
                    at=call.now,
                    plan_id=plan and plan.id,
                    product_id=offer and offer.product_id,
                )
            )
        note = _("对照组（未推送）") if control else None
        return Outcome(str(standing.customer), note=note)

    return one


def _once(one: law.PushStanding | None, written: set[str]) -> law.PushStanding | None:
    """Return how a customer stands after what this chunk has written."""
    known = one is not None and one.address in written
    return dataclasses.replace(one, written=True) if one is not None and known else one


def needs_offer(*texts_: str) -> bool:
    """Tell whether texts name the product or the reason, which not everybody has."""
    return any(HOLES.get(word) in OF_OFFER for text in texts_ for word in HOLE.findall(text))


def _filled(text: str, standing: law.PushStanding, offer: Offered | None) -> str:
    """Return a text with its words in place."""
    values = {
        "customer": str(standing.customer),
        "contact": standing.contact,
        "owner": str(standing.customer.owner or ""),
    }
    if offer is not None:
        values |= {"product": offer.name, "reason": offer.why}
    return HOLE.sub(lambda found: values[HOLES[found[1]]], text)


def _plan(call: Call, push: Push, standing: law.PushStanding, words: str) -> FollowUpPlan:
    due = dt.datetime.combine(push.due_on or today(call.now), MORNING, ZONE)
    values = {
        "customer_id": standing.customer.id,
        "kind": FollowUpKind.call,
        "due_at": due,
        "owner_id": standing.customer.owner_id,
        "content": words[:PLAN],
    }
    return records.create(call, FollowUpPlan, values)  # type: ignore[no-any-return] # a record


def _mail(call: Call, push: Push, standing: law.PushStanding, letter: tuple[str, str]) -> None:
    subject, text = letter
    payload = {
        "name": standing.contact,
        "text": text,
        "push": gettext("不想再收到此类邮件，请打开："),  # the worker puts the link behind it
    }
    posting = outbox.Posting(
        Channel.mail,
        subject[: letters.TITLE],
        payload,
        f"{law.PUSH}{push.id}:{standing.customer.id}",
        address=standing.address,
        next_at=law.awake(call.session, call.now),
    )
    outbox.post(call.session, posting, now=call.now)
