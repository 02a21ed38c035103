"""订单进度查询: by number and the end of a mobile, by link, by mail; and for colleagues."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from jobs.deliver import letter_of
from models.customers.contact import Contact
from models.deals.contract import Contract
from models.deals.order import MilestoneState, Order, OrderState
from models.deals.progress_link import ProgressLink
from models.delivery.outbox import Outbox
from services.core.errors import Forbidden, Invalid, NotVisible, Refused
from services.enquiry import followers, inside, links, outside, standing
from services.records import records
from services.rights.actor import SYSTEM
from services.rights.call import Call
from tests.support.world import World, count_queries, login, token_of

SECRET, BASE = "secret of a test", "https://crm.example.cn"
SENDER = followers.Sender(SECRET, BASE)
CODE, CONTRACT = "YAV-DD-20261123-01", "YAV-HT-20261123-01"
PLAN = [{"ratio_bp": 10_000, "due_on": dt.date(2026, 12, 1)}]


def running(world, **changes):
    """Return the key of a contract in force, whose order has five steps."""
    contract = world.contract(world.approved(**changes), plan=[dict(row) for row in PLAN])
    return world.approved(model=Contract, key=contract)


def asked(world, number, digits, address="a", now=None):
    return outside.ask(world.session, number, digits, address=address, now=now or world.now)


def order(world, who="admin"):
    """Return the order, read by somebody who acts from now on."""
    world.be(who)
    return world.session.scalars(sa.select(Order)).one()


def tick(world, ordinal):
    with world.acting("admin"):
        step = next(one for one in order(world).milestones if one.ordinal == ordinal)
        step.state, step.done_on = MilestoneState.done, dt.date(2026, 11, 23)


def test_a_customer_without_an_account_sees_his_order_and_nobody_elses(world):
    running(world, **{"primary.mobile": "13912345678"})
    running(world, **{"primary.mobile": "13700137000"})
    world.be(None)

    for number in (CODE, CONTRACT, CODE.lower(), f" {CODE} "):
        for digits in ("5678", "139 1234 5678", "+86 13912345678"):
            (found,) = asked(world, number, digits, address=f"{number}{digits}", now=world.now)
            assert found.order.code == CODE
            assert [step.ordinal for step in found.steps] == list(range(1, 9))
            world.session.rollback()
    for number, digits in (
        (CODE, "7000"),
        (CODE, "678"),
        (CODE, "99995678"),
        (CODE, ""),
        ("", "5678"),
    ):
        assert asked(world, number, digits) == []


@pytest.mark.parametrize("digits", ["0086", "8600", "0000", "8686"])
def test_the_last_four_digits_are_digits_even_where_they_look_like_a_country(small, digits):
    running(small, **{"primary.mobile": f"1391234{digits}"})
    small.be(None)

    for typed in (digits, f"0086 139 1234 {digits}", f"+86 1391234{digits}"):
        assert len(asked(small, CODE, typed, address=typed)) == 1


def test_an_unknown_number_costs_what_a_wrong_mobile_costs(lite):
    with World(lite) as world:
        running(world, **{"primary.mobile": "13912345678"})
    client = lite.test_client()
    told = []
    for number, digits in ((CODE, "0000"), (CONTRACT, "0000"), ("YAV-DD-20200101-99", "5678")):
        data = {"csrf_token": token_of(client.get("/progress/").get_data(as_text=True))}
        with count_queries(lite) as statements:
            page = client.post("/progress/", data=data | {"number": number, "mobile": digits})
        told.append((len(statements), re.sub(r"value=\"[^\"]*\"", "", page.get_data(as_text=True))))

    assert len({count for count, _page in told}) == 1
    assert len({re.sub(r'nonce="[^"]*"', "", page) for _count, page in told}) == 1


@pytest.mark.parametrize("same", ["address", "number"])
def test_at_most_ten_guesses_a_day_are_answered(small, same):
    small.be(None)

    def guess(n, now):
        address = "a" if same == "address" else f"a{n}"
        return asked(small, "X" if same == "number" else f"X{n}", "0000", address, now)

    for n in range(outside.GUESSES):
        assert guess(n, small.now) == []
    with pytest.raises(Refused) as refusal:
        guess(10, small.now)
    assert refusal.value.status == 429
    assert guess(11, small.now + dt.timedelta(days=1)) == []


def test_an_ipv6_visitor_counts_as_his_network():
    assert outside.household("2001:db8:1:2:3::4") == outside.household("2001:db8:1:2:ffff::1")
    assert outside.household("2001:db8:1:2::1") != outside.household("2001:db8:1:3::1")
    assert outside.household("192.0.2.1") == "192.0.2.1"


def test_the_public_pages_count_every_try_and_stay_out_of_search_engines(lite):
    client = lite.test_client()
    first = client.get("/progress/")
    data = {"csrf_token": token_of(first.get_data(as_text=True)), "number": "Y", "mobile": "0000"}

    answers = [client.post("/progress/", data=data).status_code for _n in range(12)]

    assert answers == [200] * 10 + [429] * 2
    for page in (first, client.get("/progress/nonsense"), client.get("/progress/mail/nonsense")):
        assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert page.status_code in {200, 404}


def test_no_money_is_shown_unless_the_contract_allows_it(lite):
    with World(lite) as world:
        key = running(world, **{"primary.mobile": "13912345678"})
    client = lite.test_client()

    def page():
        data = {"csrf_token": token_of(client.get("/progress/").get_data(as_text=True))}
        answer = client.post("/progress/", data=data | {"number": CODE, "mobile": "5678"})
        return answer.get_data(as_text=True)

    shown = page()
    assert 'aria-label="交付"' in shown
    assert 'aria-label="回款"' not in shown
    assert "下一步：设计/备料" in shown
    with World(lite) as world, world.acting("office"):
        world.get(Contract, key).shows_money = True
    assert 'aria-label="回款"' in page()


def test_a_moved_step_says_from_when_to_when_and_why(small):
    running(small)
    step = order(small, "office").milestones[3]
    before, after = step.planned_on, step.planned_on + dt.timedelta(days=9)
    moved = {"planned_on": after, "moved_because": "钢材晚到"}
    records.update(small.call, step, moved, seen=None)
    small.session.commit()
    (found,) = standing.public(small.session, sa.true(), small.now.date())
    (step,) = found.moved
    assert (step.agreed_on, step.planned_on, step.moved_because) == (before, after, "钢材晚到")

    records.update(small.call, step, {"planned_on": before}, seen=None)
    assert (step.agreed_on, step.moved_because) == (None, None)


def test_a_link_shows_its_order_until_it_ends(small):
    running(small)
    one = order(small, "sales")
    link = links.create(small.call, one, 30)
    token = links.token_of(SECRET, link.id)
    end = small.now + dt.timedelta(days=30)

    assert links.opened(small.session, SECRET, token, now=end).found.order.code == CODE
    assert links.opened(small.session, SECRET, token, now=end + dt.timedelta(days=1)).over
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), "x", ""):
        with pytest.raises(NotVisible):
            links.opened(small.session, SECRET, wrong, now=end)
    with pytest.raises(NotVisible):
        links.opened(small.session, "another secret", token, now=end)

    links.revoke(small.call, link.id)
    assert links.opened(small.session, SECRET, token, now=small.now).over
    assert links.of_order(small.call, one) == []


@pytest.mark.parametrize(
    ("who", "allowed"),
    [("sales", True), ("office", True), ("manager", True), ("analyst", False), ("finance", False)],
)
def test_who_looks_after_an_order_may_share_it(small, who, allowed):
    running(small)
    one = order(small, who)

    if not allowed:
        with pytest.raises(Forbidden):
            links.create(small.call, one, 30)
        return
    with pytest.raises(Invalid):
        links.create(small.call, one, 31)
    for _n in range(links.MOST):
        links.create(small.call, one, 30)
    with pytest.raises(Invalid):
        links.create(small.call, one, 30)


def test_a_link_goes_by_mail_in_both_languages_to_a_contact_with_a_mailbox(small):
    running(small)
    one = order(small, "office")
    contact = small.session.scalars(sa.select(Contact)).one()
    link = links.create(small.call, one, 90)
    with pytest.raises(Invalid) as refusal:
        links.send(small.call, link.id, contact.id, f"{BASE}/progress/x")
    assert refusal.value.field == "contact"
    contact.email = "buyer@example.cn"
    for _twice in range(2):
        links.send(small.call, link.id, contact.id, f"{BASE}/progress/x")
    small.session.commit()

    (row,) = letters(small)
    letter = letter_of(row, BASE)
    assert letter.to == "buyer@example.cn"
    assert "您好，订单" in letter.text
    assert "progress of order" in letter.text
    assert letter.text.count(f"{BASE}/progress/x") == 2


def letters(world):
    """Return what goes to people without an account."""
    world.be("admin")
    return world.session.scalars(sa.select(Outbox).where(Outbox.address.is_not(None))).all()


def wanted(world, email, address="a"):
    ticket = followers.pass_for(SECRET, order(world).id, now=world.now)
    with world.acting(None):
        one = followers.Wanted(ticket, email, followers.Language.zh, address)
        followers.ask(world.session, SENDER, one, now=world.now)


def decide(world, token, verb):
    with world.acting(None):
        one = followers.follower(world.session, SECRET, token, now=world.now)
        verb(world.session, one, now=world.now)


def told(world):
    with world.acting(SYSTEM):
        return followers.tell(world.session, SENDER, now=world.now)


def test_a_follower_confirms_is_told_once_of_each_step_and_stops(world):
    running(world)
    tick(world, 1)
    wanted(world, " Buyer@Example.CN ")
    wanted(world, "buyer@example.cn", "b")
    (question,) = letters(world)
    token = re.search(r"/progress/mail/(\S+)", question.payload["text"])[1]
    tick(world, 2)
    assert told(world) == 0  # nobody has confirmed

    decide(world, token, followers.confirm)
    assert told(world) == 0
    tick(world, 3)
    assert [told(world), told(world)] == [1, 0]
    text = letters(world)[-1].payload["text"]
    assert "2026-11-23 生产" in text
    assert "下一步：检验" in text

    decide(world, token, followers.stop)
    tick(world, 4)
    assert told(world) == 0


def test_wishes_nobody_confirmed_take_no_place_and_go(small):
    running(small)
    for n in range(followers.MOST):
        wanted(small, f"junk{n}@example.cn", f"address {n}")
    with pytest.raises(Invalid):
        wanted(small, "buyer@example.cn", "own")
    small.now += dt.timedelta(days=8)
    wanted(small, "buyer@example.cn", "own")
    with small.acting(SYSTEM):
        assert followers.prune(small.session, now=small.now) == followers.MOST

    token = re.search(r"/progress/mail/(\S+)", letters(small)[-1].payload["text"])[1]
    decide(small, token, followers.confirm)
    with small.acting(None):  # whoever knows the address does not choose the language
        ticket = followers.pass_for(SECRET, 1, now=small.now)
        other = followers.Wanted(ticket, "buyer@example.cn", followers.Language.en, "b")
        followers.ask(small.session, SENDER, other, now=small.now)
    tick(small, 3)
    assert told(small) == 1
    assert "有新的进度" in letters(small)[-1].payload["text"]

    with small.acting("admin"):
        one = order(small)
        one.state = OrderState.cancelled
    tick(small, 4)
    assert told(small) == 0
    small.now += dt.timedelta(days=31)
    with small.acting(SYSTEM):
        assert followers.prune(small.session, now=small.now) == 1


def test_a_wish_to_be_told_is_checked_and_bounded(small):
    running(small)
    with pytest.raises(Invalid) as refusal:
        wanted(small, "no mailbox")
    assert refusal.value.field == "email"
    for n in range(outside.GUESSES):
        wanted(small, f"a{n}@example.cn", "one address")
    with pytest.raises(outside.TooMany):
        wanted(small, "b@example.cn", "one address")
    with pytest.raises(NotVisible):
        followers.shown(small.session, SECRET, "forged", now=small.now)
    text = letters(small)[0].payload["text"]
    token = re.search(r"/progress/mail/(\S+)", text)[1]
    later = small.now + dt.timedelta(days=8)
    with pytest.raises(NotVisible):  # it was never confirmed
        followers.follower(small.session, SECRET, token, now=later)


def test_the_pages_lead_from_the_link_to_the_letter_and_out_again(app):
    with World(app) as world:
        running(world)
    office, client = app.test_client(), app.test_client()
    login(office, "office")
    with World(app) as world:
        key = order(world).id
    page = office.get(f"/admin/order/details/?id={key}").get_data(as_text=True)
    data = {"csrf_token": token_of(page), "id": key}
    assert office.post("/admin/order/link/new/", data=data | {"days": "7"}).status_code == 422
    assert office.post("/admin/order/link/new/", data=data | {"days": "30"}).status_code == 303
    with count_queries(app) as statements:
        page = office.get(f"/admin/order/details/?id={key}").get_data(as_text=True)
    assert len(statements) <= 15
    path = re.search(r"(/progress/[\w.\-]+)\"", page)[1]
    assert "<svg" in page

    shown = client.get(path).get_data(as_text=True)
    assert CODE in shown
    ticket = re.search(r'name="ticket" value="([^"]+)"', shown)[1]
    sent = {"csrf_token": token_of(shown), "ticket": ticket}
    wrong = client.post("/progress/follow/", data=sent | {"email": "nonsense"})
    assert wrong.status_code == 422
    assert 'value="nonsense"' in wrong.get_data(as_text=True)
    right = client.post("/progress/follow/", data=sent | {"email": "buyer@example.cn"})
    assert "buyer@example.cn" in right.get_data(as_text=True)

    with World(app) as world:
        (row,) = letters(world)
        letter = re.search(r"/progress/mail/\S+", row.payload["text"])[0]
    page = client.get(letter).get_data(as_text=True)
    assert "吗？" in page
    page = client.post(letter, data={"csrf_token": token_of(page)}).get_data(as_text=True)
    assert "会发邮件到" in page
    page = client.post(letter, data={"csrf_token": token_of(page), "stop": "1"})
    assert "不再发邮件到" in page.get_data(as_text=True)

    with World(app) as world:
        world.be("admin")
        link = world.session.scalars(sa.select(ProgressLink)).one().id
    office.post("/admin/order/link/revoke/", data=data | {"id": link})
    gone = client.get(path)
    assert gone.status_code == 410
    assert CODE not in gone.get_data(as_text=True)


def test_colleagues_find_orders_by_every_key_but_no_masked_mobile(world):
    running(world, **{"company": "武汉楚天激光有限公司", "primary.mobile": "13912345678"})

    def found(who, text):
        by = world.be(who)
        return len(inside.search(Call(world.session, by, world.now), text))

    for text in ("楚天激光", "YAV-DD-20261123", "YAV-HT-20261123", "供货", "13912345678"):
        assert found("sales", text) == 1
    assert found("finance", "楚天激光") == 1
    assert found("finance", "13912345678") == 0
    assert found("sales2", "楚天激光") == 0
    assert found("sales", "%") == 0
