"""What may be wrong with an import: one finding a place, with its reason and what to do."""

import dataclasses
from typing import Any

from flask_babel import lazy_gettext as _

from services.errors import Refused

LONGEST_VALUE = 200

# code → what to do about it; the reason says what is wrong.
ADVICE: dict[str, Any] = {
    "BAD_VALUE": _("按提示修改此单元格后重新上传"),
    "FORMULA": _("在表格软件中复制此列，选择性粘贴为「值」"),
    "PRECISION": _("把单元格格式设为「文本」后重新填写"),
    "EXTRA_CELLS": _("检查此行的分隔符和引号"),
    "REQUIRED": _("补上此列的值"),
    "NOT_FOUND": _("先录入它，或改成系统中已有的名称或编号"),
    "KEY_MISSING": _("补上关键列的值，或在映射中换一个关键列"),
    "KEY_TWICE": _("同一条记录只保留一行，或改成相同的值"),
    "TOGETHER": _("改好该行后，整条记录的各行一起导入"),
    "CIRCLE": _("去掉其中一个引用"),
    "LINES_UNCLEAR": _("在映射的 existing 中写 add（增加）或 replace（替换）"),
    "LINES": _("无需处理"),
    "IGNORED": _("无需处理"),
    "TOTAL_ROW": _("合计行不是记录；确是记录时请改名"),
    "BLANK_ROWS": _("无需处理"),
    "KEY_TAKEN": _("关键列的值属于您无权查看或已删除的记录，请联系管理员"),
    "LOCKED": _("撤回审批或通过变更申请修改"),
    "FORBIDDEN": _("请有权限的同事导入，或联系管理员"),
    "NOT_MAPPED": _("如需导入，请为此列选择字段"),
    "NO_COLUMN": _("在文件中补上此列，或修改映射"),
    "DUPLICATE": _("确认不是同一家客户，并在「重复说明」列写明原因"),
    "SIMILAR": _("确认不是同一家客户；是同一家时删去此行"),
    "PLACEHOLDER": _("导入后在商机上改选真正的客户"),
    "NO_DATE": _("导入后日期为导入时间"),
    "KEPT": _("负责人通过「移交」更换"),
    "MAPPED": _("无需处理"),
    "REFUSED": _("按原因处理后重新检查"),
    "NOT_RETURNED": _("先处理引用它们的记录，再撤销这次导入"),
    "INCOMPLETE": _("导入后请补全资料"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One finding; line 0 stands for the whole file. Only fatal ones keep a row out."""

    line: int
    column: str
    value: str
    code: str
    reason: Any
    fatal: bool = True

    @property
    def advice(self) -> str:
        """Return what to do about it."""
        return str(ADVICE.get(self.code, ""))


class BadFile(Refused):
    """The file as a whole cannot be read; the message says where and why."""

    status = 422
    code = "BAD_FILE"
