"""People at a customer; one of them is the primary contact that the customer form edits."""

from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.bulk.tag import Tagged
from models.core.base import Model
from models.core.entity import Entity, Imports
from models.core.field import CONTACT, field
from models.core.keys import TAIL, beginning, derived, mail_key, phone_key, phone_tail, sorting
from models.core.labels import Labelled
from models.core.mixins import SoftDeleted, Stamped
from models.core.spelling import LONGEST, person_sort_key, spelled_person
from models.core.types import named

if TYPE_CHECKING:
    from models.customers.customer import Customer


class Gender(Labelled):
    """As the source form asks: no default."""

    male = "male", _("男")
    female = "female", _("女")


class Contact(Model, Stamped, SoftDeleted, Tagged):
    """A contact person. Phones are kept as text, in one form."""

    __tablename__ = "contact"
    __noun__ = "contact"
    __caption__ = _("联系人")
    __entity__ = Entity(
        whole=("contacts", ""),
        kind="record",
        order=2,
        icon="contact",
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
        imports=Imports(keys=("external_ref", "customer_id+name")),
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
        _("联系人"),
        sa.String(60),
        required=True,
        listed=True,
        search=True,
        section=CONTACT,
        widget="name",
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
    external_ref: Mapped[str | None] = field(_("外部编号"), sa.String(80), form=False)

    pinyin: Mapped[str | None] = derived("name", spelled_person, LONGEST)
    sort_key: Mapped[str | None] = sorting("name", person_sort_key)
    mobile_key: Mapped[str | None] = derived("mobile", phone_key)
    landline_key: Mapped[str | None] = derived("landline", phone_key)
    mobile_tail: Mapped[str | None] = derived("mobile", phone_tail, TAIL)
    landline_tail: Mapped[str | None] = derived("landline", phone_tail, TAIL)
    email_key: Mapped[str | None] = beginning("email", mail_key)

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
        sa.Index("uq_contact_external_ref", "external_ref", unique=True),
        sa.Index("ix_contact_landline_key", "landline_key"),
        # Of those that have one: with the others an index of few numbers looks useless to SQLite.
        *(
            sa.Index(f"ix_contact_{key}", key, sqlite_where=there, postgresql_where=there)
            for key in ("mobile_tail", "landline_tail", "email_key")
            for there in (sa.text(f"{key} IS NOT NULL"),)
        ),
        sa.CheckConstraint("qq IS NULL OR length(qq) BETWEEN 5 AND 11", name="qq_length"),
    )

    def __str__(self) -> str:
        """Return the name."""
        return self.name or str(_("未填写"))
