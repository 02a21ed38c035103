"""What may be wrong with an import: one finding a place, with its reason and what to do."""

import dataclasses
from typing import Any

from flask_babel import lazy_gettext as _

from services.core.errors import Refused

LONGEST_VALUE = 200

# code → what to do about it; the reason says what is wrong.
ADVICE: dict[str, Any] = {
    "BAD_VALUE": _("按提示修改此单元格后重新上传"),
    "FORMULA": _("在表格软件中打开并保存，或把公式粘贴为「值」"),
    "PRECISION": _("把单元格格式设为「文本」后重新填写"),
    "EXTRA_CELLS": _("检查此行的分隔符和引号"),
    "REQUIRED": _("补上此列的值"),
    "NOT_FOUND": _("先录入这条记录，或改成系统中已有的名称或编号"),
    "KEY_MISSING": _("补上匹配列的值，或另选一个匹配列；都没有时匹配列选「全部新建」"),
    "KEY_TWICE": _("同一条记录只保留一行，或改成相同的值"),
    "TOGETHER": _("改好该行后一起导入"),
    "CIRCLE": _("去掉其中一个引用"),
    "LINES_UNCLEAR": _("在列对应文件的 existing 中写 add（增加）或 replace（替换）"),
    "CELL_ERROR": _("在表格软件中改正公式，或把此格改成值"),
    "COMPUTED": _("无需处理"),
    "ENCODING": _("文字不对时，在「工作表与列名」中选择编码"),
    "ABOVE_HEAD": _("如果是记录，在「工作表与列名」中改选列名所在的行"),
    "OTHER_SHEETS": _("数据在别的工作表时，在「工作表与列名」中改选"),
    "DOUBLE_HEAD": _("核对这些列各自导入到哪个字段"),
    "NO_HEAD": _("需要导入时请选择字段"),
    "MERGED": _("各行都应有这个值时，选择「向下填充」"),
    "LINES": _("无需处理"),
    "IGNORED": _("无需处理"),
    "SAME_FILE": _("不想重复时选择匹配列，或先撤销上一次导入"),
    "TOTAL_ROW": _("如果是记录，在「工作表与列名」中勾选这一行"),
    "HEADS_AGAIN": _("如果是记录，在「工作表与列名」中勾选这一行"),
    "BELOW_TABLE": _("如果是记录，在「工作表与列名」中勾选这一行"),
    "BLANK_ROWS": _("无需处理"),
    "HIDDEN_ROWS": _("不要的行请在文件中删除后重新上传"),
    "KEY_TAKEN": _("匹配到您无权查看或已删除的记录，请联系管理员"),
    "LOCKED": _("撤回审批或通过变更申请修改"),
    "FORBIDDEN": _("请有权限的同事导入，或联系管理员"),
    "NOT_MAPPED": _("如需导入，请为此列选择字段"),
    "NO_COLUMN": _("在文件中补上此列，或修改列对应"),
    "DUPLICATE": _("确认不是同一家客户，并在「重复说明」列写明原因"),
    "SIMILAR": _("确认不是同一家客户；是同一家时删去此行"),
    "PLACEHOLDER": _("导入后在商机上改选真正的客户"),
    "NO_DATE": _("导入后日期为导入时间"),
    "KEPT": _("销售员通过「移交」更换"),
    "MAPPED": _("无需处理"),
    "DIFFERS": _("核对取用的值；应由人决定时把 distinct 改为 same"),
    "LEFT_BLANK": _("导入后补上，或改正此格后重新导入"),
    "SKIPPED": _("核对 only 和 skip 是否漏掉了应导入的行"),
    "REFUSED": _("按原因处理后重新检查"),
    "NOT_RETURNED": _("先处理引用这些记录的记录，再撤销这次导入"),
    "INCOMPLETE": _("导入后请补全资料"),
    "WAITS": _("客户通过后，从草稿提交"),
}

# code → what it is called where people read it; the codes are for programs.
CAUSES: dict[str, Any] = {
    "BAD_VALUE": _("值不对"),
    "FORMULA": _("公式没有结果"),
    "PRECISION": _("数字位数丢失"),
    "EXTRA_CELLS": _("单元格多于列"),
    "REQUIRED": _("缺少必填项"),
    "NOT_FOUND": _("系统中没有"),
    "KEY_MISSING": _("缺少匹配列的值"),
    "KEY_TWICE": _("同一条记录写了两次"),
    "TOGETHER": _("随其他行留下"),
    "CIRCLE": _("互相引用"),
    "LINES_UNCLEAR": _("明细对不上"),
    "CELL_ERROR": _("单元格是错误值"),
    "COMPUTED": _("取了公式的结果"),
    "ENCODING": _("文字编码"),
    "ABOVE_HEAD": _("列名以上的行"),
    "OTHER_SHEETS": _("其他工作表"),
    "DOUBLE_HEAD": _("重复的列名"),
    "NO_HEAD": _("没有列名的列"),
    "MERGED": _("合并单元格"),
    "LINES": _("明细行"),
    "IGNORED": _("按列对应不导入的列"),
    "SAME_FILE": _("已导入过的文件"),
    "TOTAL_ROW": _("合计行"),
    "HEADS_AGAIN": _("重复的列名行"),
    "BELOW_TABLE": _("表下的文字"),
    "BLANK_ROWS": _("空行"),
    "HIDDEN_ROWS": _("隐藏的行"),
    "KEY_TAKEN": _("已存在而不能更新"),
    "LOCKED": _("不能修改"),
    "FORBIDDEN": _("没有权限"),
    "NOT_MAPPED": _("没有导入的列"),
    "NO_COLUMN": _("文件中没有的列"),
    "DUPLICATE": _("重复的客户"),
    "SIMILAR": _("相近的客户"),
    "PLACEHOLDER": _("没有客户"),
    "NO_DATE": _("没有日期"),
    "KEPT": _("销售员不变"),
    "MAPPED": _("按列对应改写"),
    "DIFFERS": _("各行不同"),
    "LEFT_BLANK": _("留空的单元格"),
    "SKIPPED": _("按列对应跳过的行"),
    "REFUSED": _("被拒绝"),
    "NOT_RETURNED": _("没有撤销"),
    "INCOMPLETE": _("资料不全"),
    "WAITS": _("等客户通过审批"),
    "OVER_CONTRACT": _("可能多收"),
    "SAME_PAYMENT": _("可能重复的回款"),
    "BEFORE_SIGNING": _("早于签订日"),
    "IN_USE": _("停用后仍在使用"),
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
    def cause(self) -> str:
        """Return what kind of finding it is, in words."""
        return str(CAUSES.get(self.code, _("问题")))

    @property
    def advice(self) -> str:
        """Return what to do about it."""
        return str(ADVICE.get(self.code, ""))


class BadFile(Refused):
    """The file as a whole cannot be read; the message says where and why."""

    status = 422
    code = "BAD_FILE"
