"""What a customer waits for: the progress page, what a stranger may guess, a contract as PDF."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient

from bench.pages import demo_app
from bench.report import Line, Options, median_ms, seconds
from models.deals.contract import Contract, ContractState
from models.deals.order import Order
from services.enquiry import links
from tests.support.visitors import Visitors
from tests.support.world import World, token_of

PAGE_MS, PDF_MS, TRIES, ANSWERED = 20.0, 1500.0, 200, 10  # issue 12


def run(options: Options) -> Iterator[Line]:
    """Open a link of the demo company, guess from one address behind a proxy, make papers."""
    with tempfile.TemporaryDirectory() as folder:
        app = demo_app(Path(folder))
        contract, address = _found(app)
        customer = app.test_client()
        took = median_ms(lambda: _good(customer, address), 4 * options.times)
        yield Line("/progress/ by a link", took, PAGE_MS)
        answered = sum(_answered(customer, n) for n in range(TRIES))
        yield Line(f"answered of {TRIES} wrong guesses", answered, ANSWERED, "")
        sales, path = Visitors(app), f"/admin/paper/?kind=contract&id={contract}&form=pdf"
        sales.client("admin")
        first = 1000 * seconds(lambda: sales.get("admin", path))
        yield Line("PDF of a contract, the first of a process", first, PDF_MS)
        yield Line(
            "PDF of a contract", median_ms(lambda: sales.get("admin", path), options.times), PDF_MS
        )


def _found(app: Any) -> tuple[int, str]:
    """Return a contract in force and the address of a link to its order."""
    with World(app) as world, world.acting("admin"):
        query = sa.select(Order).join(Contract).where(Contract.state == ContractState.active)
        order = world.session.scalars(query.order_by(Order.id).limit(1)).one()
        made = links.create(world.call, order, min(links.LIFETIMES))
        world.session.flush()
        contract = order.contract_id
        return contract, f"/progress/{links.token_of(str(app.secret_key), made.id)}"


def _good(client: FlaskClient, address: str) -> None:
    if client.get(address).status_code != 200:
        raise SystemExit(f"{address} does not answer")


def _answered(client: FlaskClient, n: int) -> bool:
    """Guess a number: each time another order and other digits, from the same address."""
    token = token_of(client.get("/progress/").get_data(as_text=True))
    form = {"csrf_token": token, "number": f"YAV-DD-20200101-{n}", "mobile": f"{n:04}"}
    return client.post("/progress/", data=form).status_code == 200
