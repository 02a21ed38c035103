"""How papers of the company look: head, clauses and layout of contract, quotation and others."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import MORE, field
from models.core.labels import Labelled
from models.core.mixins import SoftDeleted, Stamped
from models.core.types import named


class PaperKind(Labelled):
    """What kind of paper it is; each is of one kind of record."""

    contract = "contract", _("合同书")
    quotation = "quotation", _("报价单")
    receipt = "receipt", _("收据")
    statement = "statement", _("对账单")
    delivery = "delivery", _("送货单")


class PaperTemplate(Model, Stamped, SoftDeleted):
    """The first active template of a kind is taken; its newest DOCX file is its Word layout.

    `layout` is HTML with placeholders for the PDF, blank for ours.
    """

    __tablename__ = "paper_template"
    __noun__ = "papertemplate"
    __caption__ = _("文书模板")
    __entity__ = Entity(
        kind="system",
        order=12,
        icon="paper",
        section="system",
        sight="everybody",
        traits="attachable",
        grants={"office": "read"},
        called=("name",),
    )

    name: Mapped[str] = field(
        _("名称"),
        sa.String(60),
        nullable=False,
        unique=True,
        required=True,
        listed=True,
        search=True,
    )
    kind: Mapped[PaperKind] = field(
        _("文书"), named(PaperKind), nullable=False, default=PaperKind.contract, listed=True
    )
    company: Mapped[str | None] = field(_("公司名称"), sa.String(120), listed=True)
    head: Mapped[str | None] = field(
        _("公司信息"), sa.Text, multiline=True, help=_("地址、电话、税号、开户行和账号，每行一项")
    )
    prices: Mapped[bool] = field(
        _("显示价格"), sa.Boolean(create_constraint=False), nullable=False, default=True
    )
    active: Mapped[bool] = field(
        _("启用"), sa.Boolean(create_constraint=False), nullable=False, default=True, listed=True
    )
    clauses: Mapped[str | None] = field(_("条款"), sa.Text, multiline=True, section=MORE)
    layout: Mapped[str | None] = field(
        _("PDF 版式"),
        sa.Text,
        multiline=True,
        section=MORE,
        help=_("HTML，用 {{ customer.name }} 这样的占位符；留空用内置版式。Word 版式在附件中上传"),
    )

    def __str__(self) -> str:
        """Return the name."""
        return self.name
