"""Seven files as other systems give them come in by what is chosen in the page, none is edited."""

import html
import re

import pytest

from models.deals.contract import Contract
from tests.support.imports import sheet, table
from tests.support.office import Office
from tests.support.world import World

SELLER = "sales@demo.tcos.cn"
WORD = re.compile(
    r'name="word-(\d+)-column" value="([^"]*)">\s*<input type="hidden" name="word-\d+-of" '
    r'value="([^"]*)"'
)
HEAD = (
    "客户名称",
    "客户级别",
    "客户状态",
    "所属行业",
    "来源渠道",
    "省",
    "市",
    "区",
    "联系人",
    "电话",
)
LEDGER = (
    "序号",
    "客户名称",
    "客户等级",
    "行业",
    "联系人",
    "手机号码",
    "所在地区",
    "业务员",
    "建档日期",
)
ACCOUNTS = ("Account Name", "Industry", "Phone", "Billing City", "Account Owner", "Employees")
DEALS = ("Deal Name", "Account Name", "Stage", "Amount", "Close Date", "Owner", "Lead Source")
PLACE = "湖北省武汉市洪山区"
WORDS = {
    "重要": "B级", "普通": "C级", "正常": "跟进中", "百度": "搜索引擎", "化工": "—", "电力": "—",
    "机械": "—", "其他": "—", "027-87654321": "13900000009", "张 伟": SELLER, "Jane Doe": SELLER,
    "湖北省/武汉市": PLACE, "+1 555 010 0199": "+4915112345678", "030 9014 0199": "+4915112345679",
    "Manufacturing": "—", "Energy": "—", "Closed Won": "赢单", "Proposal": "初步接触",
    "Web": "搜索引擎", "$12,000.00": "12000", "洽谈": "初步接触", "12万元": "120000",
    "转账": "网上转账", "承兑汇票": "承兑",
}  # fmt: skip
PLACED = {"source_id": "展会", "region_code": PLACE, "primary.name": "前台"}
SHAPES = {
    "customer": (
        table(
            HEAD,
            ("江汉泵业公司", "重要", "正常", "化工", "百度", "湖北省", "武汉市", "洪山区", "张伟",
             "13900000001"),
            ("东湖阀门公司", "普通", "正常", "电力", "展会", "湖北省", "武汉市", "江汉区", "李丽",
             "027-87654321"),
        ),
        {},
    ),
    "customer ledger": (
        sheet(
            ["2026年客户台账（内部资料）"],
            ["制表人：王"],
            LEDGER,
            [1, "光谷精机公司", "重要", "机械", "王五", 13900000011, "湖北武汉洪山区", "张 伟",
             "2026/3/5 0:00"],
            [""] * 9,
            [2, "沙湖电子公司", "普通", "其他", "赵六", "139 0000 0012", "湖北省/武汉市", "sales",
             ""],
            ["合计", 2],
        ),
        {"source_id": "展会"},
    ),
    "customer accounts": (
        table(
            ACCOUNTS,
            ("Acme Corp", "Manufacturing", "+1 555 010 0199", "Berlin", "Jane Doe", "120"),
            ("Globex", "Energy", "030 9014 0199", "Hamburg", "Jane Doe", "5"),
        ),
        PLACED,
    ),
    "opportunity deals": (
        table(
            DEALS,
            ("Pump 1", "Acme One", "Closed Won", '"$12,000.00"', "2026-11-05", "Jane Doe", "Web"),
            ("Pump 2", "Acme One", "Proposal", "5000", '"Mar 5, 2027"', "Jane Doe", "Web"),
        ),
        {},
    ),
    "opportunity": (
        table(
            ("项目名称", "客户", "阶段", "预计金额", "预计成交日期", "业务员"),
            ("泵站一期", "Acme One", "洽谈", "12万元", "2027/3/5 0:00", "sales"),
            ("泵站二期", "Acme One", "初步接触", "5000", "20270306", "sales"),
        ),
        {},
    ),
    "user people": (
        table(
            ("姓名", "部门", "手机", "邮箱", "角色"),
            ("张三", "销售一部", "13911112222", "zs@example.com", "销售"),
            ("李四", "销售一部", "13911112223", "ls@example.com", "销售"),
        ),
        {},
    ),
    "payment": (
        table(
            ("合同名称", "回款日期", "回款金额", "付款方式", "凭证号"),
            ("框架合同", "2026/11/3 0:00", '"¥1,234.50"', "转账", "V1"),
            ("框架合同", "2026-11-04", "100元", "承兑汇票", "V2"),
        ),
        {},
    ),
}  # fmt: skip


def said(page, fixed):
    """Return the form in which every strange word has its meaning."""
    form = {f"fixed-{key}": text for key, text in fixed.items()}
    for n, *told in WORD.findall(page):
        column, word = map(html.unescape, told)
        form |= {f"word-{n}-column": column, f"word-{n}-of": word}
        form[f"word-{n}"] = WORDS.get(word, "")
    return form | {"made": re.findall(r'name="made" value="([^"]+)"', page)}


@pytest.mark.parametrize("shape", SHAPES)
def test_it_comes_in_by_choices_alone(lite, shape):
    with World(lite) as world:
        key = world.approved("sales", company="Acme One")
        contract = world.contract(key, name="框架合同", amount=10_000_00)
        world.approved("sales", Contract, contract)
    noun, (content, fixed) = shape.split()[0], SHAPES[shape]
    office = Office(lite, "admin" if noun == "user" else "office")
    reviewed = noun in {"customer", "opportunity"}
    how = {"approval": "submitted" if reviewed else "draft", "key": ""}
    job = office.upload(content, noun, name="a.xlsx" if content[:2] == b"PK" else "a.csv")
    fixed = fixed if noun != "customer" else {"owner_id": SELLER, **fixed}

    page = office.check(job, **how, **said(office.check(job, **how), fixed))

    assert "新建 2" in page
    assert office.run(job).status_code == 303
    page = office.page(f"/admin/import/job/?id={job}")
    assert "已导入" in page
    assert "新建 2" in page
