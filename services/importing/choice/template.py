"""The empty sheet of an entity: a column a field, a list where it has choices."""

import io
from collections.abc import Mapping, Sequence

import xlsxwriter
from flask_babel import gettext as _
from xlsxwriter.utility import xl_col_to_name

from models.core.spelling import LONGEST
from services.importing.choice.guessing import fields_of
from services.importing.file.workbook import OPTIONS
from services.importing.mapping.declared import MODELS, past_of

ROWS = 20_000  # lines that offer their choices
TEXTS = "choices"  # the sheet that holds them; nobody sees it, the reader included
WIDTH = 16


def template(noun: str, choices: Mapping[str, Sequence[str]]) -> bytes:
    """Return an XLSX whose columns are guessed without asking; `choices` are field → texts."""
    hidden, buffer = past_of(MODELS[noun]), io.BytesIO()
    fields = {key: one for key, one in fields_of(noun).items() if key not in hidden}
    with xlsxwriter.Workbook(buffer, OPTIONS) as book:
        sheet = book.add_worksheet(str(MODELS[noun].__caption__)[:31])
        texts = book.add_worksheet(TEXTS)
        texts.very_hidden()
        bold = book.add_format({"bold": True})
        text = book.add_format({"num_format": "@"})  # long numbers keep all their digits
        for n, (key, one) in enumerate(fields.items()):
            star = "*" if one.facts.required else ""
            sheet.set_column(n, n, WIDTH, text)
            sheet.write_string(0, n, f"{one.facts.caption}{star}", bold)
            offered = [words[:LONGEST] for words in choices.get(key, ())]
            if offered:
                texts.write_column(0, n, offered)
                sheet.data_validation(1, n, ROWS, n, _listed(xl_col_to_name(n), len(offered)))
        sheet.freeze_panes(1, 0)
        sheet.activate()
    return buffer.getvalue()


def _listed(column: str, n: int) -> dict[str, object]:
    """Return the list of a column; another text is asked about, not refused: it may be mapped."""
    return {
        "validate": "list",
        "source": f"={TEXTS}!${column}$1:${column}${n}",
        "error_type": "warning",
        "error_title": str(_("不在选项中")),
        "error_message": str(_("可以从下拉列表中选择；其他文字导入时再选择意思")),
    }
