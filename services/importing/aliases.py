"""What other tables call our fields: heads a guess understands beside our own captions.

Spelt as `plain` leaves a head. A head that may be several fields lists them; the first free one
is taken, so that 电话 beside 手机 is the landline.
"""

import re
from collections.abc import Mapping

OWNER = dict.fromkeys(("销售员", "业务员", "负责人", "销售", "客户经理"), ("owner_id",))
CUSTOMER = dict.fromkeys(("客户名称", "客户单位", "公司名称", "单位名称"), ("customer_id",))
MONEY = {"金额": ("amount",), "金额元": ("amount",)}
STATE = {"状态": ("state",)}
PHONE = ("mobile", "landline")
PRIMARY = ("primary.mobile", "primary.landline")

ALIASES: dict[str, Mapping[str, tuple[str, ...]]] = {
    "customer": OWNER
    | {
        "公司名称": ("company",),
        "客户名称": ("company",),
        "单位名称": ("company",),
        "公司": ("company",),
        "客户": ("company",),
        "等级": ("level",),
        "来源": ("source_id",),
        "状态": ("status",),
        "类别": ("customer_class",),
        "所属行业": ("industry_id",),
        "地区": ("region_code",),
        "地址": ("street",),
        "联系人姓名": ("primary.name",),
        "职位": ("primary.title",),
        "职务": ("primary.title",),
        "手机号": PRIMARY,
        "手机号码": PRIMARY,
        "电话": PRIMARY,
        "联系电话": PRIMARY,
        "固定电话": ("primary.landline",),
        "电子邮箱": ("primary.email",),
        "微信号": ("primary.wechat",),
    },
    "contact": CUSTOMER
    | {
        "姓名": ("name",),
        "职位": ("title",),
        "职务": ("title",),
        "手机号": PHONE,
        "手机号码": PHONE,
        "电话": PHONE,
        "联系电话": PHONE,
        "固定电话": ("landline",),
        "电子邮箱": ("email",),
        "微信号": ("wechat",),
    },
    "opportunity": OWNER
    | CUSTOMER
    | {
        "商机金额": ("amount",),
        "预计金额": ("amount",),
        "商机阶段": ("stage_id",),
        "商机来源": ("source_id",),
        "赢率": ("probability",),
    },
    "contract": OWNER
    | CUSTOMER
    | MONEY
    | STATE
    | {"签订日期": ("signed_on",), "签约日期": ("signed_on",)},
    "order": STATE | {"交付日期": ("deliver_on",), "合同编号": ("contract_id",)},
    "payment": MONEY | {"日期": ("paid_on",), "合同编号": ("contract_id",)},
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
    "department": {"部门": ("name",), "名称": ("name",), "上级": ("parent_id",)},
}


def plain(text: str) -> str:
    """Return a head without what people add to it: blanks, stars, brackets, slashes, case."""
    return re.sub(r"[\s*＊_（）()/／、%％]", "", text).lower()


def candidates(noun: str, head: str) -> tuple[str, ...]:
    """Return the fields another table's head may mean, likeliest first; of 手机号/电话 both."""
    known = ALIASES.get(noun, {})
    parts = [head, *re.split(r"[/／、]", head)]
    return tuple(dict.fromkeys(key for part in parts for key in known.get(plain(part), ())))
