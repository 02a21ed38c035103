"""The people of the demo company, their departments, superiors and roles."""

import datetime as dt
import uuid

import sqlalchemy as sa
from flask_security import hash_password
from sqlalchemy.orm import Session

from models.people.department import Department
from models.people.role import Role
from models.people.user import User
from services.people.people import DEMO_DOMAIN

PASSWORD = "Tcos-demo-2026"  # noqa: S105 # public: the log-in page of the demo shows it
NAMESPACE = uuid.UUID("7c05c0de-0000-4000-8000-000000000000")

# name, parent
DEPARTMENTS = (
    ("亚为电子", None),
    ("销售中心", "亚为电子"),
    ("华中销售部", "销售中心"),
    ("华东销售部", "销售中心"),
    ("华南销售部", "销售中心"),
    ("技术支持部", "亚为电子"),
    ("财务部", "亚为电子"),
    ("综合管理部", "亚为电子"),
)
# account, name, role, department, superior
PEOPLE = (
    ("admin", "周敏", "admin", "亚为电子", None),
    ("manager", "陈建国", "manager", "销售中心", None),
    ("reviewer", "王强", "reviewer", "华中销售部", "manager"),
    ("reviewer2", "赵静", "reviewer", "华东销售部", "manager"),
    ("sales", "张伟", "sales", "华中销售部", "reviewer"),
    ("sales2", "李娜", "sales", "华东销售部", "reviewer2"),
    ("sales3", "黄磊", "sales", "华中销售部", "reviewer"),
    ("sales4", "徐丽", "sales", "华东销售部", "reviewer2"),
    ("sales5", "林峰", "sales", "华南销售部", "manager"),
    ("sales6", "何敏", "sales", "华南销售部", "manager"),
    ("tech", "郑凯", "sales", "技术支持部", "manager"),
    ("tech2", "高翔", "sales", "技术支持部", "manager"),
    ("office", "刘芳", "office", "综合管理部", "admin"),
    ("finance", "孙丽", "finance", "财务部", "admin"),
    ("analyst", "吴昊", "analyst", "综合管理部", "admin"),
)
HEADS = {
    "亚为电子": "admin",
    "销售中心": "manager",
    "华中销售部": "reviewer",
    "华东销售部": "reviewer2",
    "财务部": "finance",
}
SELLERS = ("sales", "sales2", "sales3", "sales4", "sales5", "sales6")
TECHNICIANS = ("tech", "tech2")


def seed_people(session: Session, now: dt.datetime) -> dict[str, int]:
    """Create departments and people; return account → key."""
    places: dict[str, Department] = {}
    for n, (name, parent) in enumerate(DEPARTMENTS):
        places[name] = Department(name=name, parent=places.get(parent or ""), ordinal=n)
        session.add(places[name])
    roles = {role.name: role for role in session.scalars(sa.select(Role))}
    password = hash_password(PASSWORD)
    people: dict[str, User] = {}
    for account, name, role, place, superior in PEOPLE:
        people[account] = User(
            name=name,
            email=f"{account}@{DEMO_DOMAIN}",
            department=places[place],
            manager=people.get(superior or ""),
            roles=[roles[role]],
            password=password,
            fs_uniquifier=uuid.uuid5(NAMESPACE, f"{account}{now}").hex,
        )
        session.add(people[account])
    session.flush()
    for place, head in HEADS.items():
        places[place].head_id = people[head].id
    session.flush()
    return {account: person.id for account, person in people.items()}
