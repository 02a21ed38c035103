"""What other tables call our fields: heads a guess understands beside our own captions.

Spelt as `plain` leaves a head. A head that may be several fields lists them; the first free one
is taken, so that 电话 beside 手机 is the landline.
"""

import re
from collections.abc import Mapping


def _any(field: str | tuple[str, ...], *heads: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(heads, (field,) if isinstance(field, str) else field)


COMPANY = (
    *(
        "公司名称",
        "客户名称",
        "单位名称",
        "客户单位",
        "企业名称",
        "客户全称",
        "公司全称",
        "单位全称",
    ),
    *("公司", "单位", "企业", "客户", "company", "companyname", "account", "accountname"),
    *("customer", "customername", "organization", "organisation", "client"),
)
OWNER = _any(
    "owner_id",
    *(
        "销售员",
        "业务员",
        "负责人",
        "销售",
        "客户经理",
        "销售人员",
        "销售代表",
        "业务经理",
        "跟进人",
    ),
    *("客户负责人", "归属人", "所属人", "所属销售", "所有者", "owner", "salesagent", "salesrep"),
    *("salesperson", "dealowner", "opportunityowner", "accountowner", "assignedto"),
)
CUSTOMER = _any("customer_id", *COMPANY)
MONEY = {"金额": ("amount",), "金额元": ("amount",)}
STATE = {"状态": ("state",)}
PHONES = (
    *("手机号", "手机号码", "电话", "联系电话", "联系方式", "电话号码", "联系人手机", "联系人电话"),
    *("移动电话", "mobile", "phone", "phonenumber", "telephone", "cell"),
)
REACH = {  # of a contact, by what it is called without its customer
    "title": ("职位", "职务", "部门职位", "职称", "部门", "jobtitle", "title", "position"),
    "landline": ("固定电话", "固话", "办公电话"),
    "email": ("电子邮箱", "邮箱地址", "电子邮件", "email", "emailaddress"),
    "wechat": ("微信号", "微信号码"),
    "qq": ("qq号", "qq号码"),
}
NAMED = ("姓名", "联系人姓名", "联系人名称", "联络人", "contact", "contactname", "contactperson")
MADE_ON = _any("created_at", "建档日期", "建档时间", "创建日期", "录入时间", "录入日期", "登记日期")
REMARK = _any("remark", "备注信息", "备注说明", "说明", "notes", "note", "comments")
# Heads of which each is one level of a place: together they are one field.
PLACES = frozenset({"省", "省份", "所在省", "市", "城市", "所在市", "所在城市", "地市", "地级市"})
PLACES |= {"区", "县", "区县", "所在区", "所在区县", "县区"}
PLACED = "region_code"

ALIASES: dict[str, Mapping[str, tuple[str, ...]]] = {
    "customer": OWNER
    | MADE_ON
    | REMARK
    | _any("company", *COMPANY)
    | _any("level", "等级", "客户级别", "级别", "重要程度", "客户重要性")
    | _any("source_id", "来源", "来源渠道", "渠道", "获客渠道", "线索来源", "leadsource", "source")
    | _any("status", "状态", "跟进状态", "客户阶段", "跟进阶段", "status")
    | _any("customer_class", "类别", "客户类型", "客户性质", "类型")
    | _any("industry_id", "所属行业", "行业类别", "客户行业", "行业分类", "industry", "sector")
    | _any("region_code", "地区", "所在地区", "所在地", "所属地区", "区域", "所属区域", "省市区")
    | _any("street", "地址", "公司地址", "单位地址", "通讯地址", "联系地址", "address", "street")
    | _any("primary.name", *NAMED)
    | _any(("primary.mobile", "primary.landline"), *PHONES)
    | {head: (f"primary.{key}",) for key, heads in REACH.items() for head in heads},
    "contact": CUSTOMER
    | MADE_ON
    | _any("name", *NAMED)
    | _any(("mobile", "landline"), *PHONES)
    | {head: (key,) for key, heads in REACH.items() for head in heads},
    "opportunity": OWNER
    | CUSTOMER
    | MADE_ON
    | REMARK
    | _any("name", "商机", "项目名称", "项目", "deal", "dealname", "opportunity", "opportunityname")
    | _any("amount", "商机金额", "预计金额", "预计成交金额", "amount", "value", "dealvalue")
    | _any("amount", "dealamount", "金额", "金额元")
    | _any("stage_id", "商机阶段", "销售阶段", "dealstage", "stage", "salesstage")
    | _any("expected_on", "预计成交日期", "预计签单日期", "预计签约日期", "预计结单日期")
    | _any("expected_on", "closedate", "expectedclose", "expectedclosedate", "closingdate")
    | _any("source_id", "商机来源", "来源渠道", "leadsource", "source")
    | _any("probability", "赢率", "成交概率", "probability", "winprobability"),
    "contract": OWNER
    | CUSTOMER
    | MONEY
    | STATE
    | {"签订日期": ("signed_on",), "签约日期": ("signed_on",)}
    | {"开始日": ("start_on",), "结束日": ("end_on",)},
    "order": STATE | {"交付日期": ("deliver_on",), "合同编号": ("contract_id",)},
    "payment": MONEY
    | {"日期": ("paid_on",), "合同编号": ("contract_id",)}
    | _any("method", "付款方式", "方式", "支付方式", "收款方式"),
    "bankline": _any(
        "reference",
        *("流水", "交易流水号", "交易流水", "核心流水号", "账户明细编号交易流水号", "交易序号"),
        *("凭证号", "业务编号", "日志号", "交易号", "银行流水号"),
    )
    | _any("booked_on", "交易日期", "记账日期", "入账时间", "交易时间", "记账日", "交易日", "日期")
    | _any("amount", "收入", "收入元", "收入金额元", "贷方发生额", "贷方金额", "贷方", "转入金额")
    | _any("amount", "贷方发生额元", "贷方发生额收入", "贷方发生额元收入", "收款金额", "交易金额")
    | _any("payer", "对方名称", "对方单位", "对方单位名称", "付款人名称", "付款方名称", "付款人")
    | _any("payer", "付款人户名", "付款方户名", "对方账户名称", "对手户名", "交易对手")
    | _any("payer_account", "对方帐号", "付款人账号", "付款方账号", "对手账号", "对方账户")
    | _any("note", "摘要", "用途", "备注", "交易附言", "交易摘要"),
    "followup": OWNER
    | CUSTOMER
    | {"日期": ("at",), "时间": ("at",), "方式": ("kind",), "内容": ("content",)},
    "product": {"名称": ("name",), "单价": ("price",), "价格": ("price",), "系列": ("category",)},
    "user": {
        "邮箱": ("email",),
        "手机号": ("mobile",),
        "电话": ("mobile",),
        "上级": ("manager_id",),
    },
    "department": {"部门": ("name",), "名称": ("name",), "上级": ("parent_id",)}
    | {"负责人": ("head_id",)},
    "dictionary": {"代码": ("code",)},
    "target": OWNER
    | _any("month", "月", "年月", "目标月份", "month")
    | _any("owner_id", "姓名", "员工", "人员")
    | _any("department_id", "所属部门", "销售部门", "department", "team")
    | _any("amount", "目标", "业绩目标", "销售目标", "目标金额", "金额", "target", "quota"),
}


def plain(text: str) -> str:
    """Return a head without what people add to it: blanks, stars, brackets, slashes, case."""
    return re.sub(r"[\s*＊_（）()/／、%％]", "", text).lower()


def candidates(noun: str, head: str) -> tuple[str, ...]:
    """Return the fields another table's head may mean, likeliest first; of 手机号/电话 both."""
    known = ALIASES.get(noun, {})
    parts = [head, *re.split(r"[/／、]", head)]
    return tuple(dict.fromkeys(key for part in parts for key in known.get(plain(part), ())))
