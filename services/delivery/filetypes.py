"""Which files may be attached: an allow-list by name, confirmed by what is inside.

Nothing a browser or a system would run comes in: no HTML, SVG or script, no archive with one, no
macros. Refusals are Invalid on the field `file`.
"""

import dataclasses
import io
import unicodedata
import zipfile

import puremagic
from flask_babel import lazy_gettext as _

from services.core.errors import Invalid

LONGEST_NAME = 200
MOST_MEMBERS, MOST_UNPACKED = 2000, 500 * 1024 * 1024  # a bomb is refused by its own table
OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """A type we take: what it is served as, what its content has to look like.

    `magic` is what its first bytes are recognised as; `member` a file every such archive has.
    """

    mime: str
    magic: str = ""
    member: str = ""


KINDS = {
    "pdf": Kind("application/pdf", ".pdf"),
    "png": Kind("image/png", ".png"),
    "jpg": Kind("image/jpeg", ".jpg"),
    "jpeg": Kind("image/jpeg", ".jpg"),
    "gif": Kind("image/gif", ".gif"),
    "webp": Kind("image/webp", ".webp"),
    "bmp": Kind("image/bmp", ".bmp"),
    "docx": Kind(f"{OFFICE}.wordprocessingml.document", ".zip", "word/document.xml"),
    "xlsx": Kind(f"{OFFICE}.spreadsheetml.sheet", ".zip", "xl/workbook.xml"),
    "pptx": Kind(f"{OFFICE}.presentationml.presentation", ".zip", "ppt/presentation.xml"),
    "ofd": Kind("application/ofd", ".zip", "OFD.xml"),
    "zip": Kind("application/zip", ".zip"),
    "doc": Kind("application/msword", ".doc"),
    "xls": Kind("application/vnd.ms-excel", ".doc"),
    "ppt": Kind("application/vnd.ms-powerpoint", ".doc"),
    "wps": Kind("application/wps-office.wps", ".doc"),
    "txt": Kind("text/plain"),
    "csv": Kind("text/csv"),
}
# What a zip may hold: the same types but no archive in an archive, and the parts of office files.
PARTS = {"xml", "rels", "emf", "wmf", "bin", "vml", "odttf", "fntdata", "tif", "tiff", "ttf", "otf"}
PARTS |= {"esl", "dat", "thmx", "svg", "wdp", "jb2"}
LITTER = {".ds_store", "thumbs.db"}  # what systems put into folders
MACROS = ("vbaproject.bin", "vbadata.xml")
OLE_MACROS = "_VBA_PROJECT".encode("utf-16-le")  # a directory entry of the old formats
NAMED = _("不支持此类文件，请上传 PDF、图片、Office 文档、文本或 ZIP")
UNLIKE = _("文件内容与扩展名不符，或文件已损坏")
INSIDE = _("压缩包里有不允许的文件：%(name)s")
MACRO = _("文件含有宏，请另存为不含宏的格式")


def _no(message: object) -> Invalid:
    return Invalid({"file": message})


def clean_name(given: str) -> str:
    """Return the bare name of an uploaded file. Raises Invalid for what no name should hold."""
    name = unicodedata.normalize("NFC", given.replace("\\", "/")).rsplit("/", 1)[-1].strip(" .")
    if not name:
        raise _no(_("请选择文件"))
    # Control and format characters: NUL, line breaks, marks that turn the reading direction.
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for c in name):
        raise _no(_("文件名含有不可见的字符，请改名后再上传"))
    if len(name) > LONGEST_NAME:
        raise _no(_("文件名太长，请缩短到 %(n)s 个字符以内", n=LONGEST_NAME))
    return name


def mime_of(name: str, content: bytes) -> str:
    """Return what a file is served as. Raises Invalid when it is not allowed or not what it says.

    content: all of its bytes.
    """
    kind = KINDS.get(_suffix(name))
    if kind is None:
        raise _no(NAMED)
    if not content:
        raise _no(_("文件是空的"))
    if not kind.magic:
        _check_text(content)
    elif kind.magic == ".zip":
        _check_zip(content, kind)
    else:
        if kind.magic not in _recognised(content):
            raise _no(UNLIKE)
        if kind.magic == ".doc" and OLE_MACROS in content:
            raise _no(MACRO)
    return kind.mime


def _suffix(name: str) -> str:
    """Return what follows the last dot: `.rels` has one too, other than in pathlib."""
    _stem, dot, suffix = name.rsplit("/", 1)[-1].rpartition(".")
    return suffix.lower() if dot else ""


def _recognised(content: bytes) -> set[str]:
    """Return the extensions that fit the content."""
    try:
        return {found.extension for found in puremagic.magic_string(content)}
    except puremagic.PureError:
        return set()


def _check_text(content: bytes) -> None:
    """Text is what decodes, holds no control characters and does not begin like markup."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    else:
        raise _no(UNLIKE)
    if any(c < " " and c not in "\t\r\n\f" for c in text):
        raise _no(UNLIKE)
    if text.lstrip("\ufeff \t\r\n\f").startswith(("<", "#!")):
        raise _no(_("不能上传网页或脚本"))


def _check_zip(content: bytes, kind: Kind) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise _no(UNLIKE) from None
    # A zip is read from its end: whatever stands before it would be another file's beginning.
    if not content.startswith(b"PK"):
        raise _no(UNLIKE)
    if kind.member and kind.member not in {one.filename for one in members}:
        raise _no(UNLIKE)
    if len(members) > MOST_MEMBERS or sum(one.file_size for one in members) > MOST_UNPACKED:
        raise _no(_("压缩包里的文件太多或太大"))
    for one in members:
        _check_member(one, office=bool(kind.member))


def _check_member(one: zipfile.ZipInfo, *, office: bool) -> None:
    if one.flag_bits & 1:
        raise _no(_("不能上传加密的压缩包"))
    name = one.filename.replace("\\", "/").lower()
    if name.startswith("/") or ".." in name.split("/") or ":" in name or "\x00" in name:
        raise _no(UNLIKE)
    last = name.rsplit("/", 1)[-1]
    if last in MACROS:
        raise _no(MACRO)
    if one.is_dir() or last in LITTER:
        return
    allowed = PARTS | KINDS.keys() if office else KINDS.keys() - {"zip"}
    if _suffix(name) not in allowed:
        raise _no(INSIDE % {"name": one.filename[:60]})
