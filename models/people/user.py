"""People who log in, and the departments they belong to are in department.py."""

from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from flask_security import UserMixin
from sqlalchemy import orm
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity, Imports
from models.core.field import field
from models.core.keys import sorting
from models.core.labels import Labelled
from models.core.mixins import Stamped
from models.core.spelling import person_sort_key
from models.core.types import named

if TYPE_CHECKING:
    from models.people.department import Department
    from models.people.role import Role


ADMIN = "admin"  # the role that may be asked for more than a password


class Language(Labelled):
    """The languages of the interface."""

    zh = "zh", _("中文")
    en = "en", _("English")

    @property
    def locale(self) -> str:
        """Return the code of the catalogue."""
        return "zh_Hans_CN" if self is Language.zh else self.name


user_role = sa.Table(
    "user_role",
    Model.metadata,
    sa.Column("user_id", sa.ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("role_id", sa.ForeignKey("role.id"), primary_key=True),
)


class User(Model, Stamped, UserMixin):  # type: ignore[misc] # Flask-Security has no stubs
    """A person: log-in, department, superior, roles. Reference data: names are seen by all."""

    __tablename__ = "user_account"
    __noun__ = "user"
    __caption__ = _("人员")
    __entity__ = Entity(
        kind="system",
        order=17,
        icon="users",
        section="system",
        sight="everybody",
        traits="importable",
        rules="profile",
        called=("name",),
        imports=Imports(keys=("email", "external_ref"), unique=("email",), rank=-2),
    )

    name: Mapped[str] = field(
        _("姓名"),
        sa.String(60),
        nullable=False,
        required=True,
        listed=True,
        search=True,
        widget="name",
    )
    email: Mapped[str] = field(
        _("登录邮箱"),
        sa.String(120),
        nullable=False,
        unique=True,
        required=True,
        listed=True,
        search=True,
    )
    mobile: Mapped[str | None] = field(_("手机"), sa.String(40), sensitive=True)
    department_id: Mapped[int | None] = field(
        _("部门"), sa.ForeignKey("department.id"), listed=True, filter=True, index=True
    )
    manager_id: Mapped[int | None] = field(
        _("直接上级"),
        sa.ForeignKey("user_account.id"),
        listed=True,
        help=_("数据范围为「本人及下属」时，上级可以看到下属的数据"),
    )
    language: Mapped[Language] = field(
        _("界面语言"), named(Language), nullable=False, default=Language.zh, server_default="zh"
    )
    active: Mapped[bool] = field(
        _("启用"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=True,
        listed=True,
        filter=True,
    )
    password: Mapped[str] = mapped_column(
        sa.String(255), nullable=False, info={"secret": True, "caption": _("密码")}
    )
    fs_uniquifier: Mapped[str] = mapped_column(sa.String(64), nullable=False, unique=True)
    # The second factor, as Flask-Security names and encrypts it; the last code that was used.
    tf_primary_method: Mapped[str | None] = mapped_column(sa.String(20))
    tf_totp_secret: Mapped[str | None] = mapped_column(
        sa.String(400), info={"secret": True, "caption": _("两步验证")}
    )
    tf_counter: Mapped[int | None] = mapped_column(sa.BigInteger)
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(
        sa.JSON(none_as_null=True), info={"secret": True, "caption": _("恢复码")}
    )
    external_ref: Mapped[str | None] = field(_("外部编号"), sa.String(80), form=False)
    sort_key: Mapped[str | None] = sorting("name", person_sort_key)
    # How many addresses the feed of the calendar had; 0 and below: there is none now.
    feed_round: Mapped[int] = mapped_column(
        sa.Integer,
        nullable=False,
        default=0,
        server_default="0",
        info={"secret": True, "caption": _("日历订阅")},
    )

    department: Mapped["Department | None"] = relationship(foreign_keys=[department_id])
    manager: Mapped["User | None"] = relationship(foreign_keys=[manager_id], remote_side="User.id")
    roles: Mapped[list["Role"]] = relationship(
        secondary=user_role, order_by="Role.id", info={"caption": _("角色")}
    )

    __table_args__ = (
        sa.CheckConstraint("manager_id IS NULL OR manager_id <> id", name="not_own_manager"),
        sa.Index("uq_user_account_external_ref", "external_ref", unique=True),
    )

    # Whom the installation asks for a second factor: "admin", "all" or "none"; the edge says how to
    # know it, since a model knows no application.
    asked_for_second: ClassVar[Any] = staticmethod(lambda: "none")

    def check_tf_required_setup(self) -> bool:
        """Tell whether the installation asks this person for a second factor.

        Asked of the connection: at the log-in nobody acts yet, and the gate hides all roles.
        """
        needed = str(self.asked_for_second())
        session = orm.object_session(self)
        if needed != ADMIN or session is None:
            return bool(needed == "all")
        role = Model.metadata.tables["role"]
        query = sa.select(role.c.id).join(user_role).where(role.c.name == ADMIN)
        mine = query.where(user_role.c.user_id == self.id)
        return session.connection().execute(mine).first() is not None

    def check_tf_required(
        self,
        methods: list[tuple[str, str]],
        _fresh: bool,  # noqa: FBT001 # the library's signature
    ) -> tuple[bool, list[tuple[str, str]]]:
        """Tell whether a code is asked for: of who has a second factor, or must have one."""
        return bool(methods) or self.check_tf_required_setup(), methods

    def __str__(self) -> str:
        """Return the name, which is what pickers and lists show."""
        return self.name
