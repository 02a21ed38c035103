"""Letters of pushes by another door and at another hour: stops and quiet hours hold there too."""

import datetime as dt

import pytest
import sqlalchemy as sa

from jobs import deliver
from models.delivery.outbox import Outbox, OutboxState
from services.delivery import outbox
from services.portrait.pushes import stops
from tests.jobs.test_worker import mailbox  # noqa: F401 # a fixture
from tests.portrait.test_push import drawn, push  # noqa: F401 # a fixture
from tests.support.world import World


def waiting(world, **values):
    """Set the letters of pushes to a state, as a broken mail server or no mailbox leaves them."""
    letter = Outbox.__table__
    mine = sa.update(letter).where(letter.c.dedupe_key.startswith("push:"))
    world.session.connection().execute(mine.values(**values))
    world.session.commit()


@pytest.mark.parametrize("state", ["parked", "unconfigured"])
def test_who_stopped_pushes_gets_none_by_another_door(drawn, mailbox, state):  # noqa: F811
    """A letter that was set aside and is sent again by hand, or when there is a mail server."""
    drawn.config["TCOS_SMTP_URL"] = mailbox.url
    first, second = drawn.keys[:2]
    with World(drawn) as world:
        noon = world.now = world.now.replace(hour=4)
        push(world, [first, second], channel="mail", words="您好")
        waiting(world, state=OutboxState[state], reason="away")
        with world.acting("admin"):
            stops.stop(world.session, f"li{first}@example.com", now=world.now)
        with world.acting("admin"):
            for key in world.session.scalars(sa.select(Outbox.id)).all():
                outbox.resend(world.call, key)
    drawn.config["TCOS_CLOCK"] = lambda: noon

    deliver.mails(drawn)

    assert [to for to, _text in mailbox.letters] == [f"li{second}@example.com"]


def test_a_letter_that_is_late_keeps_the_quiet_hours(drawn, mailbox):  # noqa: F811
    """It was due by day; the mail server came back, or somebody sent it again, at night."""
    drawn.config["TCOS_SMTP_URL"] = mailbox.url
    with World(drawn) as world:
        noon = world.now = world.now.replace(hour=4)
        push(world, drawn.keys[:1], channel="mail", words="您好")
    night = noon + dt.timedelta(hours=12)  # midnight in Shanghai
    drawn.config["TCOS_CLOCK"] = lambda: night
    deliver.mails(drawn)
    assert mailbox.letters == []
    drawn.config["TCOS_CLOCK"] = lambda: night + dt.timedelta(hours=9)

    deliver.mails(drawn)

    assert len(mailbox.letters) == 1
