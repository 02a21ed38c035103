"""Grants as data: the catalogue of permissions and what each role starts with.

Source of the table: design/product.md section 8. Admins can change the grants of a role; a
permission that is in no catalogue cannot be given.
"""

import dataclasses
from typing import Any

from flask_babel import lazy_gettext as _

from models import Scope, reviewed

VERBS = {
    "read": _("查看"),
    "create": _("新建"),
    "edit": _("编辑"),
    "edit_own": _("编辑自己的"),
    "delete": _("删除"),
    "delete_own": _("删除自己的"),
    "submit": _("提交审批"),
    "export": _("导出"),
}
NOUNS = {
    "customer": _("大客户"),
    "contact": _("联系人"),
    "opportunity": _("商机"),
    "followup": _("跟踪记录"),
    "plan": _("跟进计划"),
    "contract": _("合同"),
    "order": _("订单"),
    "milestone": _("订单节点"),
    "payment": _("回款"),
    "invoice": _("发票"),
    "product": _("产品"),
    "stage": _("商机阶段"),
    "dictionary": _("字典"),
    "numberrule": _("编号规则"),
    "setting": _("系统设置"),
    "calendarday": _("工作日历"),
    "user": _("人员"),
    "role": _("角色"),
    "department": _("部门"),
    "flow": _("审批流程"),
    "flowstep": _("审批步骤"),
    "audit": _("审计日志"),
    "importjob": _("导入记录"),
    "outbox": _("发件箱"),
    "tag": _("标签"),
}
REVIEWED = tuple(model.__noun__ for model in reviewed())
NEW = tuple(model.__noun__ for model in reviewed() if model.__noun__ not in NOUNS)
NOUNS |= {model.__noun__: model.__caption__ for model in reviewed() if model.__noun__ in NEW}
IMPORTABLE = (
    "customer",
    "contact",
    "opportunity",
    "contract",
    "order",
    "payment",
    "followup",
    "product",
    "user",
    "department",
)
SPECIAL = {
    "task:decide": _("审批：处理待办"),
    "request:read": _("审批：查看我创建的与抄送我的"),
    "request:overview": _("审批：查看概览"),
    "customer:claim": _("大客户：领取公海客户"),
    "customer:assign": _("大客户：分配"),
    "customer:handover": _("大客户：移交"),
    "customer:merge": _("大客户：合并"),
    "import:approved": _("导入历史数据（免审批）"),
    "payment:confirm": _("回款：确认"),
    "payment:reverse": _("回款：冲销"),
    "cockpit:read": _("数据驾驶舱：查看"),
    "cockpit:export": _("数据驾驶舱：导出"),
    "portrait:read": _("客户画像：查看"),
    "sensitive:read": _("敏感信息：查看全部"),
    "sensitive:own": _("敏感信息：查看自己客户的"),
    "view:share": _("列表视图：共享给角色"),
    "followup:edit_always": _("跟踪记录：不限时修改"),
}


def _catalogue() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for noun, caption in NOUNS.items():
        for verb, word in VERBS.items():
            if verb != "submit" or noun in REVIEWED:
                found[f"{noun}:{verb}"] = _("%(noun)s：%(verb)s", noun=caption, verb=word)
        if noun in IMPORTABLE:
            found[f"{noun}:import"] = _("%(noun)s：%(verb)s", noun=caption, verb=_("导入"))
    return found | SPECIAL


CATALOGUE: dict[str, Any] = _catalogue()


@dataclasses.dataclass(frozen=True, slots=True)
class RoleSpec:
    """A role as it is seeded."""

    name: str
    label: str
    label_en: str
    scope: Scope
    permissions: tuple[str, ...]


def grants(**nouns: str) -> tuple[str, ...]:
    """Return `noun:verb` for `noun="verb verb"`; `*` stands for everything on the noun."""
    found: list[str] = []
    for noun, verbs in nouns.items():
        if verbs == "*":
            found += [p for p in CATALOGUE if p.startswith(f"{noun}:")]
        else:
            found += [f"{noun}:{verb}" for verb in verbs.split()]
    return tuple(found)


RECORDS = (
    "customer",
    "contact",
    "opportunity",
    "followup",
    "plan",
    "contract",
    "order",
    "milestone",
    "payment",
    "invoice",
    *NEW,
)
READ_ALL = tuple(f"{noun}:read" for noun in RECORDS)
SYSTEM_NOUNS = (
    "product",
    "stage",
    "dictionary",
    "numberrule",
    "setting",
    "calendarday",
    "user",
    "role",
    "department",
    "flow",
    "flowstep",
    "audit",
    "importjob",
    "outbox",
    "tag",
)
COCKPIT = ("cockpit:read", "portrait:read")

ROLES = (
    RoleSpec(
        "admin",
        "管理员",
        "Administrator",
        Scope.all,
        (
            *READ_ALL,
            *grants(
                **dict.fromkeys(
                    (
                        "customer",
                        "contact",
                        "opportunity",
                        "followup",
                        "plan",
                        "contract",
                        "order",
                        "milestone",
                        *NEW,
                        *SYSTEM_NOUNS,
                    ),
                    "*",
                )
            ),
            "payment:export",
            "invoice:export",
            "task:decide",
            "request:read",
            "request:overview",
            "import:approved",
            "sensitive:read",
            "view:share",
            *COCKPIT,
            "cockpit:export",
        ),
    ),
    RoleSpec(
        "office",
        "内勤",
        "Back office",
        Scope.all,
        (
            *READ_ALL,
            *grants(
                customer="create edit submit merge import export delete_own",
                contact="create edit import export delete_own",
                opportunity="create edit submit import export delete_own",
                followup="create edit_own import delete_own",
                plan="create edit_own delete_own",
                contract="create edit submit import export delete_own",
                order="edit import export",
                milestone="create edit",
                payment="create import export",
                invoice="create export",
                product="read",
                stage="read",
                calendarday="read",
                importjob="read",
                tag="read create edit",
                dictionary="read create edit delete",
            ),
            "request:read",
            "import:approved",
            "sensitive:read",
            "view:share",
            *COCKPIT,
            "cockpit:export",
        ),
    ),
    RoleSpec(
        "sales",
        "销售",
        "Sales",
        Scope.self,
        (
            *READ_ALL,
            *grants(
                customer="create edit_own submit claim delete_own",
                contact="create edit_own delete_own",
                opportunity="create edit_own submit delete_own",
                followup="create edit_own delete_own",
                plan="create edit_own delete_own",
                contract="create edit_own submit delete_own",
                milestone="create edit_own",
                payment="create",
                invoice="create",
                product="read",
            ),
            "request:read",
            "sensitive:own",
            *COCKPIT,
        ),
    ),
    RoleSpec(
        "reviewer",
        "审核员",
        "Reviewer",
        Scope.dept_tree,
        (*READ_ALL, "product:read", "task:decide", "request:read", *COCKPIT),
    ),
    RoleSpec(
        "manager",
        "主管",
        "Manager",
        Scope.dept_tree,
        (
            *READ_ALL,
            *grants(
                customer="create edit submit assign handover export delete_own",
                contact="create edit export delete_own",
                opportunity="create edit submit export delete_own",
                followup="create edit_own",
                plan="create edit_own",
                contract="create edit submit export delete_own",
                product="read",
                tag="read create",
                audit="read",
            ),
            "task:decide",
            "request:read",
            "request:overview",
            "sensitive:read",
            "view:share",
            *COCKPIT,
            "cockpit:export",
        ),
    ),
    RoleSpec(
        "finance",
        "财务",
        "Finance",
        Scope.all,
        (
            *READ_ALL,
            *grants(
                payment="create edit import confirm reverse export",
                invoice="create edit export",
                product="read",
            ),
            "task:decide",
            "request:read",
            *COCKPIT,
            "cockpit:export",
        ),
    ),
    RoleSpec(
        "analyst",
        "分析员",
        "Analyst",
        Scope.all,
        (
            *READ_ALL,
            *(f"{noun}:export" for noun in RECORDS if noun not in {"payment", "invoice"}),
            "product:read",
            "view:share",
            *COCKPIT,
            "cockpit:export",
        ),
    ),
)
