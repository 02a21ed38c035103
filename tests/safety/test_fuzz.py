"""Whatever stands in an address or a form, the answer is below 500 and tells no SQL."""

import random
import re
from urllib.parse import quote

import pytest

from tests.support.matrix import DOORS
from tests.support.plain import plain

JUNK = (
    "", "0", "-1", "-5", "1,2", "1.5", "abc", "1e9", "١", "0x10", " 1", "1 ", "+1", "1_000",
    str(10**10), str(10**20), str(10**21), "9" * 400, str(2**31), str(2**63), "-" + str(2**63),
    "0" * 25 + "9" * 25, "\x00", "a\x00b", "\ud7ff", "\u202e", "🙂" * 30, "%", "_", "%%%", "\\",
    "'", '"', "' OR 1=1 --", "1;DROP TABLE customer", "<script>", "{{7*7}}", "../../etc/passwd",
    "null", "None", "nan", "inf", "2026-13-45", "0000-00-00", "9999-12-31", "2026-02-30",
    "[]", "{}", "true", "x" * 5000, " ".join(["词"] * 1200), "，" * 200,
)  # fmt: skip
RAW = ("%ff%fe", "%c3%28", "%e2%28%a1", "%f0%28%8c%28", "%80", "%00", "%", "%zz", "a%ff")
NAMES = (
    "id", "page", "page_size", "search", "sort", "q", "query", "limit", "offset", "name", "field",
    "customer_id", "owner_id", "company", "level", "status", "amount_from", "amount_to",
    "created_at_from", "at_to", "approval", "tab", "noun", "state", "unread", "from", "to", "by",
    "preset", "size", "as_of", "department", "stage", "kind", "request", "active",
)  # fmt: skip
SQL = re.compile(r"SELECT |INSERT INTO|sqlalchemy|sqlite3|psycopg|Traceback", re.IGNORECASE)
GETS = [door for door in DOORS if door.method == "GET" and "static" not in door.rule]
POSTS = [door for door in DOORS if door.method == "POST" and door.rule != "/logout"]


def addresses(count, seed):
    """Yield random addresses: one to four junk parameters on a random page."""
    draw = random.Random(seed)
    for _n in range(count):
        pairs = []
        for _k in range(draw.randint(1, 4)):
            value = draw.choice(RAW) if draw.random() < 0.2 else quote(draw.choice(JUNK))
            pairs.append(f"{draw.choice(NAMES)}={value}")
        yield f"{draw.choice(GETS).path}?{'&'.join(pairs)}"


def check(target, count, seed):
    wrong = []
    for address in addresses(count, seed):
        answer = target.get("admin", address)
        if answer.status_code >= 500 or (
            answer.status_code >= 400 and SQL.search(answer.get_data(as_text=True))
        ):
            wrong.append((answer.status_code, address[:200]))
    assert not wrong, "\n".join(map(str, wrong))


def test_plain_lists_break_on_huge_pages_and_long_searches():
    with plain(column_searchable_list=["name"]) as stock:
        assert stock.client.get(f"/admin/thing/?page={10**20}").status_code == 500
        words = "+".join(["w"] * 1200)
        assert stock.client.get(f"/admin/thing/?search={words}").status_code == 500


def test_junk_in_an_address_is_never_a_500(untouched):
    check(untouched, 300, seed=1)


@pytest.mark.soak
def test_junk_in_thousands_of_addresses_is_never_a_500(untouched):
    check(untouched, 3000, seed=2)


@pytest.mark.parametrize("name", ["id", "page", "search", "sort"])
def test_every_junk_value_in_the_parameters_that_every_list_has(untouched, name):
    for value in [*map(quote, JUNK), *RAW]:
        for path in ("/admin/customer/", "/admin/customer/details/", "/admin/contract/edit/"):
            answer = untouched.get("admin", f"{path}?{name}={value}")
            assert answer.status_code < 500, (path, value[:80])


def test_junk_in_a_form_is_refused_and_leaves_nothing(target):
    draw = random.Random(3)
    wrong = []
    for door in POSTS:
        for _n in range(2):
            form = {draw.choice(NAMES): draw.choice(JUNK) for _k in range(4)}
            form |= {"row_version": draw.choice(JUNK), "id": draw.choice(JUNK)}
            before = target.dump()
            answer = target.post("admin", door.path, form)
            if answer.status_code >= 500:
                wrong.append((door.rule, answer.status_code, str(form)[:200]))
            if answer.status_code >= 400 and target.dump() != before:
                wrong.append((door.rule, answer.status_code, "wrote"))

    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.soak  # by night: by day the statements of every filter run there in test_filters
def test_junk_on_postgres_too(databases):
    from tests.safety.conftest import Target
    from tests.support.company import seed_company

    with databases.lent("postgres", seed_company) as app:
        found = Target(app)
        check(found, 150, seed=4)
        for value in ("abc", "%00", "-5", str(10**21)):
            for name in ("id", "page", "search", "level", "owner_id"):
                for path in ("/admin/customer/", "/admin/customer/details/"):
                    assert found.get("admin", f"{path}?{name}={value}").status_code < 500
