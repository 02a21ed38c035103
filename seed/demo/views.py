"""What the people have made of their grids: tags, and views shared with a role."""

import sqlalchemy as sa

import models as m
from seed.demo.teller import Teller
from services import saved_views

# name, colour, which customers: their level or status
TAGS = (
    ("战略客户", m.Colour.info, m.Customer.level == m.Level.a),
    ("续约机会", m.Colour.ok, m.Customer.status == m.CustomerStatus.won),
    ("需要唤醒", m.Colour.warn, m.Customer.status == m.CustomerStatus.dormant),
)
EVERY = 3  # one customer in so many carries the tag
# who, noun, name, state, shared with
VIEWS = (
    ("manager", "customer", "A级客户", "f.level=in:a&sort=next", "sales"),
    (
        "manager",
        "opportunity",
        "本季大单",
        "f.amount=ge:300000&f.expected_on=within:this_quarter&sort=-amount",
        "sales",
    ),
    ("sales", "opportunity", "逾期未成交", "f.expected_on=within:overdue&f.owner_id=in:me", None),
)


def tell_views(teller: Teller) -> None:
    """Tag some customers and keep some views."""
    session, approved = teller.session, m.Customer.approval == m.Approval.approved
    for name, colour, which in TAGS:
        tag = m.Tag(name=name, colour=colour)
        session.add(tag)
        session.flush()
        query = sa.select(m.Customer.id).where(which, approved).order_by(m.Customer.id)
        session.add_all(
            m.Tagging(noun="customer", record_id=key, tag_id=tag.id, at=teller.now)
            for key in session.scalars(query).all()[::EVERY]
        )
    roles = {role.name: role.id for role in session.scalars(sa.select(m.Role))}
    for who, noun, name, state, shared in VIEWS:
        with teller.by(who, teller.now) as actor:
            values = {"name": name, "query": state, "role_id": roles.get(shared or "")}
            saved_views.save(session, noun, values, by=actor)
    session.flush()
