"""推送: whom it reaches and whom not, who is set aside, what came of it, who wants no mail."""

import datetime as dt
import email
import email.policy
import re
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from bench import histories
from jobs import deliver
from models.bulk.batch import BatchItem, BatchJob
from models.core.base import db
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.delivery.outbox import Outbox
from models.portrait.offer import PortraitOffer
from models.portrait.push import Push, PushItem
from models.sales.plan import FollowUpPlan
from services.bulk import runner
from services.core.errors import Invalid
from services.portrait import offered, recompute
from services.portrait.maths.lift import compare
from services.portrait.pushes import law, pushing, tracked
from services.rights.actor import SYSTEM
from services.sales import follow_up  # noqa: F401 # plans have rules
from tests.jobs.test_worker import mailbox  # noqa: F401 # a fixture
from tests.support import kept
from tests.support.books import AT, Books
from tests.support.visitors import Visitors
from tests.support.world import World, token_of

FORM = {
    "push_name": "十一月推荐",
    "push_channel": "plan",
    "push_due": "2026-12-01",
    "push_control": "0",
    "push_days": "30",
    "push_words": "推荐{产品}：{理由}",
    "push_subject": "为{客户}推荐{产品}",
    "push_product": "",
}


@pytest.fixture
def drawn(app):
    """An application whose planted history was drawn; sales owns every customer."""
    with World(app) as world:
        app.keys = planted(world)
    return app


@kept.step
def planted(world):
    shape = histories.Shape(customers=60, orders=900, lines=2_000, products=20)
    with db.engine.begin() as connection:
        owner = Books(connection).people["sales"][0]
        histories.write(connection, histories.draw(shape), owner, AT)
    world.be(SYSTEM)
    recompute.recompute(world.session, as_of=dt.date(2026, 11, 20), now=world.now)
    row = Contact.__table__
    keys = world.session.scalars(sa.select(Customer.id).order_by(Customer.id).limit(10)).all()
    for key in keys[:5]:
        world.session.execute(sa.delete(row).where(row.c.customer_id == key))
        contact = {"customer_id": key, "name": "李工", "email": f"Li{key}@Example.com"}
        world.session.add(Contact(**contact, is_primary=True))
    world.session.commit()
    return keys


def push(world, keys, who="sales", **changes):
    with world.acting(who):
        task = pushing.pushing(
            world.call, FORM | {f"push_{k}": v for k, v in changes.items()}, keys
        )
        return runner.perform(world.call, task, [(key, None) for key in keys]).id


def results(world, job):
    mine = sa.select(BatchItem).where(BatchItem.job_id == job).order_by(BatchItem.target_id)
    rows = world.session.scalars(mine)
    return {row.target_id: row.code or row.state.name for row in rows}


def test_a_push_makes_a_task_for_the_owner_with_the_reason_and_no_second_one(drawn):
    keys = drawn.keys
    with World(drawn) as world:
        job = push(world, keys[:3])
        again = push(world, keys[:4])

        world.be("sales")
        assert set(results(world, job).values()) == {"done"}
        assert list(results(world, again).values()) == ["RECENT"] * 3 + ["done"]
        plans = world.session.scalars(sa.select(FollowUpPlan).order_by(FollowUpPlan.id)).all()
        assert [plan.customer_id for plan in plans] == keys[:4]
        assert {plan.owner.name for plan in plans} == {"sales"}
        assert all(re.match(r"推荐.+：.*买过", plan.content) for plan in plans)
        offers = offered.best(world.session, keys[:1], None)
        assert offers[keys[0]].name in plans[0].content


def test_nobody_is_reached_past_a_conflict_and_each_has_its_reason(drawn):
    keys = drawn.keys
    with World(drawn) as world, world.acting("admin"):
        table = Customer.__table__
        world.session.connection().execute(
            sa.update(table).where(table.c.id == keys[1]).values(owner_id=None)
        )
    with World(drawn) as world:
        job = push(world, keys[:6], "admin", channel="mail", words="{联系人}您好")
        plain = push(world, [keys[9]], "sales2")

        world.be("admin")
        assert results(world, job) == {
            **dict.fromkeys(keys[:5], "done"), keys[1]: "NO_OWNER", keys[5]: "NO_MAIL"
        }  # fmt: skip
        rows = world.session.scalars(sa.select(Outbox).where(Outbox.dedupe_key.startswith("push:")))
        letters = {row.address: row.payload["text"] for row in rows}
        boxes = [f"li{key}@example.com" for key in (keys[0], *keys[2:5])]
        assert letters == dict.fromkeys(boxes, "李工您好")
        world.be("sales2")
        assert results(world, plain) == {keys[9]: "NOT_FOUND"}


def test_a_form_that_cannot_be_is_refused_beside_its_fields(drawn):
    with World(drawn) as world:
        for wrong, value in (
            ("words", "买{什么}"), ("control", "51"), ("days", "0"), ("due", "2026-11-01"),
            ("name", ""), ("product", "999999"),
        ):  # fmt: skip
            with pytest.raises(Invalid) as refusal:
                push(world, drawn.keys[:1], **{wrong: value})
            assert list(refusal.value.errors) == [f"push_{wrong}"]
        world.be("sales")
        assert world.session.scalar(sa.select(sa.func.count(Push.id))) == 0


def test_the_control_group_is_chance_always_the_same_and_gets_nothing(drawn):
    sides = [law.set_aside(7, key, 20) for key in range(5_000)]
    assert sides == [law.set_aside(7, key, 20) for key in range(5_000)]
    assert 900 < sum(sides) < 1_100
    with World(drawn) as world:
        keys = world.session.scalars(sa.select(Customer.id)).all()
        push(world, keys, control="50")
        world.be("sales")
        item = PushItem
        rows = world.session.execute(sa.select(item.control, item.plan_id)).all()
        assert {bool(row.control) for row in rows} == {True, False}
        assert all(row.control == (row.plan_id is None) for row in rows)


def test_the_result_of_a_push_says_who_was_set_aside(drawn):
    with World(drawn) as world:
        keys = world.session.scalars(sa.select(Customer.id)).all()
        job = push(world, keys, control="50", words="您好")
        world.be("sales")
        item = PushItem.control
        aside = world.session.scalar(sa.select(sa.func.count()).where(item))
        reached = world.session.scalar(sa.select(sa.func.count()).where(~item))
    visitors = Visitors(drawn)

    page = visitors.get("sales", f"/admin/batch/?id={job}").get_data(as_text=True)
    lines = visitors.get("sales", f"/admin/batch/result.csv?id={job}").get_data(as_text=True)

    assert aside
    assert reached
    assert f"成功 {reached} · 失败 0" in page
    assert f"对照组（未推送） {aside}" in page
    assert page.count(">对照组（未推送）<") == lines.count(",对照组（未推送）,") == aside
    assert lines.count(",成功,") == reached


def test_who_is_set_aside_gets_no_other_push_while_the_answers_of_the_first_count(drawn):
    with World(drawn) as world:
        keys = world.session.scalars(sa.select(Customer.id)).all()
        push(world, keys, control="50", days="20")
        world.be("sales")
        aside = set(world.session.scalars(sa.select(PushItem.customer_id).where(PushItem.control)))
        world.now += dt.timedelta(days=19)
        within = push(world, keys, due="2027-01-01")
        world.now += dt.timedelta(days=1)
        after = push(world, keys, due="2027-01-01")

        world.be("sales")
        told, later = results(world, within), results(world, after)
        assert aside
        assert {key for key, word in told.items() if word == "CONTROL"} == aside
        assert {later[key] for key in aside} <= {"done", "NO_OFFER"}
        assert "done" in {later[key] for key in aside}


def test_what_came_of_it_is_counted_on_both_sides_and_only_from_then_on(drawn):
    keys = drawn.keys
    with World(drawn) as world:
        world.opportunity(keys[0], name="以前的商机")
        world.now += dt.timedelta(hours=1)
        push(world, keys[:4])
        world.now += dt.timedelta(days=1)
        world.opportunity(keys[1], name="推送后的商机")
        with world.acting("sales"):
            plan = world.session.scalars(
                sa.select(FollowUpPlan).where(FollowUpPlan.customer_id == keys[2])
            ).one()
            plan.done_at = world.now

        world.be("sales")
        found = tracked.track(world.session, tracked.known(world.session)[0][0].id)

        assert tracked.known(world.session)[0][1:] == ("sales", 4, 0)
        assert found.answers["offered"].reached == (1, 4)
        assert found.answers["done"].reached == (1, 4)
        assert found.answers["signed"].reached == (0, 4)
        assert found.answers["offered"].value is None
        assert {row.customer.id for row in found.rows if row.offered} == {keys[1]}
        key = found.push.id
        world.be("sales2")
        assert tracked.known(world.session)[0][1:] == ("sales", 0, 0)
        assert tracked.track(world.session, key).rows == []


def test_lift_has_newcombes_interval():
    found = compare((56, 70), (48, 80))  # Newcombe 1998, table II (a): method 10

    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    assert found.sure
    assert not compare((1, 10), (1, 10)).sure
    assert compare((1, 10), (0, 0)).low is None


def test_mail_waits_for_the_morning_and_its_reader_stops_it_by_a_post(drawn, mailbox):  # noqa: F811
    drawn.config["TCOS_SMTP_URL"] = mailbox.url
    first, second = drawn.keys[:2]
    with World(drawn) as world:
        night = world.now = world.now.replace(hour=15)  # 23:00 in Shanghai
        push(world, [first], channel="mail", words="您好")
    drawn.config["TCOS_CLOCK"] = lambda: night
    deliver.mails(drawn)
    assert mailbox.letters == []
    drawn.config["TCOS_CLOCK"] = lambda: night + dt.timedelta(hours=9)
    deliver.mails(drawn)
    ((to, text),) = mailbox.letters
    assert to == f"li{first}@example.com"
    header = email.message_from_string(text, policy=email.policy.default)["List-Unsubscribe"]
    link = urlsplit(header.strip("<>")).path
    client = drawn.test_client()

    page = client.get(link).get_data(as_text=True)
    assert "不再给这个邮箱发送推荐邮件？" in page
    with World(drawn) as world:
        assert not law.standings(world.session, [first], now=world.now)[first].stopped
    done = client.post(link, data={"csrf_token": token_of(page)}).get_data(as_text=True)
    forged = client.get("/push/stop/x.y")

    assert "已退订" in done
    assert forged.status_code == 404
    with World(drawn) as world:
        assert law.standings(world.session, [first], now=world.now)[first].stopped
        world.now += dt.timedelta(days=60)
        job = push(world, [first, second], channel="mail", words="您好", due="2027-02-01")
        world.be("sales")
        assert results(world, job) == {first: "OPTED_OUT", second: "done"}


def test_from_a_segment_to_the_page_of_its_answers(drawn):
    visitors, segment = Visitors(drawn), {"action": "push", "everything": "1"}
    asked = segment | {"match": "f.approval=in:approved&f.months_active=ge:1", "push_name": "全部"}

    page = visitors.post("sales", "/admin/customer/action/", asked).get_data(as_text=True)
    frozen = re.search(r'name="frozen" value="([^"]+)"', page)[1]
    sent = {"action": "push", "sure": "1", "frozen": frozen, "next": "/admin/portrait/pushes/"}
    wrong = visitors.post("sales", "/admin/customer/action/", sent | FORM | {"push_days": "0"})
    visitors.post("sales", "/admin/customer/action/", sent | FORM)
    listed = visitors.get("sales", "/admin/portrait/pushes/").get_data(as_text=True)

    assert 'value="全部"' in page
    assert "没有邮箱" in page
    assert "买过" in page
    assert wrong.status_code == 422
    assert "十一月推荐" in wrong.get_data(as_text=True)
    assert "十一月推荐" in listed
    key = re.search(r"/admin/portrait/push/\?id=(\d+)", listed)[1]
    told = visitors.get("sales", f"/admin/portrait/push/?id={key}").get_data(as_text=True)
    assert "完成跟进任务" in told
    with World(drawn) as world:
        assert world.session.scalar(sa.select(sa.func.count(BatchJob.id))) == 1


def test_mail_to_nobody_is_refused_beside_the_choice(drawn):
    visitors, keys = Visitors(drawn), drawn.keys
    sent = {"action": "push", "sure": "1", **FORM, "push_channel": "mail"}

    answer = visitors.post("sales", "/admin/customer/action/", sent | {"frozen": f"{keys[7]}:"})
    page = answer.get_data(as_text=True)

    assert answer.status_code == 422
    assert 'id="push_channel-err">选中的客户都没有邮箱<' in page
    with World(drawn) as world:
        assert world.session.scalar(sa.select(sa.func.count(Push.id))) == 0
    both = ",".join(f"{key}:" for key in (keys[7], keys[0]))
    visitors.post("sales", "/admin/customer/action/", sent | {"frozen": both})
    with World(drawn) as world:
        assert world.session.scalar(sa.select(sa.func.count(Push.id))) == 1


def test_customers_without_an_offer_are_counted_and_named_before(drawn):
    with World(drawn) as world:
        keys = world.session.scalars(sa.select(Customer.id).order_by(Customer.id)).all()
        offer = PortraitOffer.__table__
        world.session.execute(sa.delete(offer).where(offer.c.customer_id.in_(keys[-3:])))
        last = str(world.session.get(Customer, keys[-1]))
        world.session.commit()
        told = offered.best(world.session, keys, None)
        lacking = len(set(keys) - set(told))
    asked = {"action": "push", "everything": "1", "match": "f.approval=in:approved"}
    visitors = Visitors(drawn)

    page = visitors.post("sales", "/admin/customer/action/", asked).get_data(as_text=True)
    plain = asked | {"push_words": "您好", "push_subject": "您好"}
    other = visitors.post("sales", "/admin/customer/action/", plain).get_data(as_text=True)

    assert f"没有可以推荐的产品（{lacking} 家）" in page
    assert last in page
    assert "没有可以推荐的产品" not in other
    with World(drawn) as world:
        job = push(world, keys)
        world.be("sales")
        assert list(results(world, job).values()).count("NO_OFFER") == lacking >= 3


def test_a_product_leads_to_customers_who_never_bought_it(drawn):
    with World(drawn) as world:
        world.be("sales")
        offer = PortraitOffer
        key = world.session.scalars(
            sa.select(offer.product_id).where(offer.kind == "fresh").order_by(offer.score.desc())
        ).first()
        rows = offered.lacking(world.session, key)
        bought = sa.select(offer.customer_id).where(offer.product_id == key, offer.kind == "again")
        first = str(rows[0][0])
        assert {c.id for c, _one in rows}.isdisjoint(world.session.scalars(bought))
        world.be("sales2")
        assert offered.lacking(world.session, key) == []
    visitors = Visitors(drawn)
    page = visitors.get("sales", f"/admin/portrait/product/?id={key}").get_data(as_text=True)
    grid = visitors.get("sales", f"/admin/customer/?f.offered_id=in:{key}").get_data(as_text=True)
    assert first in page
    assert "因为买过" in page
    assert first in grid
    asked = f"/admin/customer/totals/?f.approval=in:approved&f.offered_id=in:{key}"
    number = visitors.get("sales", asked).get_json()["count"]
    assert f"推送全部 {number} 家" in page


def test_a_mailbox_of_several_customers_gets_one_push(drawn):
    first, second, third = drawn.keys[:3]
    with World(drawn) as world:
        with world.acting("admin"):
            row = Contact.__table__
            mine = sa.update(row).where(row.c.customer_id.in_(drawn.keys[:3]))
            world.session.connection().execute(mine.values(email="Both@Example.com"))
        job = push(world, [first, second], channel="mail", words="您好")
        world.now += dt.timedelta(days=3)
        later = push(world, [third], channel="mail", words="您好")
        task = push(world, [third], words="您好", due="2027-01-01")

        world.be("sales")
        assert results(world, job) == {first: "done", second: "RECENT"}
        assert results(world, later) == {third: "RECENT"}
        assert results(world, task) == {third: "done"}


def test_a_task_done_after_the_days_of_the_push_is_no_answer(drawn):
    with World(drawn) as world:
        push(world, drawn.keys[:2], days="10")
        with world.acting("sales"):
            plans = world.session.scalars(sa.select(FollowUpPlan).order_by(FollowUpPlan.id)).all()
            plans[0].done_at = world.now + dt.timedelta(days=9)
            plans[1].done_at = world.now + dt.timedelta(days=11)
        world.be("sales")
        found = tracked.track(world.session, tracked.known(world.session)[0][0].id)

        assert found.answers["done"].reached == (1, 2)
