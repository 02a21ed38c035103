"""Tags that a file puts on records: written when the records are there, put back by an undo."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from models.bulk.tag import Tag
from services.bulk import tags
from services.importing.check.finding import chunks
from services.importing.file.plan import Planned
from services.rights import gate
from services.rights.call import Call


def put_on(call: Call, work: Iterable[Planned]) -> None:
    """Put the tags of a run on its records."""
    wanted: dict[Any, dict[int, Iterable[str]]] = {}
    for one in work:
        names = (one.values if one.record is None else one.changes).get("tags")
        if names and one.id is not None:
            wanted.setdefault(one.model, {})[one.id] = names
    for model, named in wanted.items():
        put(call, model, named)


def put(call: Call, model: Any, named: Mapping[int, Iterable[str]]) -> None:
    """Give records exactly the tags of these names; a new name becomes a tag."""
    known = _known(call, {name for names in named.values() for name in names})
    for part in chunks(sorted(named)):
        records = call.session.scalars(sa.select(model).where(model.id.in_(part)))
        tags.put_many(call, [(one, [known[name] for name in named[one.id]]) for one in records])


def _known(call: Call, names: set[str]) -> dict[str, Tag]:
    found: dict[str, Tag] = {}
    for part in chunks(sorted(names)):
        found |= {
            tag.name: tag for tag in call.session.scalars(sa.select(Tag).where(Tag.name.in_(part)))
        }
    with gate.rule(call.session, "import"):
        new = [Tag(name=name) for name in sorted(names - found.keys())]
        call.session.add_all(new)
        call.session.flush()
    return found | {tag.name: tag for tag in new}
