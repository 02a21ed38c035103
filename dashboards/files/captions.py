"""Words of the cockpit's parameters."""

from flask_babel import lazy_gettext as _

PRESETS = {
    "today": _("今天"),
    "yesterday": _("昨天"),
    "week": _("本周"),
    "last_week": _("上周"),
    "month": _("本月"),
    "last_month": _("上月"),
    "quarter": _("本季"),
    "last_quarter": _("上季"),
    "year": _("今年"),
    "last_year": _("去年"),
    "7d": _("近 7 天"),
    "30d": _("近 30 天"),
    "90d": _("近 90 天"),
    "365d": _("近 365 天"),
}
DATES = {
    "created": _("按创建日期"),
    "expected": _("按预计成交日期"),
    "closed": _("按关闭日期"),
    "forecast": _("按成交或预计日期"),
}
COMPARED = {"previous": _("环比"), "year": _("同比")}
UNITS = {"yuan": _("元"), "wan": _("万元")}
ONLY = {
    "unpaid": _("未收齐的合同"),
    "owing": _("未收的期次（不计到账）"),
    "overdue": _("逾期的期次（不计到账）"),
    "surplus": _("有未分摊的期次（不计到账）"),
    "open": _("进行中商机"),
    "won": _("赢单的商机"),
    "lost": _("输单的商机"),
    "closed": _("已关闭的商机"),
    "manual": _("不含审批同步"),
    "missed": _("逾期未跟进"),
    "first": _("首访"),
    "alert": _("预警客户"),
    "dealing": _("有进行中商机的客户"),
    "signed": _("有合同的客户"),
}
