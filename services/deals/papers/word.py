"""Papers as Word files: from a DOCX with placeholders, uploaded or our own."""

import functools
import io
from typing import Any

import docx
import docxtpl

from services.core.errors import Invalid
from services.deals.papers import content, layout

FONT = "Microsoft YaHei"
FACTS = (
    ("编号", "paper.code"), ("日期", "paper.day"), ("客户", "customer.name"),
    ("地址", "customer.address"), ("合同", "contract.name"), ("合同编号", "contract.code"),
    ("签订日期", "contract.signed_on"),
    ("交付日期", "contract.deliver_on"), ("付款条款", "paper.terms"),
)  # fmt: skip
# Caption, when it stands, its rows, its columns.
TABLES = (
    ("产品明细", "lines and paper.prices", "lines", (("序号", "n"), ("产品", "product"),
     ("单位", "unit"), ("数量", "quantity"), ("单价（元）", "price"), ("小计（元）", "subtotal"))),
    ("产品明细", "lines and not paper.prices", "lines", (("序号", "n"), ("产品", "product"),
     ("编号", "code"), ("单位", "unit"), ("数量", "quantity"))),
    ("回款计划", "plan and paper.prices and not totals.paid", "plan", (("期次", "n"),
     ("应收日期", "due_on"), ("比例", "ratio"), ("金额（元）", "amount"), ("说明", "note"))),
    ("应收", "plan and totals.paid", "plan", (("合同", "contract"), ("期次", "n"),
     ("应收日期", "due_on"), ("金额（元）", "amount"), ("已收（元）", "settled"),
     ("未收（元）", "open"))),
    ("回款", "payments and paper.prices", "payments", (("编号", "code"), ("日期", "paid_on"),
     ("金额（元）", "amount"), ("方式", "method"))),
)  # fmt: skip

# What is paid, then what it comes to: of a statement that is what is still open.
SUMS = (
    ("totals.paid", "合同 {{ totals.amount }} 元 · 已收 {{ totals.paid }} 元"),
    ("totals.surplus", "其中预收 {{ totals.surplus }} 元"),
    ("totals.paid", "逾期 {{ totals.overdue }} 元"),
    ("totals.paid", "未收 {{ paper.amount }} 元（大写：{{ paper.capital }}）"),
    ("paper.prices and not totals.paid", "合计 {{ paper.amount }} 元（大写：{{ paper.capital }}）"),
)


def filled(template: bytes | None, given: dict[str, Any]) -> bytes:
    """Return a DOCX with its placeholders filled; None takes our own layout. Raises Invalid."""
    found = docxtpl.DocxTemplate(io.BytesIO(template or standard()))
    try:
        found.render(given, layout.environment(escape=True), autoescape=True)
    except Exception as problem:
        raise Invalid({"file": layout.told(problem)}) from problem
    out = io.BytesIO()
    found.save(out)
    return out.getvalue()


def check(template: bytes) -> None:
    """Raise Invalid on `file`, with its name, where a DOCX has a placeholder that there is not."""
    filled(template, content.sample())


@functools.cache
def standard() -> bytes:
    """Return our own layout with its placeholders, for others to begin with."""
    paper = docx.Document()
    style = paper.styles["Normal"]
    style.font.name, style.font.size = FONT, docx.shared.Pt(10)
    style.element.rPr.rFonts.set(docx.oxml.ns.qn("w:eastAsia"), FONT)
    paper.add_heading("{{ company.name }}", 1)
    paper.add_paragraph("{{ company.head }}")
    paper.add_heading("{{ paper.title }}", 0).alignment = docx.enum.text.WD_ALIGN_PARAGRAPH.CENTER
    for caption, place in FACTS:
        paper.add_paragraph("{%p if " + place + " %}")
        paper.add_paragraph(caption + "：{{ " + place + " }}")
        paper.add_paragraph("{%p endif %}")
    for caption, when, rows, columns in TABLES:
        paper.add_paragraph("{%p if " + when + " %}")
        _table(paper, caption, rows, columns)
        paper.add_paragraph("{%p endif %}")
    for when, text in SUMS:
        paper.add_paragraph("{%p if " + when + " %}")
        paper.add_paragraph(text)
        paper.add_paragraph("{%p endif %}")
    paper.add_paragraph("{{ company.clauses }}")
    seals = paper.add_table(1, 2).rows[0].cells
    for cell, who, signer in zip(
        seals,
        ("customer.name", "company.name"),
        ("customer.signer", "contract.signer"),
        strict=True,
    ):
        cell.text = "{{ " + who + " }}\n签约人：{{ " + signer + " }}\n（盖章）"
    out = io.BytesIO()
    paper.save(out)
    return out.getvalue()


def _table(paper: Any, caption: str, rows: str, columns: Any) -> None:
    paper.add_heading(caption, 2)
    table = paper.add_table(4, len(columns), style="Table Grid")
    for cell, (name, _key) in zip(table.rows[0].cells, columns, strict=True):
        cell.text = name
    table.rows[1].cells[0].text = "{%tr for one in " + rows + " %}"
    for cell, (_name, key) in zip(table.rows[2].cells, columns, strict=True):
        cell.text = "{{ one." + key + " }}"
    table.rows[3].cells[0].text = "{%tr endfor %}"
