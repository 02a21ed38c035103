"""People at a customer; one of them is the primary contact that the customer form edits."""

from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship, validates

from models.base import Model
from models.entity import Entity, Imports
from models.field import CONTACT, field
from models.keys import derived, phone_key
from models.labels import Labelled
from models.mixins import SoftDeleted, Stamped
from models.spelling import LONGEST, spelled_person
from models.tag import Tagged
from models.types import named

if TYPE_CHECKING:
    from models.customer import Customer


class Gender(Labelled):
    """As the source form asks: no default."""

    male = "male", _("男")
    female = "female", _("女")


class Contact(Model, Stamped, SoftDeleted, Tagged):
    """A contact person. Phones and addresses are kept as text, as they were given."""

    __tablename__ = "contact"
    __noun__ = "contact"
    __caption__ = _("联系人")
    __entity__ = Entity(
        kind="record",
        order=2,
        icon="users",
        section="records",
        sight="customer",
        traits="searchable importable linked large lookup part",
        grants={
            "office": "create edit import export delete_own",
            "sales": "create edit_own delete_own",
            "manager": "create edit export delete_own",
            "analyst": "export",
        },
        rules="approval merge",
        called=("name",),
        imports=Imports(keys=()),
    )

    customer_id: Mapped[int] = field(
        _("客户"),
        sa.ForeignKey("customer.id"),
        nullable=False,
        required=True,
        listed=True,
        filter=True,
        index=True,
    )
    name: Mapped[str | None] = field(
        _("联系人"), sa.String(60), required=True, listed=True, search=True, section=CONTACT
    )
    title: Mapped[str | None] = field(_("部门与职位"), sa.String(80), listed=True, section=CONTACT)
    mobile: Mapped[str | None] = field(
        _("手机"),
        sa.String(40),
        required=True,
        listed=True,
        search=True,
        sensitive=True,
        section=CONTACT,
        index=True,
    )
    wechat: Mapped[str | None] = field(_("微信"), sa.String(60), sensitive=True, section=CONTACT)
    email: Mapped[str | None] = field(_("邮箱"), sa.String(120), sensitive=True, section=CONTACT)
    qq: Mapped[str | None] = field(
        _("QQ"), sa.String(11), sensitive=True, section=CONTACT, widget="digits"
    )
    landline: Mapped[str | None] = field(_("座机"), sa.String(40), sensitive=True, section=CONTACT)
    gender: Mapped[Gender | None] = field(_("性别"), named(Gender), radio=True, section=CONTACT)
    is_primary: Mapped[bool] = field(
        _("主要联系人"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        form=False,
        listed=True,
    )

    pinyin: Mapped[str | None] = derived("name", spelled_person, LONGEST)
    mobile_key: Mapped[str | None] = derived("mobile", phone_key)
    landline_key: Mapped[str | None] = derived("landline", phone_key)

    customer: Mapped["Customer"] = relationship(back_populates="contacts")

    __table_args__ = (
        sa.Index(
            "uq_contact_primary",
            "customer_id",
            unique=True,
            sqlite_where=sa.text("is_primary AND deleted_at IS NULL"),
            postgresql_where=sa.text("is_primary AND deleted_at IS NULL"),
        ),
        sa.Index("ix_contact_mobile_key", "mobile_key"),
        sa.Index("ix_contact_landline_key", "landline_key"),
        sa.CheckConstraint("qq IS NULL OR length(qq) BETWEEN 5 AND 11", name="qq_length"),
    )

    @validates("mobile", "landline")
    def _keep_keys(self, key: str, value: str | None) -> str | None:
        setattr(self, f"{key}_key", phone_key(value))
        return value

    @validates("name")
    def _keep_spelling(self, _key: str, value: str | None) -> str | None:
        self.pinyin = spelled_person(value)
        return value

    def __str__(self) -> str:
        """Return the name."""
        return self.name or str(_("未填写"))
