"""Files as other systems give them, made by a seed: what `bench.imports` reads."""

import csv
import dataclasses
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

CUSTOMERS, CONTRACTS, PAYMENTS, FOLLOWUPS, LINES = 100_000, 400, 20_000, 20_000, 500_000
AN_ORDER, BUYERS, PRODUCTS = 20, 4_000, 3_000  # lines of an order, its customers and products
FAR = 0.01  # of all lines stand far from their order
Row = tuple[object, ...]
Cells = Callable[[int], Iterator[Row]]


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """A file with its mapping."""

    name: str
    rows: int
    path: Path
    mapping: Path


HISTORIC = 'approval = "approved"\nsource = "bench"\n[[files]]\n'
CUSTOMER = """[[files.entities]]
entity = "customer"
keys = ["external_ref"]
fields = { external_ref = "id", company = "name", "primary.name" = "who", "primary.mobile" = "tel" }
"""
CONTRACT = """[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
name = "no"
signed_on = "day"
amount = "sum"
customer_id = { column = "id", by = "external_ref" }
"""
PAYMENT = """[[files.entities]]
entity = "payment"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
paid_on = "day"
amount = "sum"
contract_id = { column = "contract", by = "external_ref" }
"""
FOLLOWUP = """[[files.entities]]
entity = "followup"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
at = "day"
content = "text"
kind = { value = "电话" }
owner_id = { value = "sales" }
customer_id = { column = "id", by = "external_ref" }
"""
ORDER = """blank = ["NULL"]
[[files.entities]]
entity = "customer"
keys = ["external_ref"]
distinct = "first"
fields = { external_ref = "customer", company = { template = "Buyer {customer}" }, remark = "land" }
[[files.entities]]
entity = "product"
keys = ["code"]
distinct = "first"
fields = { code = "item", name = "text" }
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
distinct = "first"
[files.entities.fields]
external_ref = "order"
name = { template = "Order {order}" }
state = { value = "履行完毕" }
signed_on = "day"
customer_id = { column = "customer", by = "external_ref" }
[files.entities.lines.lines]
product_id = { column = "item", by = "code" }
quantity = "number"
price = "price"
"""


def make(folder: Path, chance: random.Random, share: float = 1.0) -> Iterator[Made]:
    """Write the files one after the other, each with its mapping; a `share` of all their rows."""
    customers, payments, talks, lines = (
        int(rows * share) for rows in (CUSTOMERS, PAYMENTS, FOLLOWUPS, LINES)
    )
    parts = {
        "customers": (CUSTOMER, ("id", "name", "who", "tel"), customers, _customers),
        "contracts": (CONTRACT, ("no", "day", "sum", "id"), CONTRACTS, _contracts),
        "payments": (PAYMENT, ("no", "day", "sum", "contract"), payments, _payments(chance)),
        "follow-ups": (FOLLOWUP, ("no", "day", "text", "id"), talks, _talks(chance, customers)),
        "order lines": (ORDER, HEAD, lines, _lines(chance)),
    }
    for name, (mapping, head, rows, told) in parts.items():
        cells = told(rows)
        path, how = folder / f"{name}.csv", folder / f"{name}.toml"
        how.write_text(HISTORIC + mapping, encoding="utf-8")
        _write(path, head, cells)
        yield Made(name, rows, path, how)


def _write(path: Path, head: Iterable[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)


def _customers(rows: int) -> Iterator[Row]:
    return ((f"K{n}", f"北京第{n}机械有限公司", f"王{n}", 13_000_000_000 + n) for n in range(rows))


def _contracts(rows: int) -> Iterator[Row]:
    return ((f"C{n}", f"2020-01-{n % 28 + 1:02}", 1_000_000, f"K{n}") for n in range(rows))


def _payments(chance: random.Random) -> Cells:
    def cells(rows: int) -> Iterator[Row]:
        for n in range(rows):
            paid = chance.randint(1, 9_999) / 100
            yield f"P{n}", _day(chance), paid, f"C{chance.randrange(CONTRACTS)}"

    return cells


def _talks(chance: random.Random, customers: int) -> Cells:
    def cells(rows: int) -> Iterator[Row]:
        for n in range(rows):
            yield f"F{n}", _day(chance), f"谈了第 {n} 次", f"K{chance.randrange(customers)}"

    return cells


HEAD = ("order", "item", "text", "number", "day", "price", "customer", "land")


def _lines(chance: random.Random) -> Cells:
    def cells(rows: int) -> Iterator[Row]:
        """Yield lines as a shop writes them: those of an order near each other, some much later."""
        late: list[Row] = []
        for n in range(rows // AN_ORDER):
            day, customer = _day(chance), chance.randrange(BUYERS)
            for _line in range(AN_ORDER):
                row = _line_of(chance, n, day, customer)
                if chance.random() < FAR:
                    late.append(row)
                else:
                    yield row
        yield from late

    return cells


def _line_of(chance: random.Random, order: int, day: str, customer: int) -> Row:
    item = chance.randrange(PRODUCTS)
    price = chance.randint(1, 99_999) / 100
    number = chance.randint(1, 40)
    return order, f"I{item}", f"item no. {item}", number, day, price, f"B{customer}", "China"


def _day(chance: random.Random) -> str:
    return f"{chance.randint(2021, 2024)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
