"""Changes of the audit log as people read them."""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from models.bulk.tag import Tag
from models.core.base import Model, db
from models.core.cached import cached
from models.people.role import Role
from models.records.dictionary import DictionaryOption
from services.rights.audit import HIDDEN
from services.rights.grants import CATALOGUE
from views.grid.columns import in_list
from views.grid.listing import Column, columns_of
from views.render.cells import plain

SECRETS = {
    "password": _("密码"),
    "tf_totp_secret": _("两步验证"),
    "mf_recovery_codes": _("恢复码"),
    "feed_round": _("日历订阅"),
}
CAPTIONS = SECRETS | {  # what is audited beside the columns
    "tags": Tag.__caption__,
    "roles": Role.__caption__,
    "address": _("来源地址"),
    "way": _("登录方式"),
    "identity": _("单点登录账号"),
    "passkey": _("通行密钥"),
    "result": _("结果"),
    "rows": _("清空的审计行"),
    "tables": _("清除了多少行"),
}
WORDS = {(key, HIDDEN): _("已修改") for key in SECRETS} | {
    ("result", "refused"): _("密码不正确"),
    ("result", "unknown"): _("没有对应的账号"),
    ("result", "held"): _("尝试过多，暂停登录"),
}


def changes_of(noun: str, changes: Mapping[str, Any]) -> list[tuple[Any, str, str]]:
    """Return (caption, old, new) of every field that changed."""
    model = nouns().get(noun, ("", None))[1]
    known = columns_of(model) if model is not None else {}
    rows = []
    for key, (old, new) in changes.items():
        column = known.get(key)
        caption = column.facts.caption if column is not None else CAPTIONS.get(key, key)
        rows.append((caption, *(_said(key, column, value) for value in (old, new))))
    return rows


def _said(key: str, column: Column | None, value: Any) -> str:
    if isinstance(value, list) and key == "permissions":
        return "、".join(str(CATALOGUE.get(one, one)) for one in value)
    if isinstance(value, list) and column is None:
        return "、".join(map(str, value))
    word = WORDS.get((key, value)) if isinstance(value, str) else None
    return audited(column, value) if word is None else str(word)


@cached
def nouns() -> dict[str, tuple[Any, Any]]:
    """Return noun → (caption, model) of every entity."""
    models = (mapper.class_ for mapper in Model.registry.mappers)
    return {model.__noun__: (model.__caption__, model) for model in models}


def audited(column: Column | None, value: Any) -> str:
    """Return a value of the audit log as people read it."""
    if column is None or value is None:
        return "" if value is None else str(value)
    if column.kind == "enum":
        member = column.one.target.__members__.get(value)
        return str(member.caption if member else value)
    if column.kind == "datetime":
        return plain(dt.datetime.fromisoformat(value))
    if column.facts.widget == "month":
        return plain(dt.date.fromisoformat(value), "month")
    if column.kind in {"ref", "dictionary"}:  # a name where one sees it, else the key as it was
        model = DictionaryOption if column.kind == "dictionary" else column.one.target
        found = db.session().get(model, value)
        return str(value if found is None else found)
    return plain(value, column.kind)


def _captioned(_view: Any, _context: Any, row: Any, _key: str) -> str:
    """Call the kind of record by its caption."""
    return str(nouns().get(row.noun, (row.noun,))[0])


def _by(view: Any, context: Any, row: Any, key: str) -> Any:
    """Name the system where nobody acted: an import by command, the worker."""
    return in_list(view, context, row, key) if row.actor_id else gettext("系统")


FORMATTERS = MappingProxyType({"noun": _captioned, "actor_id": _by})
