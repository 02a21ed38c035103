"""需求标签: what a company's customers need, by words it edits, and who was found to need it."""

import sqlalchemy as sa
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.labels import Labelled
from models.core.mixins import Stamped
from models.core.types import named
from models.portrait.customer_portrait import COMPUTED, of_customer
from models.portrait.segment_rule import READERS


class NeedRule(Model, Stamped):
    """A need: any of its words, in names of products or in what was written, speaks for it."""

    __tablename__ = "need_rule"
    __noun__ = "needrule"
    __caption__ = _("需求标签")
    __entity__ = Entity(
        kind="system",
        order=19,
        icon="speech",
        section="system",
        sight="everybody",
        grants=dict.fromkeys(READERS, "read") | {"office": "read create edit delete"},
        called=("name",),
    )

    ordinal: Mapped[int] = field(_("排序"), sa.Integer, nullable=False, default=1, listed=True)
    name: Mapped[str] = field(
        _("名称"),
        sa.String(40),
        nullable=False,
        unique=True,
        required=True,
        listed=True,
        search=True,
    )
    name_en: Mapped[str] = field(_("英文名称"), sa.String(60), nullable=False, default="")
    words: Mapped[str] = field(
        _("关键词"),
        sa.String(300),
        nullable=False,
        required=True,
        listed=True,
        search=True,
        help=_("用逗号分开；产品名称、丢单原因、需求描述或跟进里出现任一个即归入"),
    )
    active: Mapped[bool] = field(
        _("启用"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=True,
        listed=True,
        filter=True,
    )

    def __str__(self) -> str:
        """Return the name in the reader's language where there is one."""
        locale = get_locale()
        english = locale is not None and locale.language == "en"
        return (self.name_en or self.name) if english else self.name


class NeedSource(Labelled):
    """What speaks for a need."""

    bought = "bought", _("买过")
    quoted = "quoted", _("报过价")
    lost = "lost", _("商机里写过")
    said = "said", _("跟进里说过")


class CustomerNeed(Model):
    """A need of a customer, how often one source spoke for it."""

    __tablename__ = "customer_need"
    __noun__ = "customerneed"
    __caption__ = _("客户需求")
    __entity__ = COMPUTED

    customer_id: Mapped[int] = of_customer()
    need_id: Mapped[int] = mapped_column(
        sa.ForeignKey("need_rule.id", ondelete="CASCADE"), nullable=False, index=True
    )
    source: Mapped[NeedSource] = mapped_column(named(NeedSource), nullable=False)
    hits: Mapped[int] = mapped_column(sa.Integer, nullable=False)
