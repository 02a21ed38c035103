"""Words of the cockpit's parameters."""

from flask_babel import lazy_gettext as _

PARAMETERS = {
    "owner": _("销售员"),
    "department": _("部门"),
    "customer": _("客户"),
    "level": _("等级"),
    "industry": _("行业"),
    "source": _("来源"),
    "province": _("省份"),
    "stage": _("阶段"),
    "kind": _("方式"),
    "product": _("产品"),
    "status": _("客户状态"),
    "bucket": _("未跟进天数"),
}
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
    "7d": _("近7天"),
    "30d": _("近30天"),
    "90d": _("近90天"),
    "365d": _("近365天"),
}
DATES = {"created": _("按创建日期"), "expected": _("按预计成交日"), "closed": _("按关闭日期")}
UNITS = {"yuan": _("元"), "wan": _("万元")}
