"""The catalogue of settings: key, type, default, bounds, caption; values live in `setting`."""

import dataclasses
import re
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models import Setting
from services.errors import Invalid
from services.shifts import parse_shifts

PREFIX = re.compile(r"[A-Z0-9]{1,10}")


@dataclasses.dataclass(frozen=True, slots=True)
class Spec:
    """One setting; `low` and `high` bound numbers, texts are at most `high` characters."""

    caption: Any
    default: Any
    low: int = 0
    high: int = 120
    help: Any = ""


CATALOGUE: dict[str, Spec] = {
    "company.name": Spec(_("公司名称"), "武汉亚为电子科技有限公司"),
    "company.prefix": Spec(_("编号前缀"), "YAV", high=10, help=_("1–10 位大写字母或数字")),
    "import.max_mb": Spec(_("导入文件上限（MB）"), 5, low=1, high=50),
    "import.max_rows": Spec(_("单次导入行数上限"), 20_000, low=1, high=200_000),
    "import.at_once": Spec(_("超过多少行的导入由后台分批写入"), 2000, low=1, high=200_000),
    "attachment.max_mb": Spec(_("附件大小上限（MB）"), 20, low=1, high=50),
    "attachment.keep_days": Spec(_("已移除附件的保留天数"), 30, low=1, high=3650),
    "export.max_rows": Spec(_("单次导出行数上限"), 1_000_000, low=100, high=5_000_000),
    "follow_up.days_a": Spec(_("A级客户跟进间隔（天）"), 7, low=1, high=3650),
    "follow_up.days_b": Spec(_("B级客户跟进间隔（天）"), 15, low=1, high=3650),
    "follow_up.days_c": Spec(_("C级客户跟进间隔（天）"), 30, low=1, high=3650),
    "follow_up.days_d": Spec(_("D级客户跟进间隔（天）"), 60, low=1, high=3650),
    "visit.position": Spec(_("拜访签到必须有位置（1 为必须，0 为可以没有）"), 0, high=1),
    "pool.max_owned": Spec(_("每人客户数上限（领取时）"), 300, low=1, high=100_000),
    "pool.claims_a_day": Spec(_("每人每天领取上限"), 10, low=1, high=10_000),
    "pool.cooldown_days": Spec(_("退回公海后本人不能领取的天数"), 7, low=0, high=3650),
    "pool.days_a": Spec(_("A级客户多少天未跟进退回公海（0 为不退）"), 30, high=3650),
    "pool.days_b": Spec(_("B级客户多少天未跟进退回公海（0 为不退）"), 45, high=3650),
    "pool.days_c": Spec(_("C级客户多少天未跟进退回公海（0 为不退）"), 60, high=3650),
    "pool.days_d": Spec(_("D级客户多少天未跟进退回公海（0 为不退）"), 90, high=3650),
    "pool.warn_days": Spec(_("退回公海前多少天提醒"), 3, low=1, high=365),
    "approval.words": Spec(
        _("常用审批意见"),
        "资料完整，同意/请补充营业执照/请核对联系人手机",
        high=300,
        help=_("用 / 分开"),
    ),
    "approval.due_hours": Spec(_("审批时限（工作小时）"), 8, low=1, high=1000),
    "worktime.shifts": Spec(
        _("工作时段"), "09:00-12:00,13:00-18:00", help=_("如 09:00-12:00,13:00-18:00")
    ),
}


def get_setting(session: Session, key: str) -> Any:
    """Return the value of a setting, its default where nothing was saved."""
    table = Setting.__table__
    found = session.execute(sa.select(table.c.value).where(table.c.key == key)).scalar()
    return CATALOGUE[key].default if found is None else found


def all_settings(session: Session) -> dict[str, Any]:
    """Return key → value for the whole catalogue."""
    table = Setting.__table__
    saved: dict[str, Any] = dict(session.execute(sa.select(table.c.key, table.c.value)).all())
    return {key: saved.get(key, spec.default) for key, spec in CATALOGUE.items()}


def save_settings(session: Session, values: dict[str, str]) -> None:
    """Check the texts of a form and save what differs; raise Invalid with every bad key."""
    errors: dict[str, object] = {}
    clean = {}
    for key, text in values.items():
        if key not in CATALOGUE:
            errors[key] = _("没有这个设置")
            continue
        try:
            clean[key] = _parse(key, CATALOGUE[key], text.strip())
        except ValueError as problem:
            errors[key] = problem.args[0]
    if errors:
        raise Invalid(errors)
    rows = {row.key: row for row in session.scalars(sa.select(Setting))}
    for key, value in clean.items():
        row = rows.get(key) or Setting(key=key, value=CATALOGUE[key].default)
        if row.value != value:
            row.value = value
            session.add(row)
    session.flush()


def _parse(key: str, spec: Spec, text: str) -> Any:
    if isinstance(spec.default, int):
        if not text.isascii() or not text.isdigit() or not spec.low <= int(text) <= spec.high:
            raise ValueError(
                _("请输入 %(low)s 到 %(high)s 之间的整数", low=spec.low, high=spec.high)
            )
        return int(text)
    if not text or len(text) > spec.high:
        raise ValueError(_("请输入 1 到 %(high)s 个字符", high=spec.high))
    if key == "company.prefix" and not PREFIX.fullmatch(text):
        raise ValueError(_("前缀只能是 1–10 位大写字母或数字"))
    if key == "worktime.shifts":
        _check_shifts(text)
    return text


def _check_shifts(text: str) -> None:
    try:
        parse_shifts(text)
    except ValueError:
        raise ValueError(_("请按先后填写时段，如 09:00-12:00,13:00-18:00")) from None
