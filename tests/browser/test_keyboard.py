"""Whole records entered without a mouse; long lists are searched as people type."""

import pytest
import sqlalchemy as sa

from models.customers.contact import Contact
from models.customers.customer import Customer
from models.people.user import User
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from models.sales.product import Product
from services.core.days import ZONE
from tests.support.browser import SIZES, browsing, chromium
from tests.support.uploads import PDF
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
COMPANY = "宜昌三峡水泵有限公司"
LOOKS = [("wide", "zh"), ("phone", "en")]
# What lies over the middle of the focused field, and where the field ends.
HIDDEN = """() => {
  const field = document.activeElement, at = field.getBoundingClientRect();
  const top = document.elementFromPoint(at.x + at.width / 2, at.bottom - 3);
  const seen = field === top || field.contains(top) || top?.closest('label')?.contains(field);
  return seen ? '' : `${field.name || field.id} at ${at.y} under ${top?.className}`;
}"""
NAME = "() => document.activeElement.name || document.activeElement.id"


@pytest.fixture
def site(lite):
    """What the keys do is of the page: one database is enough."""
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with browsing(lite) as found:
        yield found
        assert found.faults == []


@pytest.fixture(params=LOOKS, ids="-".join)
def look(request):
    return request.param


def blank(page, site, noun, look):
    """Open a new form in a language, ready to be typed into."""
    site.go(page, f"/lang/{look[1]}?next=/admin/{noun}/new/")
    page.wait_for_selector("[role=combobox]")
    return page


def go_to(page, name):
    """Press Enter (Tab in a long text) until a field has the focus; all are in sight."""
    for _n in range(60):
        assert page.evaluate(HIDDEN) == ""
        if page.evaluate(NAME) == name:
            return
        page.keyboard.press("Tab" if page.locator("textarea:focus").count() else "Enter")
    pytest.fail(f"{name} is not reached")


def typed(page, name, text):
    go_to(page, name)
    page.keyboard.type(text)


def taken(page, name, text, label):
    """Type into a picker and take its hit by Enter; the next Enter goes on."""
    typed(page, name, text)
    page.locator(".hits[popover]:popover-open [aria-selected=true]").wait_for()
    page.keyboard.press("Enter")
    box = page.locator(":focus[aria-expanded=false]")
    box.wait_for()
    assert label in box.input_value()


def test_a_customer_is_entered_with_keys_alone(site, lite, look):
    page = blank(site.visit("sales", size=look[0]), site, "customer", look)
    page.wait_for_selector("#f-region_code[role=combobox]")
    if look[0] == "wide":
        assert page.evaluate(NAME) == "customer_class"
    else:
        assert page.evaluate("document.activeElement === document.body")
        page.focus("[name=customer_class]:checked")
    page.keyboard.press("ArrowRight")
    typed(page, "company", COMPANY)
    page.keyboard.press("Control+ArrowLeft")
    taken(page, "f-industry_id-box", "fzfz" if look[1] == "zh" else "TEXTILES", "")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(NAME) == "f-industry_id-box"
    typed(page, "primary.name", "王伟")
    typed(page, "primary.mobile", "139 1234 5678")
    taken(page, "f-region_code", "whhs", "湖北省武汉市洪山区")
    typed(page, "street", "珞喻路 1 号")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/details/**")

    with World(lite) as world:
        stored = world.session.scalars(sa.select(Customer)).one()
        person = world.session.scalars(sa.select(Contact)).one()
        assert (stored.company, stored.industry.code) == (COMPANY, "textile")
        assert (stored.region_code, stored.street) == ("420111", "珞喻路 1 号")
        assert stored.customer_class.name == "project"
        assert stored.approval.name == "pending"
        assert (person.name, person.mobile) == ("王伟", "13912345678")


def test_an_opportunity_is_entered_with_keys_alone(site, lite, look):
    with World(lite) as world:
        key = world.approved("sales", company=COMPANY)
        with world.acting("admin"):
            for n in range(12):
                world.create(Product, code=f"CP-{n}", name=f"工业相机{n}号", price=(n + 1) * 10_000)
    page = blank(site.visit("sales", size=look[0]), site, "opportunity", look)
    if look[0] == "phone":
        page.focus("#f-name")
    typed(page, "name", "水泵改造")
    taken(page, "customer_id", "三峡", COMPANY)
    typed(page, "expected_on", "12-31")
    typed(page, "lines-new0-quantity", "3")
    page.keyboard.press("Shift+Tab")
    taken(page, "f-lines-new0-product_id-box", "gyxj7", "工业相机7号")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/details/**")

    with World(lite) as world:
        stored = world.session.scalars(sa.select(Opportunity)).one()
        assert (stored.name, stored.customer_id, stored.amount) == ("水泵改造", key, 240_000)
        assert f"{stored.expected_on}" == "2026-12-31"
        assert [(one.product.code, one.quantity) for one in stored.lines] == [("CP-7", 3)]


def test_a_list_is_walked_by_groups_and_says_what_it_has(site, look):
    page = blank(site.visit("sales", size=look[0]), site, "customer", look)
    box, hits = page.locator("#f-industry_id-box"), page.locator(".hits[popover]:popover-open")
    box.focus()
    assert hits.count() == 0
    page.keyboard.press("ArrowDown")
    hits.locator("[role=option]").nth(100).wait_for(state="attached")
    groups = hits.locator("[role=group]").evaluate_all("all => all.map((one) => one.ariaLabel)")
    first = {"zh": ["常用行业", "农、林、牧、渔业"], "en": ["Common industries", "Agriculture,"]}
    assert [one.split(" forestry")[0] for one in groups[:2]] == first[look[1]]
    assert len(groups) == 21
    walk = {"End": -1, "Home": 0, "ArrowUp": -1, "ArrowDown": 0, "PageDown": 8}
    for key, place in walk.items():
        page.keyboard.press(key)
        now = hits.locator("[role=option]").nth(place).get_attribute("id")
        assert box.get_attribute("aria-activedescendant") == now, key
    at = hits.bounding_box()
    assert at["y"] >= 0
    assert at["y"] + at["height"] <= SIZES[look[0]][1]
    page.keyboard.press("Escape")
    assert hits.count() == 0

    page.keyboard.type("ｆｚｙ" if look[1] == "zh" else "ＣＡＴＥＲＩＮＧ")
    hits.locator("[aria-selected=true]").wait_for()
    told = page.locator("#f-industry_id-box ~ [role=status]").inner_text()
    assert told.split()[0] == str(hits.locator("[role=option]").count())
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    if look[1] == "en":
        assert (page.input_value("#f-industry_id-box")) == "Catering"  # the only one of that name
    page.fill("#f-industry_id-box", "没有这个")
    page.click("button[name=_save]")
    assert page.url.endswith("/new/")
    assert page.evaluate("document.querySelector('#f-industry_id-box').validationMessage")


def test_an_input_method_is_left_alone_until_it_is_done(site):
    page = blank(site.visit("sales"), site, "customer", LOOKS[0])
    client = page.context.new_cdp_session(page)
    hits = page.locator(".hits[popover]:popover-open [role=option]")
    for selector, typing, whole in (
        ("#f-industry_id-box", "化学", "化学纤维制造业"),
        ("#f-region_code", "洪山", "湖北省武汉市洪山区"),
    ):
        page.focus(selector)
        for part in ("h", "hu", "hua"):
            at = {"selectionStart": len(part), "selectionEnd": len(part)}
            client.send("Input.imeSetComposition", {"text": part, **at})
        page.wait_for_timeout(300)
        assert hits.count() == 0
        key = {"windowsVirtualKeyCode": 229, "key": "Enter", "code": "Enter"}
        client.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
        assert page.evaluate(f"document.activeElement === document.querySelector('{selector}')")
        client.send("Input.insertText", {"text": typing})
        hits.first.wait_for()
        assert page.url.endswith("/new/")
        hits.filter(has_text=whole).first.click()
        assert page.input_value(selector) == whole


def test_two_of_one_name_are_told_apart_wherever_people_are_chosen(site, lite):
    with World(lite) as world:
        with world.acting("admin"):
            for who in ("sales", "sales2"):
                world.session.get_one(User, world.id_of(who)).name = "张伟"
        key = world.approved("sales", company=COMPANY)
        keys = {who: world.id_of(who) for who in ("sales", "sales2")}
    page = site.visit("admin")
    wanted = {f"张伟（{place}）" for place in ("华中", "华东")}
    for path, selector in (
        ("/admin/customer/new/", "[name=owner_id]"),
        (f"/admin/customer/360/?id={key}", "[name=to_id]"),
        ("/admin/handover/", "[name=leaver_id]"),
    ):
        site.go(page, path)
        texts = page.locator(f"{selector} option").all_text_contents()
        found = {text.strip() for text in texts if "张伟" in text}
        assert set() < found <= wanted, path
    site.go(page, "/admin/customer/")
    page.click(".drawer > summary")
    page.locator(".rule select").nth(0).select_option("owner_id")
    page.locator(".picks input").press_sequentially("华东")
    page.keyboard.press("Enter")
    page.locator(".picked .chip", has_text="张伟（华东）").wait_for()
    page.click("text=应用筛选")
    page.wait_for_url(f"**f.owner_id=in:{keys['sales2']}**")


def test_dates_and_files_are_asked_for_in_the_language_of_the_page(site, lite, look):
    with World(lite) as world:
        key = world.approved("sales", company=COMPANY)
    page = blank(site.visit("sales", size=look[0]), site, "opportunity", look)
    day = page.locator("[name=expected_on]")
    hint = {"zh": "年-月-日", "en": "yyyy-mm-dd"}[look[1]]
    assert day.get_attribute("placeholder") == hint
    for text, kept in (("２０２７年1月5日", "2027-01-05"), ("20270228", "2027-02-28")):
        day.fill(text)
        page.keyboard.press("Tab")
        assert day.input_value() == kept
    shown = page.locator("#f-files ~ .muted")
    assert shown.inner_text() == {"zh": "未选择文件", "en": "No file selected"}[look[1]]
    file = {"name": "报价 1.pdf", "mimeType": "application/pdf", "buffer": PDF}
    page.set_input_files("#f-files", file)
    assert shown.inner_text() == "报价 1.pdf"

    site.go(page, f"/admin/followup/new/?customer_id={key}")
    assert page.input_value("[name=at]").count("-") == 2
    assert "T" not in page.input_value("[name=at]")
    place = page.locator("[name=place]")
    assert place.is_hidden()  # of a visit
    page.select_option("[name=kind]", "visit")
    place.fill("武汉")
    page.select_option("[name=kind]", "call")
    assert place.is_visible()  # what is typed is not hidden away
    place.fill("")
    page.select_option("[name=kind]", "wechat")
    assert place.is_hidden()
    page.locator("[data-chips=f-next_at] .chip").nth(1).click()
    assert page.input_value("[name=next_at]").endswith(" 10:00")
    page.fill("[name=content]", "电话沟通")
    page.locator("[name=next_at]").fill("2027-3-8 0930")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/details/**")
    with World(lite) as world:
        due = world.session.scalars(sa.select(FollowUpPlan.due_at)).one()
        assert due.astimezone(ZONE).isoformat()[:16] == "2027-03-08T09:30"


def test_a_cell_is_changed_in_place_by_a_searched_list_and_several_people_are_taken(site, lite):
    with World(lite) as world:
        world.customer("office", company=COMPANY)
        with world.acting("admin"):
            for n in range(12):
                values = {"name": f"李娜{n}", "email": f"n{n}@demo.tcos.cn", "password": "x" * 60}
                world.session.add(User(**values, fs_uniquifier=f"u{n}", active=True))
        sales = world.id_of("sales")
    page = site.go(site.visit("office"), "/admin/customer/")
    cell = page.locator("[data-inline=industry_id]").first
    for keys, shown in (
        (["fzfz", "Enter"], "纺织服装"),
        (["jxzb", "Escape", "Escape"], "纺织服装"),
    ):
        cell.focus()
        page.keyboard.press("Enter")
        page.locator("[data-inline] :focus[role=combobox]").wait_for()
        page.keyboard.type(keys[0])
        page.locator(".hits[popover]:popover-open [aria-selected=true]").wait_for()
        for key in keys[1:]:
            page.keyboard.press(key)
        page.locator("td:focus", has_text=shown).wait_for()
    with World(lite) as world:
        assert world.session.scalars(sa.select(Customer)).one().industry.code == "textile"

    page = site.go(site.visit("admin"), f"/admin/handover/?leaver_id={sales}&way=turn")
    people = page.locator(".picks input")
    for word in ("ln3", "李娜10"):
        people.press_sequentially(word)
        page.locator(".hits[popover]:popover-open [aria-selected=true]").wait_for()
        page.keyboard.press("Enter")
    chosen = "all => [...all[0].selectedOptions].map((one) => one.text.trim())"
    assert page.locator("select[name=people]").evaluate_all(chosen) == ["李娜3", "李娜10"]
    page.keyboard.press("Backspace")
    page.click("button[name=preview]")
    page.wait_for_url("**people=**preview=1")
    texts = page.locator(".picked .chip").all_inner_texts()
    assert [text.split("✕")[0].strip() for text in texts] == ["李娜3"]
