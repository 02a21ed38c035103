"""A POST that is refused for its log-in, its token or its size leads back to the form, filled."""

import html
import io
import re
import secrets

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.customers.customer import Customer
from models.people.user import User
from tests.support.visitors import AJAX, Visitors
from tests.support.world import PASSWORD, World, login, token_of

HERE = {"Origin": "http://localhost"}
NEW = "/admin/customer/new/"
TYPED = {"company": "宜昌三峡水泵 & <阀门>", "primary.name": "王伟", "remark": "两次\n来电"}


class Person(Visitors):
    """A browser with one jar of cookies: whoever logs in, it is the same window."""

    def __init__(self, app):
        super().__init__(app)
        self.window = app.test_client()

    def enter(self, who):
        assert login(self.window, who).status_code == 302
        with World(self.app) as world:
            self.key = world.id_of(who)
        return self

    def leave(self):
        page = self.window.get("/admin/profile/").get_data(as_text=True)
        self.window.post("/logout", data={"csrf_token": token_of(page)})

    def form(self, path=NEW):
        """Return the hidden fields of a form as it stands open."""
        page = self.window.get(path).get_data(as_text=True)
        return {"csrf_token": token_of(page), "typed_by": str(self.key)}

    def send(self, path, data, **headers):
        return self.window.post(path, data=data, headers={**HERE, **headers}, buffered=True)

    def log_in_on(self, answer, who):
        """Fill in the log-in form of an answer; return what comes next."""
        page = answer.get_data(as_text=True)
        form = {"email": f"{who}@demo.tcos.cn", "password": PASSWORD, **hidden(page)}
        return self.window.post("/login", data=form)


def hidden(page, start=0):
    """Return the hidden fields of the last form of a page."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page[start:])
    return {name: html.unescape(value) for name, value in found}


def shown(page, name):
    """Return what a text field of a page holds."""
    found = re.search(rf'name="{re.escape(name)}" id="[^"]*" value="([^"]*)"', page)
    return html.unescape(found[1]) if found else None


def log_out_elsewhere(person):
    person.leave()


def lose_the_cookie(person):
    person.window.delete_cookie("session")


def start_with_another_secret(person):
    person.settings.setitem(person.app.config, "SECRET_KEY", secrets.token_urlsafe(40))


def get_another_password(person):
    """The sessions end, but this one's token is as good as before."""
    with World(person.app) as world, world.acting("admin"):
        world.session.get_one(User, person.key).fs_uniquifier = secrets.token_hex(16)


ENDINGS = [log_out_elsewhere, lose_the_cookie, start_with_another_secret, get_another_password]


@pytest.fixture
def person(app, monkeypatch):
    found = Person(app).enter("sales")
    found.settings = monkeypatch  # the application is lent to other tests too
    return found


@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__)
def test_a_form_sent_after_the_log_in_ended_comes_back_filled(person, end):
    form = person.form()
    end(person)

    asked = person.send(NEW, {**form, **TYPED, "_submit": "1"})
    assert asked.status_code == 401
    assert 'name="password"' in asked.get_data(as_text=True)
    back = person.log_in_on(asked, "sales").get_data(as_text=True)
    again = hidden(back)
    assert "_submit" not in again
    page = person.send(NEW, again)

    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert shown(text, "company") == TYPED["company"]
    assert "两次\n来电" in text
    assert "还没有保存" in text
    saved = person.send(NEW, {**form, **TYPED, **hidden(text), "_save": "1"})
    assert saved.status_code == 303, saved.get_data(as_text=True)[-3000:]


def test_the_wrong_password_keeps_what_was_typed(person):
    form = person.form()
    person.leave()
    asked = person.send(NEW, {**form, **TYPED})
    page = asked.get_data(as_text=True)
    wrong = {"email": "sales@demo.tcos.cn", "password": "Wrong-pass-1", **hidden(page)}
    second = person.window.post("/login", data=wrong)

    assert second.status_code == 200
    back = person.log_in_on(second, "sales").get_data(as_text=True)
    assert hidden(back)["company"] == TYPED["company"]


def test_somebody_else_who_logs_in_gets_the_page_and_no_word_of_it(person):
    form = person.form()
    person.leave()
    asked = person.send(NEW, {**form, **TYPED})
    answer = person.log_in_on(asked, "sales2")

    assert (answer.status_code, answer.location) == (302, NEW)
    assert "三峡水泵" not in person.window.get(NEW).get_data(as_text=True)


def test_nobody_sends_a_form_that_somebody_else_opened(person):
    form = person.form()
    person.leave()
    person.enter("sales2")
    token = person.form()["csrf_token"]
    answers = [
        person.send(NEW, {**form, **TYPED}),
        person.send(NEW, {**form, **TYPED, "csrf_token": token}),
    ]

    assert [one.status_code for one in answers] == [400, 409]
    for one in answers:
        page = one.get_data(as_text=True)
        assert "另一个账号" in page
        assert "三峡水泵" not in page
    with World(person.app) as world:
        assert world.session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 0


def test_the_token_of_an_older_log_in_gives_the_form_back_at_once(person):
    old = person.form()
    person.leave()
    person.enter("sales")
    answer = person.send(NEW, {**old, **TYPED, "_save": "1"})
    page = answer.get_data(as_text=True)

    assert answer.status_code == 400
    assert shown(page, "company") == TYPED["company"]
    with World(person.app) as world:
        assert world.session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 0
    fresh = {"csrf_token": token_of(page)}
    assert person.send(NEW, {**old, **TYPED, **fresh, "_save": "1"}).status_code == 303


def test_a_page_of_another_host_gets_nothing_filled_in(person):
    old = person.form()
    person.leave()
    person.enter("sales")
    there = person.send(NEW, {**old, **TYPED}, Origin="http://evil.test")

    assert there.status_code == 400
    assert "三峡水泵" not in there.get_data(as_text=True)
    person.leave()
    gone = person.send(NEW, {**old, **TYPED}, Origin="http://evil.test")
    assert (gone.status_code, gone.location) == (302, f"/login?next={NEW}")


def test_an_edit_comes_back_with_the_version_it_began_with(person):
    with World(person.app) as world:
        key = world.customer("sales")
    path = f"/admin/customer/edit/?id={key}"
    form = {**person.form(path), "row_version": "1"}
    person.leave()
    asked = person.send(path, {**form, "remark": "我的备注"})
    with World(person.app) as world, world.acting("admin"):
        world.session.get_one(Customer, key).street = "别人改的"
    again = hidden(person.log_in_on(asked, "sales").get_data(as_text=True))
    page = person.send(path, again).get_data(as_text=True)

    assert "我的备注" in page
    assert hidden(page)["row_version"] == "1"
    conflict = person.send(path, {**hidden(page), "remark": "我的备注", "_save": "1"})
    assert conflict.status_code == 409


def test_lines_come_back_too(person):
    with World(person.app) as world:
        customer = world.approved("sales")
    path = "/admin/opportunity/new/"
    lines = {
        "lines-sent": "1",
        "lines-new101-quantity": "2",
        "lines-new101-price": "1360.00",
        "lines-new102-quantity": "3",
        "lines-new102-price": "2680.00",
    }
    form = person.form(path)
    person.leave()
    typed = {"name": "水泵", "customer_id": str(customer), "amount": "10760.00", **lines}
    asked = person.send(path, {**form, **typed})
    again = hidden(person.log_in_on(asked, "sales").get_data(as_text=True))
    page = person.send(path, again).get_data(as_text=True)

    assert page.count('value="1360.00"') == page.count('value="2680.00"') == 1
    assert shown(page, "amount") == "10760.00"


def test_a_follow_up_typed_in_the_composer_comes_back_with_its_draft(person):
    with World(person.app) as world:
        key = world.approved("sales")
    whole = f"/admin/customer/360/?id={key}"
    form = person.form(whole)
    draft = f"draft:{person.key}:followup-c{key}:abcdefgh"
    typed = {"content": "谈妥了价格", "kind": "visit", "customer_id": str(key), "draft": draft}
    person.leave()
    asked = person.send("/admin/followup/new/", {**form, **typed, "next": whole})
    again = hidden(person.log_in_on(asked, "sales").get_data(as_text=True))
    page = person.send("/admin/followup/new/", again).get_data(as_text=True)

    assert "谈妥了价格" in page
    assert shown(page, "at")  # what the composer leaves to the server
    assert hidden(page)["next"] == whole
    sent = {**typed, **hidden(page), "customer_id": str(key)}
    saved = person.send("/admin/followup/new/", {**sent, "_save": "1"})
    assert (saved.status_code, saved.location) == (303, whole)
    assert f'data-saved="{draft}"' in person.window.get(whole).get_data(as_text=True)


def test_only_a_saved_form_drops_its_draft(person):
    form = person.form()
    draft = f"draft:{person.key}:{NEW}:abcdefgh"
    refused = person.send(NEW, {**form, "company": "", "draft": draft, "_submit": "1"})
    assert refused.status_code == 422
    assert "data-saved" not in refused.get_data(as_text=True)
    foreign = draft.replace(f":{person.key}:", ":999:")
    person.send(NEW, {**form, **TYPED, "draft": foreign, "_save": "1"})
    assert "data-saved" not in person.window.get("/admin/").get_data(as_text=True)

    person.send(NEW, {**form, **TYPED, "draft": draft, "_another": "1"})
    assert f'data-saved="{draft}"' in person.window.get(NEW).get_data(as_text=True)
    assert "data-saved" not in person.window.get(NEW).get_data(as_text=True)


def test_a_script_is_told_the_way_to_the_log_in(person):
    person.leave()
    sent = {"id": "1", "field": "status", "value": "won"}
    answer = person.send(
        "/admin/customer/ajax/update/", sent, **AJAX, Referer="http://localhost/admin/customer/?q=a"
    )

    assert answer.status_code == 401
    assert answer.json["login"] == "/login?next=/admin/customer/?q%3Da"
    assert "重新登录" in answer.json["error"]
    asked = person.window.get("/admin/customer/totals/", headers=AJAX)
    assert (asked.status_code, asked.json["login"]) == (401, "/login?next=/admin/")


def test_a_button_without_text_leads_to_the_log_in_and_back_to_its_page(person):
    with World(person.app) as world:
        key = world.customer("sales")
    page = f"/admin/customer/details/?id={key}"
    form = person.form(page)
    person.leave()
    answer = person.send(
        "/admin/customer/delete/", {**form, "id": key}, Referer=f"http://localhost{page}"
    )

    assert (answer.status_code, answer.location) == (302, f"/login?next={page.replace('=', '%3D')}")


def test_a_comment_is_shown_after_the_log_in_and_a_password_is_not(person):
    with World(person.app) as world:
        key = world.approved("sales")
        request = world.session.scalar(sa.select(ApprovalRequest.id))
    assert key
    form = person.form()
    person.leave()
    sent = {**form, "id": request, "comment": "价格不对"}
    asked = person.send("/admin/request/comment/", sent)
    assert "价格不对" in person.log_in_on(asked, "sales").get_data(as_text=True)

    form = person.form("/admin/profile/")
    person.leave()
    secret = {**form, "current": "Geheim 一二三", "password": "新密码 1234", "again": "新密码 1234"}
    asked = person.send("/admin/profile/password/", secret)
    back = person.log_in_on(asked, "sales").get_data(as_text=True)
    assert "Geheim" not in back
    assert "新密码" not in back


def test_a_file_that_is_too_large_leads_back_to_the_form(person):
    person.settings.setitem(person.app.config, "MAX_CONTENT_LENGTH", 2000)
    form = person.form("/admin/contact/new/")
    large = {**form, "file": (io.BytesIO(b"x" * 5000), "a.pdf")}
    answer = person.send("/admin/contact/new/", large)

    assert answer.status_code == 413
    assert 'href="/admin/contact/new/">回到表单' in answer.get_data(as_text=True)


def test_an_error_page_gives_the_form_back(person, monkeypatch):
    def broken(*_given, **_told):
        raise RuntimeError

    form = person.form()
    monkeypatch.setattr("services.records.records.create", broken)
    answer = person.send(NEW, {**form, **TYPED, "_save": "1"})
    page = answer.get_data(as_text=True)

    assert answer.status_code == 500
    again = {**hidden(page), "company": TYPED["company"]}
    assert "回到表单" in page
    assert shown(person.send(NEW, again).get_data(as_text=True), "company") == TYPED["company"]


def test_an_outdated_log_in_page_says_so(person):
    person.leave()
    form = {"email": "sales@demo.tcos.cn", "password": PASSWORD, "csrf_token": "IjEi.forged"}
    answer = person.window.post("/login", data=form)

    assert "页面已过期" in answer.get_data(as_text=True)
