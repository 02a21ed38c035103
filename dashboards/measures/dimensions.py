"""The dimensions: people by the stamp of a row, customers as they are, time by its date.

Keys of time are months: a quarter and a year go by the first of theirs.
"""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from dashboards.core.scope import CONTRACT, CUSTOMER, DEPARTMENT, OPPORTUNITY
from dashboards.core.sql import MonthOf, MonthsLater, months_into
from dashboards.measures.declared import Dimension, Relation
from models.core.setting import Setting
from services.core.settings import CATALOGUE

SETTING = Setting.__table__
YEAR_STARTS = "cockpit.year_starts"
LENGTHS = {"month": 1, "quarter": 3, "year": 12}  # in months


def month_of(relation: Relation) -> Any:
    """Return the month a row counts in, moved to the one that a base is compared with."""
    if not relation.shift:
        return MonthOf(relation.day)
    return MonthsLater(relation.day, sa.literal(relation.shift, sa.Integer))


def product_of(relation: Relation) -> Any:
    """Return the product of a line of an opportunity."""
    return relation.row["product"]


def _starts() -> Any:
    """Return the month that a year begins in, as it is set."""
    saved = sa.select(sa.cast(sa.cast(SETTING.c.value, sa.String), sa.Integer))
    found = saved.where(SETTING.c.key == YEAR_STARTS).scalar_subquery()
    return sa.func.coalesce(found, CATALOGUE[YEAR_STARTS].default)


def _quarter(relation: Relation) -> Any:
    return MonthsLater(relation.day, -months_into(relation.day, _starts(), 3))


def _year(relation: Relation) -> Any:
    return MonthsLater(relation.day, -months_into(relation.day, _starts(), 12))


def _branch(relation: Relation) -> Any:
    """Return the department at the top of the tree that a row's department stands in."""
    tree = (
        sa.select(DEPARTMENT.c.id, DEPARTMENT.c.id.label("root"))
        .where(DEPARTMENT.c.parent_id.is_(None))
        .cte(recursive=True)
    )
    child = DEPARTMENT.alias()
    # UNION (not ALL) ends even on a loop.
    tree = tree.union(sa.select(child.c.id, tree.c.root).join(tree, child.c.parent_id == tree.c.id))
    root = sa.select(tree.c.root).where(tree.c.id == relation.stamp.department)
    return root.scalar_subquery()


def _province(_relation: Relation) -> Any:
    return sa.func.substr(CUSTOMER.c.region_code, 1, 2)


DIMENSIONS = {
    one.key: one
    for one in (
        Dimension("owner", _("销售员"), lambda r: r.stamp.owner, "owner", "department"),
        Dimension(
            "department", _("部门"), lambda r: r.stamp.department, "department_only", "branch"
        ),
        Dimension("branch", _("一级部门"), _branch, "department", help=_("连同其下级部门")),
        Dimension("customer", _("客户"), lambda _r: CUSTOMER.c.id, "customer"),
        Dimension("industry", _("行业"), lambda _r: CUSTOMER.c.industry_id, "industry"),
        Dimension("level", _("等级"), lambda _r: CUSTOMER.c.level, "level", ordered=True),
        Dimension("source", _("来源"), lambda _r: CUSTOMER.c.source_id, "source"),
        Dimension("province", _("省份"), _province, "province"),
        Dimension("contract", _("合同"), lambda _r: CONTRACT.c.id, "contract"),
        Dimension("product", _("产品"), product_of, "product"),
        Dimension("stage", _("阶段"), lambda _r: OPPORTUNITY.c.stage_id, "stage", ordered=True),
        Dimension("month", _("月份"), month_of, above="quarter", ordered=True),
        Dimension("quarter", _("季度"), _quarter, above="year", ordered=True),
        Dimension(
            "year", _("年度"), _year, ordered=True, help=_("季度和年度从设置里的财年起始月算起")
        ),
    )
}
COMMON = frozenset(DIMENSIONS) - {"contract", "product", "stage"}
