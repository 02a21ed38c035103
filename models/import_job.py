"""Import jobs: which file came in by whom, what it did and what was wrong with which row."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Model
from models.field import field
from models.types import UtcDateTime

if TYPE_CHECKING:
    from models.user import User


class ImportJob(Model):
    """One run over one file; counts by outcome (created, updated, unchanged, failed)."""

    __tablename__ = "import_job"
    __noun__ = "importjob"
    __caption__ = _("导入记录")

    file_name: Mapped[str] = field(
        _("文件"), sa.String(200), nullable=False, form=False, listed=True, search=True
    )
    digest: Mapped[str] = mapped_column(sa.String(64), nullable=False)
    mapping: Mapped[str] = field(_("映射"), sa.String(120), nullable=False, form=False, listed=True)
    at: Mapped[dt.datetime] = field(_("时间"), UtcDateTime, nullable=False, form=False, listed=True)
    actor_id: Mapped[int | None] = field(
        _("操作人"), sa.ForeignKey("user_account.id"), form=False, listed=True
    )
    counts: Mapped[dict[str, Any]] = field(
        _("结果"), sa.JSON, nullable=False, default=dict, form=False, listed=True
    )
    request_id: Mapped[int | None] = mapped_column(sa.ForeignKey("approval_request.id"))

    actor: Mapped["User | None"] = relationship()
    problems: Mapped[list["ImportProblem"]] = relationship(
        back_populates="job", order_by="ImportProblem.id", cascade="all, delete-orphan"
    )

    def __str__(self) -> str:
        """Return the file's name."""
        return self.file_name


class ImportProblem(Model):
    """One finding: the row and column, what is wrong and what to do."""

    __tablename__ = "import_problem"
    __noun__ = "importproblem"
    __caption__ = _("导入问题")

    job_id: Mapped[int] = mapped_column(
        sa.ForeignKey("import_job.id", ondelete="CASCADE"), nullable=False, index=True
    )
    line: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    column: Mapped[str] = mapped_column(sa.String(80), nullable=False, default="")
    value: Mapped[str] = mapped_column(sa.String(200), nullable=False, default="")
    code: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    fatal: Mapped[bool] = mapped_column(
        sa.Boolean(create_constraint=False), nullable=False, default=True
    )
    reason: Mapped[str] = mapped_column(sa.String(300), nullable=False)
    advice: Mapped[str] = mapped_column(sa.String(300), nullable=False, default="")

    job: Mapped[ImportJob] = relationship(back_populates="problems")
