"""Grants as data: the catalogue of permissions and what each role starts with.

What a role may do with an entity stands on the entity (source: design/product.md section 8). Admins
can change the grants of a role; a permission that is in no catalogue cannot be given.
"""

import dataclasses
from typing import Any

from flask_babel import lazy_gettext as _

from models.people.role import Scope
from models.registry import entities, entity_of, importable, reviewed

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
_GRANTED = tuple(model for model in entities() if entity_of(model).kind)
NOUNS = {model.__noun__: model.__caption__ for model in _GRANTED}
REVIEWED = tuple(model.__noun__ for model in reviewed())
IMPORTABLE = tuple(model.__noun__ for model in importable())
RECORDS = tuple(one.__noun__ for one in _GRANTED if entity_of(one).kind == "record")
SPECIAL = {
    "task:decide": _("审批：处理待办"),
    "request:read": _("审批：查看我创建的与抄送我的"),
    "request:overview": _("审批：查看概览"),
    "customer:claim": _("客户：领取公海客户"),
    "customer:assign": _("客户：分配"),
    "customer:handover": _("客户：移交"),
    "customer:merge": _("客户：合并"),
    "contact:erase": _("联系人：清除个人信息"),
    "contract:finish": _("合同：结案与重新履行"),
    "import:approved": _("导入历史数据（免审批）"),
    "order:share": _("订单：给客户查询链接"),
    "order:share_own": _("订单：给自己的客户查询链接"),
    "payment:confirm": _("回款：确认"),
    "payment:reverse": _("回款：冲销"),
    "invoice:exceed": _("发票：批准超出合同金额"),
    "bankline:book": _("银行流水：入账"),
    "paymentplan:remind": _("应收款：催收提醒"),
    "cockpit:read": _("数据驾驶舱：查看"),
    "cockpit:export": _("数据驾驶舱：导出"),
    "portrait:read": _("客户画像：查看"),
    "portrait:run": _("客户画像：重算与评估"),
    "portrait:push": _("客户画像：推送"),
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


COCKPIT = ("cockpit:read", "portrait:read")


def _role(name: str, labels: tuple[str, str], scope: Scope, *more: str) -> RoleSpec:
    """Return a role with what the entities grant it, and more that is of no single entity."""
    given = [permission for model in _GRANTED for permission in _granted(model, name)]
    return RoleSpec(name, *labels, scope, (*given, *more, *COCKPIT))


def _granted(model: type[Any], role: str) -> list[str]:
    """Return the permissions a role starts with on an entity: everybody reads records."""
    noun, entity = model.__noun__, entity_of(model)
    verbs = entity.grants.get(role, "*" if role == "admin" else "")
    found = [f"{noun}:read"] if entity.kind == "record" else []
    if verbs == "*":
        return found + [p for p in CATALOGUE if p.startswith(f"{noun}:")]
    return found + [f"{noun}:{verb}" for verb in verbs.split()]


ROLES = (
    _role(
        "admin",
        ("管理员", "Administrator"),
        Scope.all,
        "task:decide",
        "request:read",
        "request:overview",
        "import:approved",
        "sensitive:read",
        "view:share",
        "cockpit:export",
        "portrait:run",
        "portrait:push",
    ),
    _role(
        "office",
        ("内勤", "Back office"),
        Scope.all,
        "request:read",
        "import:approved",
        "sensitive:read",
        "view:share",
        "cockpit:export",
        "portrait:push",
    ),
    _role("sales", ("销售", "Sales"), Scope.self, "request:read", "sensitive:own", "portrait:push"),
    _role("reviewer", ("审核员", "Reviewer"), Scope.dept_tree, "task:decide", "request:read"),
    _role(
        "manager",
        ("主管", "Manager"),
        Scope.dept_tree,
        "task:decide",
        "request:read",
        "request:overview",
        "sensitive:read",
        "view:share",
        "cockpit:export",
        "portrait:run",
        "portrait:push",
    ),
    _role(
        "finance", ("财务", "Finance"), Scope.all, "task:decide", "request:read", "cockpit:export"
    ),
    _role(
        "analyst", ("分析员", "Analyst"), Scope.all, "view:share", "cockpit:export", "portrait:run"
    ),
)
