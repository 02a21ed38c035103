"""What stands beside a decision or a comment: remarks on single fields, and files.

Both are kept with the event and never changed.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _

from models.approval.file import ApprovalFile
from models.approval.request import ApprovalEvent, ApprovalRequest
from services.approval.request.request_lock import COMMENT_LENGTH
from services.core.errors import Invalid
from services.records.fields import inputs_of
from services.records.snapshot import REVIEWED

REMARK_LENGTH = 200
MOST_FILES = 5
FIELD = "note-"  # what a form calls the remark on a field


@dataclasses.dataclass(frozen=True, slots=True)
class KeptFile:
    """A checked file whose content is in the store under `sha256`."""

    name: str
    mime: str
    size: int
    sha256: str


@dataclasses.dataclass(frozen=True, slots=True)
class Beside:
    """Remarks by input key, files, and the step that a return goes to (None: the submitter).

    `filled`: what an approver typed into the fields his step leaves to him, by input key.
    """

    remarks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    files: Sequence[KeptFile] = ()
    to_step: int | None = None
    filled: Mapping[str, str] = dataclasses.field(default_factory=dict)


NOTHING = Beside()


def checked_remarks(request: ApprovalRequest, given: Beside, *, verb: str) -> dict[str, str]:
    """Return the remarks that say something. Raises Invalid naming the field each is about."""
    errors: dict[str, Any] = {}
    found = {}
    known = _fields(request)
    for key, text in given.remarks.items():
        words = text.strip()
        if not words:
            continue
        if key not in known:
            errors[FIELD + key[:40]] = _("提交内容里没有此字段")
        elif len(words) > REMARK_LENGTH or "\x00" in words:
            errors[FIELD + key] = _("字段批注最多 %(n)s 个字符", n=REMARK_LENGTH)
        elif verb == "approve":
            errors[FIELD + key] = _("字段批注只用于驳回或退回，通过请清空批注")
        else:
            found[key] = words
    if errors:
        raise Invalid(errors)
    return found


def _fields(request: ApprovalRequest) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = request.payload.get("values", {})
    return fields if request.noun in REVIEWED else {}


def captioned(noun: str, remarks: Mapping[str, str] | None) -> Iterator[tuple[Any, str]]:
    """Return remarks as (caption, text) in the order of the form."""
    if not remarks or noun not in REVIEWED:
        return
    for key, one in inputs_of(REVIEWED[noun]).items():
        if key in remarks:
            yield one.facts.caption, remarks[key]


def reason(request: ApprovalRequest, comment: str | None, remarks: Mapping[str, str]) -> Any:
    """Return the comment of a no; where there is none the remarks are it."""
    if (comment or "").strip() or not remarks:
        return comment
    with force_locale("zh_Hans_CN"):
        said = "；".join(f"{caption}：{text}" for caption, text in captioned(request.noun, remarks))
    return said[:COMMENT_LENGTH]


def keep(event: ApprovalEvent, given: Beside, remarks: dict[str, str] | None = None) -> None:
    """Put remarks and files on a new event. Raises Invalid where there are too many files."""
    if len(given.files) > MOST_FILES:
        raise Invalid({"file": _("一次最多附 %(n)s 个文件", n=MOST_FILES)})
    event.remarks = remarks or None
    event.files = [ApprovalFile(**dataclasses.asdict(file)) for file in given.files]
