"""Every command of `flask --help` is called by a test that looks at what it did."""

import re
from pathlib import Path

import sqlalchemy as sa

from cli import COMMANDS
from models.core.base import db
from models.customers.customer import Customer
from models.people.user import User
from models.portrait.customer_portrait import CustomerPortrait
from models.portrait.run import PortraitRun
from tests.support.company import seed_company

TESTS = Path(__file__).resolve().parents[1]


def names(command, before=()):
    """Yield the words of a command and of all below it."""
    below = getattr(command, "commands", {})
    for one in below.values():
        yield from names(one, (*before, command.name))
    if not below:
        yield (*before, command.name)


def test_every_command_is_called_by_a_test():
    texts = [path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py")]
    called = "\n".join(texts)
    quoted = {
        words: r",\s*".join(f'"{word}"' for word in words) for c in COMMANDS for words in names(c)
    }

    left = {words for words, pattern in quoted.items() if not re.search(pattern, called)}

    assert left == set()


def counted(app, *models):
    with app.app_context(), db.engine.connect() as connection:
        count = sa.func.count()
        return [
            connection.execute(sa.select(count).select_from(m.__table__)).scalar() for m in models
        ]


def test_portraits_are_drawn_by_command(databases):
    with databases.lent("sqlite", seed_company) as app:
        done = app.test_cli_runner().invoke(args=["portrait", "recompute"])

        assert done.exit_code == 0, done.output
        portraits, runs, customers = counted(app, CustomerPortrait, PortraitRun, Customer)
        assert 0 < portraits <= customers
        assert runs == 1


def test_an_evaluation_without_purchases_says_so_and_keeps_nothing(lite):
    refused = lite.test_cli_runner().invoke(args=["portrait", "evaluate"])

    assert refused.exit_code == 1
    assert "no purchases" in refused.output
    assert counted(lite, PortraitRun) == [0]


def test_a_lost_second_factor_is_taken_away_by_command(app):
    user = User.__table__
    mine = user.c.email == "sales@demo.tcos.cn"
    with app.app_context(), db.engine.begin() as connection:
        values = {"tf_primary_method": "authenticator", "tf_totp_secret": "x"}
        connection.execute(sa.update(user).where(mine).values(values))

    done = app.test_cli_runner().invoke(args=["reset-second-factor", "sales@demo.tcos.cn"])

    assert done.output == "sales@demo.tcos.cn has no second factor now\n"
    with app.app_context(), db.engine.connect() as connection:
        assert connection.execute(sa.select(user.c.tf_totp_secret).where(mine)).scalar() is None
