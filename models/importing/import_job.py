"""Import jobs: which file came in by whom, what it did and what was wrong with which row."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.labels import Labelled
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.people.user import User


class ImportState(Labelled):
    """How far a file came."""

    uploaded = "uploaded", _("待导入")
    done = "done", _("已导入")
    undone = "undone", _("已撤销")
    checking = "checking", _("检查中")
    running = "running", _("导入中")
    returning = "returning", _("撤销中")


IMPORTING = (ImportState.checking, ImportState.running, ImportState.returning)


class ImportJob(Model):
    """One run over one file; counts by outcome (created, updated, unchanged, failed).

    `options` holds what a person chose in the browser (column → field, key, approval); `content`
    the uploaded bytes until everything in them is imported. A large file waits as ImportLine rows
    instead, and the worker moves it through the states IMPORTING.
    """

    __tablename__ = "import_job"
    __noun__ = "importjob"
    __caption__ = _("导入记录")
    __entity__ = Entity(
        kind="system",
        order=23,
        icon="upload",
        section="system",
        sight="importjob",
        grants={"office": "read"},
        rules="import",
    )

    file_name: Mapped[str] = field(
        _("文件"), sa.String(200), nullable=False, form=False, listed=True, search=True
    )
    digest: Mapped[str] = mapped_column(sa.String(64), nullable=False)
    mapping: Mapped[str] = field(
        _("列对应"), sa.String(120), nullable=False, form=False, listed=True
    )
    at: Mapped[dt.datetime] = field(_("时间"), UtcDateTime, nullable=False, form=False, listed=True)
    actor_id: Mapped[int | None] = field(
        _("操作人"), sa.ForeignKey("user_account.id"), form=False, listed=True
    )
    counts: Mapped[dict[str, Any]] = field(
        _("结果"), sa.JSON, nullable=False, default=dict, form=False, listed=True
    )
    noun: Mapped[str] = mapped_column(sa.String(40), nullable=False, default="", server_default="")
    state: Mapped[ImportState] = field(
        _("状态"),
        named(ImportState),
        nullable=False,
        default=ImportState.done,
        server_default="done",
        form=False,
        listed=True,
    )
    options: Mapped[dict[str, Any]] = mapped_column(
        sa.JSON, nullable=False, default=dict, server_default="{}"
    )
    content: Mapped[bytes | None] = mapped_column(sa.LargeBinary, nullable=True, deferred=True)
    request_id: Mapped[int | None] = mapped_column(sa.ForeignKey("approval_request.id"))
    batch_id: Mapped[int | None] = mapped_column(sa.ForeignKey("batch_job.id"))

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
    __entity__ = Entity(sight="of job_id", rules="import", audited=False)

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


class ImportLine(Model):
    """A line of a large file: its texts by the head of the job, and whether it was dealt with."""

    __tablename__ = "import_line"
    __noun__ = "importline"
    __caption__ = _("导入行")
    __entity__ = Entity(sight="of job_id", rules="import", audited=False)

    job_id: Mapped[int] = mapped_column(
        sa.ForeignKey("import_job.id", ondelete="CASCADE"), nullable=False
    )
    line: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    texts: Mapped[list[str]] = mapped_column(sa.JSON, nullable=False)
    done: Mapped[bool] = mapped_column(
        sa.Boolean(create_constraint=False), nullable=False, default=False
    )

    __table_args__ = (sa.Index("ix_import_line_job", "job_id", "done", "id"),)


class ImportRow(Model):
    """What a job did to which record: `seen_version` tells whether it was touched since.

    `before` holds the old values of an updated record, so that the job can be undone.
    """

    __tablename__ = "import_row"
    __noun__ = "importrow"
    __caption__ = _("导入明细")
    __entity__ = Entity(sight="of job_id", rules="import", audited=False)

    job_id: Mapped[int] = mapped_column(
        sa.ForeignKey("import_job.id", ondelete="CASCADE"), nullable=False, index=True
    )
    noun: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    record_id: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    line: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    fresh: Mapped[bool] = mapped_column(sa.Boolean(create_constraint=False), nullable=False)
    seen_version: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    before: Mapped[dict[str, Any]] = mapped_column(sa.JSON, nullable=False, default=dict)

    __table_args__ = (sa.Index("ix_import_row_record", "noun", "record_id"),)
