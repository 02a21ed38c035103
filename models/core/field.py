"""Where a field says all about itself: caption, help, section, what may be done with it."""

import dataclasses
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import MappedColumn, mapped_column

from models.core.cached import cached

BASIC = _("基本信息")
CONTACT = _("联系人")
ADDRESS = _("地址")
PEOPLE = _("人员")
MONEY = _("金额")
STAGE = _("阶段")
TIME = _("日期")
NEXT = _("下次跟进")
VISIT = _("拜访")
MORE = _("补充信息")
TRACE = _("系统信息")


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What screens, imports, exports and rules need to know of a column.

    `required` is asked when the record is submitted (or saved, where there is no approval);
    `controlled` fields of an approved record change only by a change request; `sensitive` ones
    are masked for roles without `sensitive:read`; `options` names the dictionary kind;
    `form=False` keeps the field out of every form because a service owns it; the widget `name` is
    that of a company or a person, which has no blanks between Chinese characters, `month` that of
    a date which is the first of its month.
    """

    caption: Any
    help: Any = ""
    section: Any = BASIC
    listed: bool = False
    search: bool = False
    filter: bool = False
    required: bool = False
    sensitive: bool = False
    controlled: bool = False
    form: bool = True
    export: bool = True
    multiline: bool = False
    radio: bool = False
    options: str = ""
    widget: str = ""


_FACTS = {f.name for f in dataclasses.fields(Facts)}


def field(caption: object, *spec: Any, **options: Any) -> MappedColumn[Any]:
    """Return a mapped column that carries its Facts; other options go to `mapped_column`.

    A field is nullable unless `nullable=False` is said: "required" means required to submit.
    """
    facts = Facts(caption, **{k: options.pop(k) for k in list(options) if k in _FACTS})
    options.setdefault("nullable", True)
    return mapped_column(*spec, info={"facts": facts}, **options)


def facts_of(column: sa.Column[Any] | sa.ColumnElement[Any]) -> Facts | None:
    """Return the Facts of a column, None for the plumbing ones that have none."""
    found: Facts | None = getattr(column, "info", {}).get("facts")
    return found


def fields_of(model: type[Any]) -> dict[str, Facts]:
    """Return key → Facts for the declared fields of a model, in the order of declaration."""
    return dict(_fields_of(model))


@cached
def _fields_of(model: type[Any]) -> dict[str, Facts]:
    mapper = sa.inspect(model)
    pairs = ((p.key, facts_of(p.columns[0])) for p in mapper.column_attrs)
    return {key: facts for key, facts in pairs if facts is not None}
