"""What stands against taking an import back: each record that no longer is what it wrote."""

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.request import ApprovalRequest, Decision
from models.approval.task import ApprovalTask
from models.core.base import Model
from models.core.mixins import Approval
from models.customers.contact import Contact
from models.deals.contract import Contract, ContractLine
from models.deals.order import OrderMilestone
from models.importing.import_job import ImportRow
from models.registry import having
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity, OpportunityLine
from models.sales.product import Product
from services.deals import contract_customer
from services.importing.back import before_images, undo_money
from services.importing.check.finding import chunks
from services.importing.mapping.declared import MODELS
from services.records.lookup import names_of

# What belongs to a record goes with it; a submission only tells what was submitted.
WITH_IT = {model.__noun__ for model in having("part")}
PARTS: dict[str, tuple[Any, str]] = {  # what people write beside a record that came in with it
    "customer": (Contact, "customer_id"),
    "order": (OrderMilestone, "order_id"),
}
DECIDED = _("审批人已处理，不能撤回；可请审批人驳回")
CHANGED = _("导入后被修改或删除")
Reasons = dict[int, Any]
Rows = list[ImportRow]


def against(session: Session, rows: Rows) -> Reasons:
    """Return what stands against taking rows of an import back: key of the row → reason."""
    found = _final(rows)
    found |= dict.fromkeys((row.id for row in undo_money.issued(session, rows)), undo_money.ISSUED)
    for noun, mine in by_noun(rows).items():
        bad = [*_touched(session, noun, mine), *_primaries(session, noun, mine)]
        decided = dict.fromkeys((row.id for row in _decided(session, noun, mine)), DECIDED)
        found = dict.fromkeys((row.id for row in bad), CHANGED) | decided | found
    while True:  # what stays keeps what it points at
        kept = len(found)
        for row, reason in undo_money.against(session, rows, found):
            found.setdefault(row.id, reason)
        for row, reason in _used(session, [row for row in rows if row.id not in found]):
            found.setdefault(row.id, reason)
        if len(found) == kept:
            return found


def _final(rows: Rows) -> Reasons:
    found: Reasons = {}
    for row in rows:
        if "stage" in row.before:
            found[row.id] = _("这次导入移动过商机阶段，不能撤销")
        elif any(row.before.get(key, ()) is None for key in ("lines", "plan")):  # not kept then
            found[row.id] = _("这次导入改过产品明细，不能撤销")
    return found


def by_noun(rows: Iterable[ImportRow]) -> dict[str, Rows]:
    """Return the rows by entity, in their order."""
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(row.noun, []).append(row)
    return found


def names(session: Session, rows: Rows) -> dict[int, str]:
    """Return what the records of rows are called: key of the row → caption and name."""
    found = {}
    for noun, mine in by_noun(rows).items():
        model, table = MODELS[noun], MODELS[noun].__table__
        keys = sorted(names_of(model), key=lambda key: key == "code")
        called = sa.func.coalesce(*(table.c[key] for key in keys), "") if keys else table.c.id
        told: dict[int, Any] = {}
        for part in chunks([row.record_id for row in mine]):
            told |= dict(
                session.execute(sa.select(table.c.id, called).where(table.c.id.in_(part))).all()
            )
        for row in mine:
            found[row.id] = f"{model.__caption__}「{told.get(row.record_id) or row.record_id}」"
    return found


def _touched(session: Session, noun: str, rows: Rows) -> Iterator[ImportRow]:
    """Yield the rows whose record, or what is written beside it, changed since."""
    table = MODELS[noun].__table__
    alive = table.c.deleted_at.is_(None) if "deleted_at" in table.c else sa.true()
    now: dict[int, int] = {}
    beside: set[int] = set()
    for part in chunks([row.record_id for row in rows]):
        query = sa.select(table.c.id, table.c.row_version).where(table.c.id.in_(part), alive)
        now |= dict(session.execute(query).all())
        mine = [row for row in rows if row.record_id in set(part)]
        beside |= _beside(session, noun, [row.record_id for row in mine if row.fresh])
        stepped = [row.record_id for row in mine if "milestones" in row.before]
        beside |= _beside(session, noun, stepped, fresh=False)
    for row in rows:
        if now.get(row.record_id) != abs(row.seen_version) or row.record_id in beside:
            yield row


def _beside(session: Session, noun: str, keys: list[int], *, fresh: bool = True) -> set[int]:
    """Return the records beside which people wrote since, in what the import made or changed."""
    if noun not in PARTS or not keys:
        return set()
    model, up = PARTS[noun]
    part, table = model.__table__, MODELS[noun].__table__
    alive = part.c.deleted_at.is_(None) if "deleted_at" in part.c else sa.true()
    since = part.c.updated_at > table.c.updated_at
    since = sa.or_(part.c.row_version > 1, since) if fresh else since
    query = sa.select(table.c.id).join_from(table, part, part.c[up] == table.c.id)
    return set(session.execute(query.where(table.c.id.in_(keys), alive, since)).scalars())


def _primaries(session: Session, noun: str, rows: Rows) -> Iterator[ImportRow]:
    """Yield the rows whose primary contact no longer holds what the import wrote."""
    contact = Contact.__table__
    wrote = {
        row.record_id: {k: v for k, v in row.before.items() if k.startswith("primary.")}
        for row in rows
        if noun == "customer" and not row.fresh
    }
    now: dict[int, Any] = {}
    for part in chunks([key for key, told in wrote.items() if told]):
        query = sa.select(contact).where(
            contact.c.customer_id.in_(part), contact.c.is_primary, contact.c.deleted_at.is_(None)
        )
        now |= {one.customer_id: one for one in session.execute(query)}
    for row in rows:
        for key, value in wrote.get(row.record_id, {}).items():
            held = getattr(now.get(row.record_id), key.removeprefix("primary."), None)
            if not isinstance(value, list) or before_images.told(held) != value[1]:
                yield row
                break


def _decided(session: Session, noun: str, rows: Rows) -> Iterator[ImportRow]:
    """Yield the rows whose submission somebody acted on already."""
    request, task = ApprovalRequest.__table__, ApprovalTask.__table__
    acted: set[int] = set()
    for part in chunks([row.record_id for row in rows]):
        query = (
            sa.select(request.c.record_id)
            .join(task, task.c.request_id == request.c.id)
            .where(
                request.c.noun == noun,
                request.c.record_id.in_(part),
                request.c.state == Approval.pending,
                task.c.decision == Decision.approve,
            )
        )
        acted |= set(session.execute(query).scalars())
    yield from (row for row in rows if row.record_id in acted)


def _used(session: Session, rows: Rows) -> Iterator[tuple[ImportRow, Any]]:
    """Yield the new records that something points at which does not go with them."""
    going = {(row.noun, row.record_id): row for row in rows}
    for noun, mine in by_noun(row for row in rows if row.fresh).items():
        model = MODELS[noun]
        of = {row.record_id: row for row in mine}
        for key, reason in _sold(session, going, list(of)) if model is Product else ():
            yield of[key], reason
        for mapper in Model.registry.mappers:
            what = mapper.class_.__noun__
            if what in WITH_IT or (what == "plan" and model is FollowUp):
                continue
            pointing = _pointing(session, mapper.local_table, model, list(of))
            for column, key, by, contract in pointing:
                through = going.get(("contract", contract)) if contract else None
                if through is not None and column in through.before:
                    continue  # it goes back with its contract
                other = going.get((what, by))
                if other is None or not (other.fresh or column in other.before):
                    reason = _("已被「%(what)s」引用", what=mapper.class_.__caption__)
                    yield of[key], reason


def _sold(
    session: Session, going: dict[tuple[str, int], ImportRow], keys: list[int]
) -> Iterator[tuple[int, Any]]:
    """Yield the products that stand in lines of records which do not go with them."""
    for model, line in ((Contract, ContractLine), (Opportunity, OpportunityLine)):
        table, noun = line.__table__, model.__noun__
        for part in chunks(keys):
            query = sa.select(table.c.product_id, table.c[f"{noun}_id"])
            for key, by in session.execute(query.where(table.c.product_id.in_(part))):
                other = going.get((noun, by))
                if other is None or not (other.fresh or "lines" in other.before):
                    yield key, _("已被「%(what)s」引用", what=model.__caption__)


def _pointing(
    session: Session, table: Any, model: Any, keys: list[int]
) -> Iterator[tuple[str, int, int, int | None]]:
    """Yield (column, record, key of the row that points at it, contract whose customer it has)."""
    follows = table in [follower.__table__ for follower in contract_customer.FOLLOWERS]
    alive = table.c.deleted_at.is_(None) if "deleted_at" in table.c else sa.true()
    for column in table.c:
        if not any(fk.column.table is model.__table__ for fk in column.foreign_keys):
            continue
        contract = table.c.contract_id if follows and column.key == "customer_id" else sa.null()
        for part in chunks(keys):
            query = sa.select(column, table.c.id, contract).where(column.in_(part), alive)
            for key, by, of in session.execute(query):
                yield column.key, key, by, of
