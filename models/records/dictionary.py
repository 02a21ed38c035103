"""Dictionary options: the drop-down values a company edits itself."""

from typing import Any

import sqlalchemy as sa
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped

from models.core.base import Model
from models.core.entity import Entity, Imports
from models.core.field import field
from models.core.keys import sorting
from models.core.labels import Labelled
from models.core.mixins import Stamped
from models.core.types import named
from models.records.industry import section_of


class DictionaryKind(Labelled):
    """Which drop-down an option belongs to."""

    source = "source", _("客户来源")
    industry = "industry", _("行业")
    purpose = "purpose", _("跟进目的")
    lost_reason = "lost_reason", _("丢单原因")
    pay_term = "pay_term", _("付款方式")


class Colour(Labelled):
    """The tag colours of the skin; never the only sign of a meaning."""

    grey = "grey", _("灰")
    info = "info", _("蓝")
    ok = "ok", _("绿")
    warn = "warn", _("橙")
    bad = "bad", _("红")


class DictionaryOption(Model, Stamped):
    """One value; a disabled one stays on old records and is offered on no new one."""

    __tablename__ = "dictionary_option"
    __noun__ = "dictionary"
    __caption__ = _("字典")
    __entity__ = Entity(
        kind="system",
        order=13,
        icon="book",
        section="system",
        sight="everybody",
        traits="importable",
        grants={"office": "read create edit delete import"},
        called=("label",),
        imports=Imports(keys=(), unique=("kind+code", "kind+label"), rank=-4),
    )

    kind: Mapped[DictionaryKind] = field(
        _("字典"), named(DictionaryKind), nullable=False, required=True, listed=True, filter=True
    )
    code: Mapped[str] = field(_("编码"), sa.String(40), nullable=False, required=True, listed=True)
    label: Mapped[str] = field(
        _("名称"), sa.String(60), nullable=False, required=True, listed=True, search=True
    )
    label_en: Mapped[str] = field(_("英文名称"), sa.String(80), nullable=False, default="")
    colour: Mapped[Colour] = field(
        _("颜色"), named(Colour), nullable=False, default=Colour.grey, listed=True, radio=True
    )
    ordinal: Mapped[int] = field(_("排序"), sa.Integer, nullable=False, default=0, listed=True)
    active: Mapped[bool] = field(
        _("启用"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=True,
        listed=True,
        filter=True,
    )
    sort_key: Mapped[str | None] = sorting("label")

    __table_args__ = (sa.UniqueConstraint("kind", "code"), sa.UniqueConstraint("kind", "label"))

    def __str__(self) -> str:
        """Return the label in the reader's language where there is one."""
        return (self.label_en or self.label) if _english() else self.label

    @property
    def section(self) -> str:
        """Return the letter of the section that a division of GB/T 4754 belongs to, else ""."""
        return section_of(self.code) if self.kind is DictionaryKind.industry else ""

    @classmethod
    def worded(cls) -> Any:
        """Return the expression of the label in the reader's language, for statements."""
        english = sa.func.coalesce(sa.func.nullif(cls.label_en, ""), cls.label)
        return english if _english() else cls.label


def _english() -> bool:
    locale = get_locale()
    return locale is not None and locale.language == "en"
