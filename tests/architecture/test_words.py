"""One thing, one word: the catalogue keeps the terms of the product in both languages.

What is forbidden stands with the word to take instead; a text that needs a forbidden word all the
same stands in `EXCEPTIONS` with its reason.
"""

import re
from pathlib import Path

from babel.messages.pofile import read_po

CATALOGUE = Path(__file__).parents[2] / "translations" / "en" / "LC_MESSAGES" / "messages.po"

CHINESE = {
    r"在谈商机|开放商机|进行中的商机|未关闭的商机": "进行中商机",
    r"录入人|上传人": "创建人",
    r"(?<!部门)负责人": "销售员, or 部门负责人",
    r"收回": "撤回 of the submitter, 撤销 of everybody else",
    r"回退": "撤销",
    r"未处理": "失败",
    r"快照|指纹": "提交时的内容, 内容校验",
    r"关键列": "匹配列",
    r"映射": "列对应",
    r"试运行": "导入预检 of an import",
    r"启用中|没有启用|启用的人员": "已启用, 已停用; people: 在职",
    r"使用中": "引用次数",
    r"本月回款|本期回款": "到账",
    r"开始日(?!期)|结束日(?!期)|建档日(?!期)|关闭日(?!期)": "…日期",
    r"取消此筛选": "移除此筛选",
    r"逾期未跟(?!进)|我协同(?!的)": "逾期未跟进, 我协同的",
    r"保留的一方|并入的一方|交换两方": "保留的客户, 被合并的客户",
    r"成环": "what to select instead",
    r"这种|给出|所说的|不论|成立|一方(?!面)|(?<!其)它": "plain words",
    r"对象|队列|请求|参数|(?<![地区国家信用区划因])代码": "no words of the machine",
    r"亲[，,]|哦|啦|！": "the tone of the product",
    r"(?<!您)你": "您",
    r"后台处理程序|没有动静|工作人员": "后台处理",
}
ENGLISH = {
    r"\b(?:he|his|him|himself)\b": "you, they",
    r"\b(?:choose|pick|tick|chosen|picked|ticked)\b": "select",
    r"\b(?:mend|mended)\b": "fix",
    r"\b(?:urge|urged|urging)\b": "send a reminder",
    r"\bremarks?\b": "notes, field comment",
    r"\bentity\b|\bentities\b": "record type",
    r"\bstate\b": "status",
    r"\bmean (?:days|minutes)\b": "average",
    r"\byuan\b|¥|￥|\bRMB\b": "CNY",
    r'"': "“ ”",
    r"\bin force\b": "active",
    r"\bparked\b": "stopped",
    r"\bsnapshot\b": "submitted version",
    r"\bdry\b": "check",
    r"\bgo on\?": "the verb again",
    r"\bcolor\b|\bcancel(?:ed|ing)\b|\bcenter\b|\bgray\b|organiz|authoriz": "British spelling",
    r"!": "no exclamation marks",
    r"[\u4e00-\u9fff]": "English in English",
    r"\bcash in\b": "cash received",
    r"\btake(?:n)? back\b": "undo, withdraw",
    r"not done": "failed",
}
# text → why it keeps the word
EXCEPTIONS = {
    # product.md fixes these words
    "A级: 非常重要, 合同洽谈": "the choices of 客户等级",
    "B级: 重要, 方案报价": "the choices of 客户等级",
    "C级: 一般, 需求沟通": "the choices of 客户等级",
    "D级: 潜在, 初步接触": "the choices of 客户等级",
    # not the term
    "试运行": "of an approval flow; an import is 导入预检",
    "年-月-日 时:分": "the pattern of a time",
    "中文": "a language is called in its own words",
    "Select or type province/city/district; pinyin works, e.g. 武汉洪山 or whhs": "names as data",
}
PLACEHOLDER = re.compile(r"%\(\w+\)s|{\w+}")
HAN = r"[\u4e00-\u9fff]"
JOINED = re.compile(rf"{HAN}(?:[A-Za-z0-9])|(?:[A-Za-z0-9)]){HAN}")
GLUED = re.compile(r"月结30|[ABCD]级|\d+年|\d+月|\d+日|\d+万|N 级|360")
HALF = re.compile(rf"{HAN}[,;:!?()]|[,;:!?(]{HAN}")


def catalogue():
    with CATALOGUE.open("rb") as file:
        for one in read_po(file):
            if one.id:
                shapes = (one.id, one.string)
                yield tuple((text,) if isinstance(text, str) else text for text in shapes)


def told(words, texts):
    return [
        f"{text}: {found[0]!r} → {instead}"
        for text in texts
        for word, instead in words.items()
        for found in [re.search(word, PLACEHOLDER.sub("", text), re.IGNORECASE)]
        if found and text not in EXCEPTIONS
    ]


def test_chinese_texts_keep_the_terms():
    assert told(CHINESE, (text for ids, _strings in catalogue() for text in ids)) == []


def test_english_texts_keep_the_terms():
    assert told(ENGLISH, (text for _ids, strings in catalogue() for text in strings)) == []


def test_chinese_is_set_as_chinese():
    texts = [text for ids, _strings in catalogue() for text in ids if text not in EXCEPTIONS]
    bare = [PLACEHOLDER.sub("", text) for text in texts]

    assert [t for t in bare if JOINED.search(GLUED.sub("", t))] == []
    assert [t for t in bare if HALF.search(t)] == []
