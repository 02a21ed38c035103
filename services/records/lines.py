"""Product lines and instalments: amounts, remainders, replacing a record's lines."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.core.line import FULL_PRICE
from models.sales.product import Product
from services.core.texts import LARGEST_MONEY, yuan
from services.records.records import Values
from services.rights.call import Call

Row = Mapping[str, Any]


def subtotal(quantity: Decimal, price: int, discount_bp: int = FULL_PRICE) -> int:
    """Return half-up(quantity × price × discount) in 分 (product.md section 5)."""
    exact = Decimal(quantity) * price * discount_bp / FULL_PRICE
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def check_products(call: Call, rows: Iterable[Row]) -> str:
    """Return what is wrong with product lines, an empty text when nothing is."""
    rows = list(rows)
    for n, row in enumerate(rows, 1):
        if row.get("product_id") is None or row.get("quantity") is None:
            return str(_("第 %(n)s 行：请选择产品并填写数量", n=n))
        if row.get("price") is None or row["price"] < 0:
            return str(_("第 %(n)s 行：请填写不小于 0 的单价", n=n))
    if problem := _too_much(rows):
        return problem
    wanted = {row["product_id"] for row in rows}
    known = set(call.session.scalars(sa.select(Product.id).where(Product.id.in_(wanted))))
    return str(_("产品不存在")) if wanted - known else ""


def _too_much(rows: Iterable[Row]) -> str:
    """Return which subtotal, or that the sum of all, is more than any amount may be."""
    whole, most = 0, yuan(LARGEST_MONEY)
    for n, row in enumerate(rows, 1):
        part = subtotal(row["quantity"], row["price"], _discount(row))
        if part > LARGEST_MONEY:
            return str(_("第 %(n)s 行：小计不能超过 %(most)s 元", n=n, most=most))
        whole += part
    return str(_("产品合计不能超过 %(most)s 元", most=most)) if whole > LARGEST_MONEY else ""


def product_rows(model: type[Any], rows: Iterable[Row]) -> list[Any]:
    """Return line objects with their subtotals."""
    return [
        model(
            ordinal=n,
            product_id=row["product_id"],
            quantity=row["quantity"],
            price=row["price"],
            discount_bp=_discount(row),
            subtotal=subtotal(row["quantity"], row["price"], _discount(row)),
        )
        for n, row in enumerate(rows, 1)
    ]


def _discount(row: Row) -> int:
    found = row.get("discount_bp")
    return FULL_PRICE if found is None else int(found)


def replace_products(record: Any, model: type[Any], values: Values) -> None:
    """Put new lines in place of the old ones when the payload has some; the amount is their sum."""
    if "lines" not in values:
        return
    record.lines = product_rows(model, values["lines"])
    if record.lines:
        record.amount = sum(line.subtotal for line in record.lines)


def by_ratio(rows: list[dict[str, Any]], amount: int) -> list[dict[str, Any]]:
    """Fill blank amounts from ratios (half up); the last instalment takes the remainder."""
    filled = [dict(row) for row in rows]
    for row in filled:
        if row.get("amount") is None and row.get("ratio_bp") is not None:
            exact = Decimal(amount) * row["ratio_bp"] / FULL_PRICE
            row["amount"] = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
            row["by_ratio"] = True
    whole = sum(row.get("ratio_bp") or 0 for row in filled) == FULL_PRICE
    if filled and whole and all(row.get("by_ratio") for row in filled):
        filled[-1]["amount"] += amount - sum(row["amount"] for row in filled)
    return filled
