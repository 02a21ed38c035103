"""The parameters of the cockpit: which there are, in which order, and what people call them."""

from flask_babel import lazy_gettext as _

from dashboards.core.values import KEYS

PARAMETERS = {
    "owner": _("销售员"),
    "department": _("部门"),
    "department_only": _("仅本部门"),
    "customer": _("客户"),
    "contract": _("合同"),
    "level": _("等级"),
    "industry": _("行业"),
    "source": _("来源"),
    "province": _("省份"),
    "stage": _("阶段"),
    "kind": _("方式"),
    "product": _("产品"),
    "status": _("客户状态"),
    "bucket": _("未跟进天数"),
    "quarter": _("关闭季度"),
    "reached": _("到达过的阶段"),
    "hour": _("拜访时间"),
    "only": _("只看"),
    "preset": _("时间段"),
    "from": _("开始日期"),
    "to": _("结束日期"),
    "date": _("日期口径"),
    "undealt": _("含未成交客户"),
    "q": _("搜索"),
    "by": _("汇总方式"),
    "sort": _("排序"),
    "unit": _("金额单位"),
    "size": _("每页"),
    "density": _("行距"),
    "lang": _("语言"),
    "page": _("页码"),
    "as_of": _("数据截至"),
    "via": _("返回"),
}
COMMON = (
    "preset",
    "from",
    "to",
    "owner",
    "department",
    "department_only",
    "level",
    "industry",
    "source",
    "province",
    "q",
    "unit",
    "size",
    "density",
    "lang",
    "as_of",
)
ORDER = (
    "preset",
    "from",
    "to",
    "date",
    *KEYS,
    "undealt",
    "q",
    "by",
    "sort",
    "unit",
    "size",
    "density",
    "lang",
    "page",
    "as_of",
    "via",  # the page that a number was opened from, the way back
)
LOOKS = frozenset({"unit", "density", "lang"})  # how a page looks; lang: views/web/i18n.py
PLAIN = LOOKS | {
    "preset",
    "from",
    "to",
    "q",
    "by",
    "sort",
    "size",
    "page_size",
    "page",
    "as_of",
    "via",
}
# Filters of some summaries that any address may carry: a page that has no such thing says so.
ANY = ("stage", "kind")
