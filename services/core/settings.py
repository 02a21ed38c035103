"""The catalogue of settings: key, type, default, bounds, caption; values live in `setting`."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.setting import Setting
from services.core.errors import Invalid
from services.core.shifts import parse_shifts

PREFIX = re.compile(r"[A-Z0-9]{1,10}")


@dataclasses.dataclass(frozen=True, slots=True)
class Spec:
    """One setting; `low` and `high` bound numbers, texts are at most `high` characters.

    `effect` says what changes with it, `choices` are the only values (number → caption).
    """

    caption: Any
    default: Any
    low: int = 0
    high: int = 120
    unit: Any = ""
    effect: Any = ""
    choices: Mapping[int, Any] = dataclasses.field(default_factory=dict)


DAYS, ROWS, MEGABYTES = _("天"), _("行"), "MB"
LEVELS = {"a": _("A级客户"), "b": _("B级客户"), "c": _("C级客户"), "d": _("D级客户")}
PREFIXES = _("新编号的开头，已有的编号不变。1–10 位大写字母或数字")
SHIFTS = _("审批时限按这些时段计算，节假日见「工作日历」。如 09:00-12:00,13:00-18:00")
WORDS = "资料完整，同意/请补充营业执照/请核对联系人手机"


def _by_level(key: str, days: tuple[int, int, int, int], **spec: Any) -> dict[str, Spec]:
    """Return a number of days for each level of a customer."""
    return {
        f"{key}_{level}": Spec(caption, default, unit=DAYS, **spec)
        for (level, caption), default in zip(LEVELS.items(), days, strict=True)
    }


# Section → its settings, as an administrator sees them.
SECTIONS: dict[Any, dict[str, Spec]] = {
    _("编号"): {
        "company.prefix": Spec(_("编号前缀"), "YAV", high=10, effect=PREFIXES),
    },
    _("跟进间隔"): _by_level(
        "follow_up.days", (7, 15, 30, 60),
        low=1, high=3650, effect=_("超过这些天没有跟进，在客户跟踪汇总里算逾期"),
    ),
    _("拜访"): {
        "visit.position": Spec(
            _("签到须定位"), 0, high=1,
            choices={0: _("否"), 1: _("是")},
            effect=_("选「是」时，手机不允许定位就不能签到"),
        ),
    },
    _("公海"): {
        **_by_level(
            "pool.days", (30, 45, 60, 90),
            high=3650, effect=_("这些天没有跟进就自动退回公海；0 为不退"),
        ),
        "pool.warn_days": Spec(
            _("提前提醒"), 3, low=1, high=365, unit=DAYS, effect=_("退回公海前这些天提醒销售员")
        ),
        "pool.cooldown_days": Spec(
            _("退回后不能再领"), 7, high=3650, unit=DAYS,
            effect=_("自己退回的客户，这些天内本人不能再领取"),
        ),
        "pool.max_owned": Spec(
            _("每人客户数上限"), 300, low=1, high=100_000, unit=_("家"),
            effect=_("达到后不能再领取，已有的客户不受影响"),
        ),
        "pool.claims_a_day": Spec(
            _("每人每天领取上限"), 10, low=1, high=10_000, unit=_("家"),
            effect=_("达到后当天不能再领取"),
        ),
    },
    _("回款"): {
        "collection.remind_days": Spec(
            _("提前提醒"), 7, high=90, unit=DAYS,
            effect=_("应收日期前这些天提醒销售员，0 为不提前；逾期 1、7、30 天各再提醒一次"),
        ),
    },
    _("合同"): {
        "contract.done_invoiced": Spec(
            _("履行完毕的条件"), 1, high=1,
            choices={1: _("交付、开足发票并收齐"), 0: _("交付并收齐")},
            effect=_("满足条件的合同自动转为履行完毕；冲销或退回后自动恢复履行中"),
        ),
        "contract.renew_days": Spec(
            _("到期提醒"), 30, high=365, unit=DAYS,
            effect=_("结束日期前这些天提醒销售员，0 为不提醒"),
        ),
        "contract.renew_again_days": Spec(
            _("再次提醒"), 7, high=365, unit=DAYS,
            effect=_("临近结束日期时再提醒一次，0 为不提醒"),
        ),
    },
    _("审批与工作时间"): {
        "approval.words": Spec(
            _("常用审批意见"), WORDS, high=300, effect=_("审批时点一下即可填入，用 / 分开")
        ),
        "approval.due_hours": Spec(
            _("审批时限"), 8, low=1, high=1000, unit=_("工作小时"),
            effect=_("步骤没有自己的时限时按这个提醒和升级"),
        ),
        "worktime.shifts": Spec(_("工作时段"), "09:00-12:00,13:00-18:00", effect=SHIFTS),
    },
    _("数据驾驶舱"): {
        "cockpit.year_starts": Spec(
            _("财年起始月"), 1, low=1, high=12, unit=_("月"),
            effect=_("透视分析的「季度」「年度」从这个月起算；时间段「本季」「今年」仍按公历"),
        ),
    },
    _("客户画像"): {
        "portrait.window_days": Spec(
            _("统计窗口"), 365, low=30, high=3650, unit=DAYS,
            effect=_("购买次数和购买金额只算这些天内的，最近购买不受影响"),
        ),
        "portrait.horizon_days": Spec(
            _("流失期限"), 90, low=14, high=365, unit=DAYS,
            effect=_("流失概率指今后这些天内不再购买的概率"),
        ),
        "portrait.offers": Spec(
            _("每位客户的推荐数"), 10, low=3, high=20, unit=_("个"),
            effect=_("再来一单和新品推荐各保留这么多"),
        ),
        "push.every_days": Spec(
            _("推送间隔"), 14, high=365, unit=DAYS,
            effect=_("这些天内推送过的客户不再推送，0 为不限"),
        ),
        "push.quiet_from": Spec(
            _("免打扰开始"), 20, high=23, unit=_("点"),
            effect=_("免打扰时段内的推送邮件等到结束后再发；开始与结束相同为不设"),
        ),
        "push.quiet_to": Spec(
            _("免打扰结束"), 8, high=23, unit=_("点"), effect=_("从这个整点起又可以发送推送邮件")
        ),
    },
    _("数据保留"): {
        "keep.letters_days": Spec(
            _("已发出的邮件"), 30, low=7, high=3650, unit=DAYS,
            effect=_("这些天后从发件箱删除，未发出的保留"),
        ),
        "keep.notices_days": Spec(
            _("已读通知"), 365, low=90, high=3650, unit=DAYS, effect=_("这些天后删除，未读的保留")
        ),
        "keep.problems_days": Spec(
            _("导入的问题行"), 365, low=7, high=3650, unit=DAYS,
            effect=_("这些天后删除问题行的原文，导入记录保留"),
        ),
    },
    _("文件"): {
        "import.max_mb": Spec(
            _("导入文件上限"), 5, low=1, high=50, unit=MEGABYTES, effect=_("更大的文件不能上传")
        ),
        "import.max_rows": Spec(
            _("单次导入上限"), 20_000, low=1, high=200_000, unit=ROWS,
            effect=_("行数更多的文件要先分成几个"),
        ),
        "import.at_once": Spec(
            _("直接写入的导入"), 200, low=1, high=200, unit=ROWS,
            effect=_("行数更多时由后台分批写入，页面显示进度"),
        ),
        "export.max_rows": Spec(
            _("单次导出上限"), 1_000_000, low=100, high=5_000_000, unit=ROWS,
            effect=_("更多时请先筛选"),
        ),
        "attachment.max_mb": Spec(
            _("附件上限"), 20, low=1, high=50, unit=MEGABYTES, effect=_("更大的附件不能上传")
        ),
        "attachment.keep_days": Spec(
            _("已移除附件的保留"), 30, low=1, high=3650, unit=DAYS,
            effect=_("这些天后永久删除文件内容"),
        ),
    },
}  # fmt: skip
CATALOGUE: dict[str, Spec] = {key: spec for one in SECTIONS.values() for key, spec in one.items()}


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
