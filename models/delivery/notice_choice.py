"""How a person wants to be told: mails at once, once a day or not at all, and when it is quiet."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Model
from models.core.entity import Entity
from models.core.labels import Labelled
from models.core.types import named

DAY = 24 * 60  # minutes


class MailPace(Labelled):
    """How a kind of notice comes beside the bell, which shows all of them at once."""

    at_once = "at_once", _("立即发邮件")
    daily = "daily", _("每天汇总一封")
    never = "never", _("不发邮件")
    robot = "robot", _("发到我的机器人")


class NoticeChoice(Model):
    """One person's choice by kind; between `quiet_from` and `quiet_to` (minutes of a day) no mail.

    Who has no row gets every mail at once.
    """

    __tablename__ = "notice_choice"
    __noun__ = "noticechoice"
    __caption__ = _("通知设置")
    __entity__ = Entity(sight="person", rules="profile")

    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False, unique=True
    )
    tasks: Mapped[MailPace] = mapped_column(
        named(MailPace, "tasks_pace"),
        nullable=False,
        default=MailPace.at_once,
        info={"caption": _("待办通知")},
    )
    results: Mapped[MailPace] = mapped_column(
        named(MailPace, "results_pace"),
        nullable=False,
        default=MailPace.at_once,
        info={"caption": _("结果通知")},
    )
    others: Mapped[MailPace] = mapped_column(
        named(MailPace, "others_pace"),
        nullable=False,
        default=MailPace.at_once,
        info={"caption": _("其他通知")},
    )
    quiet_from: Mapped[int | None] = mapped_column(sa.Integer, info={"caption": _("免打扰开始")})
    quiet_to: Mapped[int | None] = mapped_column(sa.Integer, info={"caption": _("免打扰结束")})
    robot_url: Mapped[str | None] = mapped_column(
        sa.String(300), info={"secret": True, "caption": _("机器人地址")}
    )
    robot_secret: Mapped[str | None] = mapped_column(
        sa.String(100), info={"secret": True, "caption": _("机器人签名密钥")}
    )

    __table_args__ = (
        sa.CheckConstraint("(quiet_from IS NULL) = (quiet_to IS NULL)", name="quiet_has_both_ends"),
        sa.CheckConstraint(
            f"quiet_from BETWEEN 0 AND {DAY - 1} AND quiet_to BETWEEN 0 AND {DAY - 1}",
            name="quiet_within_day",
        ),
        sa.CheckConstraint(
            "(tasks <> 'robot' AND results <> 'robot' AND others <> 'robot') "
            "OR robot_url IS NOT NULL",
            name="robot_has_url",
        ),
    )
