"""Files given with a comment or a decision: kept for ever, like the event they hang on."""

from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity

if TYPE_CHECKING:
    from models.approval.request import ApprovalEvent


class ApprovalFile(Model):
    """One file of one event, whose actor and time are the file's; its bytes lie in the store."""

    __tablename__ = "approval_file"
    __noun__ = "approvalfile"
    __caption__ = _("审批附件")
    __entity__ = Entity(
        sight="of event_id", traits="forever forgets", rules="approval", audited=False
    )

    event_id: Mapped[int] = mapped_column(
        sa.ForeignKey("approval_event.id"), nullable=False, index=True
    )
    name: Mapped[str] = mapped_column(sa.String(200), nullable=False)
    size: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    sha256: Mapped[str] = mapped_column(sa.String(64), nullable=False, index=True)
    mime: Mapped[str] = mapped_column(sa.String(100), nullable=False)

    event: Mapped["ApprovalEvent"] = relationship(back_populates="files")

    __table_args__ = (
        sa.CheckConstraint("size > 0", name="not_empty"),
        sa.CheckConstraint("length(sha256) = 64", name="digest_whole"),
    )

    def __str__(self) -> str:
        """Return the file's name."""
        return self.name
