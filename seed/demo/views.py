"""What the people have made of their grids: tags, and views shared with a role."""

import sqlalchemy as sa

from models.bulk.tag import Tag, Tagging
from models.core.mixins import Approval
from models.customers.customer import Customer, CustomerStatus, Level
from models.people.role import Role
from models.records.dictionary import Colour
from seed.demo.teller import Teller
from services.query import saved_views

# name, colour, which customers: their level or status
TAGS = (
    ("战略客户", Colour.info, Customer.level == Level.a),
    ("续约机会", Colour.ok, Customer.status == CustomerStatus.won),
    ("需要唤醒", Colour.warn, Customer.status == CustomerStatus.dormant),
)
EVERY = 3  # one customer in so many carries the tag
# who, noun, name, state, shared with
VIEWS = (
    ("manager", "customer", "A级客户", "f.level=in:a&sort=next", "sales"),
    ("manager", "customer", "老客户久未跟进", "f.status=in:won&f.silence=ge:30", "sales"),
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
    session, approved = teller.session, Customer.approval == Approval.approved
    for name, colour, which in TAGS:
        tag = Tag(name=name, colour=colour)
        session.add(tag)
        session.flush()
        query = sa.select(Customer.id).where(which, approved).order_by(Customer.id)
        session.add_all(
            Tagging(noun="customer", record_id=key, tag_id=tag.id, at=teller.now)
            for key in session.scalars(query).all()[::EVERY]
        )
    roles = {role.name: role.id for role in session.scalars(sa.select(Role))}
    for who, noun, name, state, shared in VIEWS:
        with teller.by(who, teller.now) as actor:
            values = {"name": name, "query": state, "role_id": roles.get(shared or "")}
            saved_views.save(session, noun, values, by=actor)
    session.flush()
