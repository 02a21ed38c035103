"""Number rules and the counter rows that keep record numbers without gaps."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.mixins import Stamped


class NumberRule(Model, Stamped):
    """How the numbers of one entity look: `{prefix}-{yyyymmdd}-{letter}{n}`."""

    __tablename__ = "number_rule"
    __noun__ = "numberrule"
    __caption__ = _("编号规则")
    __entity__ = Entity(kind="system", order=14, icon="hash", section="system", sight="everybody")

    noun: Mapped[str] = field(
        _("业务类型"), sa.String(40), nullable=False, unique=True, listed=True, form=False
    )
    pattern: Mapped[str] = field(
        _("规则"),
        sa.String(80),
        nullable=False,
        required=True,
        listed=True,
        help=_("可用：{prefix} 公司前缀、{yyyymmdd} 日期、{letter} 类别字母、{n} 当日序号"),
    )
    width: Mapped[int] = field(
        _("序号位数"),
        sa.Integer,
        nullable=False,
        default=1,
        listed=True,
        help=_("不足位数时前面补 0"),
    )

    __table_args__ = (sa.CheckConstraint("width BETWEEN 1 AND 9", name="width_sane"),)

    def __str__(self) -> str:
        """Return the noun."""
        return self.noun


class NumberCounter(Model):
    """The last number given for a key such as `customer:G:20261123`; one row, one lock."""

    __tablename__ = "number_counter"
    __noun__ = "numbercounter"
    __caption__ = _("编号流水")
    __entity__ = Entity(sight="everybody", rules="numbers", audited=False)

    key: Mapped[str] = field(_("编号类别"), sa.String(80), nullable=False, unique=True)
    n: Mapped[int] = field(_("序号"), sa.Integer, nullable=False, default=0)

    __table_args__ = (sa.CheckConstraint("n >= 0", name="n_counts_up"),)
