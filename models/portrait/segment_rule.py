"""The named segments of customers: an editable table, read from the top, the first that fits."""

import sqlalchemy as sa
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.schema import SchemaItem

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.mixins import Stamped

READERS = ("office", "sales", "reviewer", "manager", "finance", "analyst")
LOWEST, HIGHEST = 1, 5  # scores: fifths of the customers that bought within the window
SCORED = ("r", "f", "m")
SCORES = _("得分 1–5")
DAYS = _("天数与次数")


def _score(caption: object) -> Mapped[int | None]:
    return field(caption, sa.Integer, listed=True, section=SCORES)


def _checks() -> list[SchemaItem]:
    return [
        sa.CheckConstraint(
            f"({one}_from IS NULL OR {one}_from BETWEEN {LOWEST} AND {HIGHEST}) AND "
            f"({one}_to IS NULL OR {one}_to BETWEEN {LOWEST} AND {HIGHEST})",
            name=f"{one}_score",
        )
        for one in SCORED
    ]


class SegmentRule(Model, Stamped):
    """One segment: bounds that all have to hold, an empty one always does.

    Customers get the first active rule in the order of `ordinal` that fits, so no customer is in
    two segments, whatever the table says.
    """

    __tablename__ = "segment_rule"
    __noun__ = "segmentrule"
    __caption__ = _("客户分层规则")
    __entity__ = Entity(
        kind="system",
        order=19,
        icon="slices",
        section="system",
        sight="everybody",
        grants=dict.fromkeys(READERS, "read"),
        called=("name",),
    )

    ordinal: Mapped[int] = field(
        _("序号"),
        sa.Integer,
        nullable=False,
        default=1,
        listed=True,
        help=_("从小到大，先符合先归入"),
    )
    code: Mapped[str] = field(
        _("编号"), sa.String(20), nullable=False, unique=True, required=True, listed=True
    )
    name: Mapped[str] = field(
        _("分层名称"), sa.String(40), nullable=False, required=True, listed=True, search=True
    )
    name_en: Mapped[str] = field(_("英文名称"), sa.String(60), nullable=False, default="")
    r_from: Mapped[int | None] = _score(_("最近购买得分从"))
    r_to: Mapped[int | None] = _score(_("最近购买得分到"))
    f_from: Mapped[int | None] = _score(_("购买次数得分从"))
    f_to: Mapped[int | None] = _score(_("购买次数得分到"))
    m_from: Mapped[int | None] = _score(_("购买金额得分从"))
    m_to: Mapped[int | None] = _score(_("购买金额得分到"))
    days_from: Mapped[int | None] = field(
        _("距上次购买或回款天数从"), sa.Integer, listed=True, section=DAYS
    )
    days_to: Mapped[int | None] = field(
        _("距上次购买或回款天数到"), sa.Integer, listed=True, section=DAYS
    )
    known_to: Mapped[int | None] = field(
        _("距首次购买天数到"), sa.Integer, listed=True, section=DAYS
    )
    orders_to: Mapped[int | None] = field(
        _("累计购买次数到"), sa.Integer, listed=True, section=DAYS
    )
    active: Mapped[bool] = field(
        _("启用"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=True,
        listed=True,
        filter=True,
    )

    __table_args__ = (*_checks(),)

    def __str__(self) -> str:
        """Return the name in the reader's language where there is one."""
        locale = get_locale()
        english = locale is not None and locale.language == "en"
        return (self.name_en or self.name) if english else self.name
