"""What entities share: stamps and versions, an owner, a review, a recycle bin."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship
from sqlalchemy.sql.schema import SchemaItem

from models.core.field import PEOPLE, TRACE, field
from models.core.labels import Labelled
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.people.user import User

LATE = 900  # mixin columns come after the entity's own ones


class Approval(Labelled):
    """Where a reviewed record stands; only the approval service moves it."""

    draft = "draft", _("草稿")
    pending = "pending", _("审批中")
    approved = "approved", _("已通过")
    rejected = "rejected", _("已驳回")
    withdrawn = "withdrawn", _("已撤回")


class ApprovalStanding(Labelled):
    """Where a record stands as people tell it: what was given back apart from what never came."""

    draft = "draft", Approval.draft.caption
    pending = "pending", Approval.pending.caption
    approved = "approved", Approval.approved.caption
    rejected = "rejected", Approval.rejected.caption
    withdrawn = "withdrawn", Approval.withdrawn.caption
    revoked = "revoked", lazy_pgettext("approval", "已撤销")


def standing(approval: Approval, revoked_at: dt.datetime | None) -> Any:
    """Return a state in words: an approval that was given back is not one that never came."""
    return approval.caption if revoked_at is None else ApprovalStanding.revoked.caption


class Stamped:
    """Who made it and when, and a version that every update must have seen."""

    created_at: Mapped[dt.datetime] = field(
        _("创建时间"),
        UtcDateTime,
        nullable=False,
        form=False,
        section=TRACE,
        filter=True,
        index=True,
        sort_order=LATE + 1,
    )
    updated_at: Mapped[dt.datetime] = field(
        _("更新时间"), UtcDateTime, nullable=False, form=False, section=TRACE, sort_order=LATE + 2
    )
    row_version: Mapped[int] = mapped_column(
        sa.Integer, nullable=False, default=1, server_default="1", sort_order=LATE + 3
    )

    @declared_attr
    @classmethod
    def created_by_id(cls) -> Mapped[int | None]:
        """Return the key of the person who entered the record; empty for the system."""
        return field(
            _("创建人"),
            sa.ForeignKey("user_account.id"),
            form=False,
            section=TRACE,
            sort_order=LATE,
        )

    @declared_attr
    @classmethod
    def created_by(cls) -> Mapped["User | None"]:
        """Return the person who entered the record."""
        return relationship("User", foreign_keys=f"{cls.__name__}.created_by_id")

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        """Let SQLAlchemy compare and count the version on every UPDATE."""
        return {"version_id_col": cls.row_version}


class SoftDeleted:
    """Deleting means a time in `deleted_at`; the read gate hides such rows."""

    deleted_at: Mapped[dt.datetime | None] = mapped_column(
        UtcDateTime, nullable=True, sort_order=LATE + 4
    )


class Owned:
    """A salesperson answers for it now; who did when it was created is stamped once."""

    @declared_attr
    @classmethod
    def owner_id(cls) -> Mapped[int | None]:
        """Return the key of the salesperson; NULL on a customer means 公海, the public pool."""
        return field(
            _("亚为销售员"),
            sa.ForeignKey("user_account.id"),
            required=True,
            listed=True,
            filter=True,
            section=PEOPLE,
            index=True,
            sort_order=LATE - 20,
        )

    @declared_attr
    @classmethod
    def owner(cls) -> Mapped["User | None"]:
        """Return the salesperson."""
        return relationship("User", foreign_keys=f"{cls.__name__}.owner_id")

    @declared_attr
    @classmethod
    def created_owner_id(cls) -> Mapped[int | None]:
        """Return the stamp of the first owner, never rewritten."""
        return mapped_column(sa.ForeignKey("user_account.id"), nullable=True, sort_order=LATE + 5)

    @declared_attr
    @classmethod
    def created_department_id(cls) -> Mapped[int | None]:
        """Return the stamp of the first owner's department at that time, never rewritten."""
        return mapped_column(sa.ForeignKey("department.id"), nullable=True, sort_order=LATE + 6)


class Reviewed:
    """Goes through approval: draft → pending → approved | rejected | withdrawn.

    Mixed in with Stamped, Owned and SoftDeleted it is complete: numbers, flow, grants, sight and
    the guards in the database are derived (services/schema/declared.py refuses to start where
    not). An entity with `__table_args__` of its own puts `*review_checks()` into them.
    """

    code: Mapped[str | None] = field(
        _("编号"), sa.String(40), unique=True, form=False, listed=True, search=True
    )

    approval: Mapped[Approval] = field(
        _("审批状态"),
        named(Approval),
        nullable=False,
        default=Approval.draft,
        server_default="draft",
        form=False,
        listed=True,
        filter=True,
        index=True,
        section=TRACE,
        sort_order=LATE - 9,
    )
    submitted_at: Mapped[dt.datetime | None] = field(
        _("提交时间"), UtcDateTime, form=False, section=TRACE, sort_order=LATE - 8
    )
    decided_at: Mapped[dt.datetime | None] = field(
        _("审批时间"), UtcDateTime, form=False, section=TRACE, sort_order=LATE - 7
    )
    revoked_at: Mapped[dt.datetime | None] = field(
        lazy_pgettext("approval", "撤销时间"),
        UtcDateTime,
        form=False,
        filter=True,
        section=TRACE,
        sort_order=LATE - 7,
    )
    approval_round: Mapped[int] = mapped_column(
        sa.Integer, nullable=False, default=0, server_default="0", sort_order=LATE - 6
    )
    external_ref: Mapped[str | None] = field(
        _("外部编号"), sa.String(80), form=False, section=TRACE, sort_order=LATE - 5
    )

    @property
    def standing(self) -> Any:
        """Return its state in words."""
        return standing(self.approval, self.revoked_at)

    @declared_attr
    @classmethod
    def submitted_by_id(cls) -> Mapped[int | None]:
        """Return the key of the person who submitted the current round."""
        return field(
            _("提交人"),
            sa.ForeignKey("user_account.id"),
            form=False,
            section=TRACE,
            sort_order=LATE - 4,
        )

    @declared_attr
    @classmethod
    def submitted_by(cls) -> Mapped["User | None"]:
        """Return the person who submitted the current round."""
        return relationship("User", foreign_keys=f"{cls.__name__}.submitted_by_id")

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[SchemaItem, ...]:
        """Return the CHECKs for an entity that has no others."""
        return review_checks()

    @declared_attr
    @classmethod
    def last_editor_id(cls) -> Mapped[int | None]:
        """Return who last changed the content: like the submitter he may not approve it."""
        return mapped_column(sa.ForeignKey("user_account.id"), nullable=True, sort_order=LATE - 3)


def review_checks() -> tuple[SchemaItem, ...]:
    """Return the CHECKs every reviewed table has: what is decided has a time, and so on."""
    return (
        sa.CheckConstraint(
            "(approval IN ('approved', 'rejected')) = (decided_at IS NOT NULL)",
            name="decided_has_time",
        ),
        sa.CheckConstraint(
            "approval <> 'pending' OR (submitted_at IS NOT NULL AND submitted_by_id IS NOT NULL)",
            name="pending_has_submitter",
        ),
        sa.CheckConstraint(
            "approval NOT IN ('pending', 'approved') OR code IS NOT NULL", name="submitted_has_code"
        ),
    )
