"""What a person chose for a file, kept with its job and remembered for the next of its shape.

The options of a job: `fields` column → field, `fixed` field → text, `words` column → word → text,
`made` fields whose unknown names become records, `key`, `approval`; `file` is the data of an
uploaded mapping that says more than choices can, words and fixed texts are laid over it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.importing.import_job import ImportJob
from services.core.errors import Invalid
from services.importing.check.noun_rules import defaults
from services.importing.check.resolving import MADE
from services.importing.file import mapping
from services.importing.file.reading import REMARKS
from services.importing.mapping.choices import Data, MappingChoices, data_of
from services.importing.mapping.declared import MODELS, inputs_for, parts_of, past_of
from services.importing.mapping.slots import Slot, place_of
from services.importing.mapping.toml_text import parsed, written
from services.importing.mapping.uploaded import chosen_of, mended
from services.records.fields import Input
from services.rights.actor import Actor, may
from services.rights.call import Call

KEPT = ("fields", "fixed", "words", "made", "key", "approval", "source", "file", "file_name")
LOOKED = 200  # of a person's last uploads of an entity, for one of the same shape
LEAVE_BLANK = "—"  # a word that stands for nothing
LONGEST = 200
NAMING = frozenset(
    {"enum", "dictionary", "ref", "bool", "region"}
)  # kinds whose words name something


def choices_of(noun: str, said: Mapping[str, Any]) -> MappingChoices:
    """Return what the options of a job choose."""
    return MappingChoices(
        noun,
        said["fields"],
        said.get("fixed", {}),
        said.get("words", {}),
        tuple(said.get("made", ())),
        said["key"],
        said["approval"],
        said.get("source", ""),
    )


def data_for(noun: str, options: Mapping[str, Any]) -> Data:
    """Return the mapping of a job as the data of a file. Raises Invalid."""
    chosen, file = choices_of(noun, options), options.get("file")
    if file is None:
        return data_of(chosen)
    return mended(file, chosen) | {"approval": chosen.approval}


def mapping_of(job: ImportJob) -> mapping.Mapping:
    """Return the mapping of a job. Raises Invalid."""
    return mapping.of(data_for(job.noun, job.options), str(MODELS[job.noun].__caption__))


def text_of(job: ImportJob) -> str:
    """Return the mapping of a job as TOML, for the command and for another upload."""
    return written({"title": job.file_name.rsplit(".", 1)[0], **data_for(job.noun, job.options)})


def remembered(session: Session, by_id: int | None, noun: str, head: list[str]) -> dict[str, Any]:
    """Return what a person chose for the last file with the same heads, {} where there is none."""
    job, shape = ImportJob, {*head} - {*REMARKS}
    query = (
        sa.select(job.id, job.options["head"], job.options["asked"])
        .where(job.actor_id == by_id, job.noun == noun)
        .order_by(job.id.desc())
        .limit(LOOKED)
    )
    for key, other, asked in session.execute(query):
        if asked and other and set(other) == shape:
            options = session.scalar(sa.select(job.options).where(job.id == key)) or {}
            return _lasting(noun, {name: options[name] for name in KEPT if name in options})
    return {}


def _lasting(noun: str, options: dict[str, Any]) -> dict[str, Any]:
    """Leave out the words that mended one file: `12` was that customer's number, and nobody else's.

    What names something (a level, a person, a place) means the same in the next file, and so does
    a word that stands for nothing.
    """
    words = {}
    for column, mine in options.get("words", {}).items():
        one = _input(noun, options, column)
        names = one is not None and one.kind in NAMING
        words[column] = {word: text for word, text in mine.items() if names or not text}
    return {**options, "words": {column: mine for column, mine in words.items() if mine}}


def with_file(job: ImportJob, text: str, name: str) -> dict[str, Any]:
    """Return the options of a job that is mapped by an uploaded file. Raises Invalid."""
    data = parsed(text)
    found = mapping.of(data, name)
    part = found.file_for(job.file_name)
    if job.noun not in {target.noun for target in part.targets}:
        caption = MODELS[job.noun].__caption__
        raise Invalid({"mapping": _("列对应文件不导入「%(what)s」", what=caption)})
    own = [one for one in data["files"] if found.files[data["files"].index(one)] is part]
    data = {**data, "approval": found.approval, "files": [{**own[0], "pattern": "*"}]}
    blank: dict[str, Any] = {"fields": {}, "fixed": {}, "words": {}, "made": [], "key": ""}
    said = {**blank, "approval": found.approval, "source": found.source, "file_name": name[:120]}
    chosen = chosen_of(data, job.noun)
    rest = {key: value for key, value in job.options.items() if key not in KEPT}
    if chosen is None or set(chosen.fields) - set(job.options["head"]):
        return {**rest, **said, "file": data}
    more = {
        "fields": dict(chosen.fields),
        "fixed": dict(chosen.fixed),
        "words": {column: dict(words) for column, words in chosen.words.items()},
        "made": list(chosen.made),
        "key": chosen.key,
    }
    return {**rest, **said, **more}


def without_file(job: ImportJob, guessed: dict[str, str]) -> dict[str, Any]:
    """Return the options of a job whose columns are chosen in the page again."""
    rest = {k: v for k, v in job.options.items() if k not in {"file", "file_name", "source"}}
    return rest | {"fields": guessed}


def fixed_texts(job: ImportJob, given: Mapping[str, str]) -> dict[str, str]:
    """Return field → text of a job with what a form says; what it does not speak of stays."""
    found = {**job.options.get("fixed", {}), **given}
    if any(place_of(job.noun, key) is None for key in found):
        raise Invalid({"fields": _("没有这个字段")})
    return {key: text.strip()[:LONGEST] for key, text in found.items() if text.strip()}


def words_with(job: ImportJob, given: list[tuple[str, str, str]]) -> dict[str, dict[str, str]]:
    """Return column → word → text of a job with (column, word, text) of a form; "" forgets."""
    found = {column: dict(words) for column, words in job.options.get("words", {}).items()}
    for column, word, typed in given:
        if column not in job.options["head"]:
            raise Invalid({"words": _("没有这一列")})
        mine = found.setdefault(column, {})
        text = typed.strip()[:LONGEST]
        # A word that was chosen and is no good either is told by what it became.
        told = [old for old, new in mine.items() if text and new == word] or [word]
        for old in told:
            mine[old] = "" if text == LEAVE_BLANK else text
            if not text:
                mine.pop(old)
    return {column: words for column, words in found.items() if words}


def may_make(by: Actor, one: Input) -> bool:
    """Tell whether somebody may let unknown names of a reference become records."""
    return one.target in MADE and may(by, f"{one.target.__noun__}:import")


def open_fields(call: Call, slot: Slot) -> set[str]:
    """Return the fields of a record that a submission asks for and nothing fills by itself."""
    given = defaults(call, slot.model)
    known = inputs_for(slot.model).items()
    must = {key for key, one in known if one.must or one.facts.required}
    return must - {key for key, value in given.items() if value is not None} - past_of(slot.model)


def input_of(job: ImportJob, column: str) -> Input | None:
    """Return the field a column says, the one with a list of choices where it says several."""
    return _input(job.noun, job.options, column)


def _input(noun: str, options: Mapping[str, Any], column: str) -> Input | None:
    try:
        found = list(_inputs(mapping.of(data_for(noun, options), noun), column))
    except Invalid:
        return None
    listed = [one for one in found if one.kind in NAMING]
    return next(iter(listed or found), None)


def _inputs(known: mapping.Mapping, column: str) -> Iterator[Input]:
    for target in (target for file in known.files for target in file.targets):
        parts = [(target.fields, inputs_for(target.model))]
        parts += [(part, parts_of(target.model, key)) for key, part in target.lines.items()]
        for fields, inputs in parts:
            yield from (inputs[k] for k, source in fields.items() if column in source.own[:1])
