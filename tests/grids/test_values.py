"""What a filter may ask for is narrowed by what was typed: any part, any case, pinyin."""

from tests.support.visitors import AJAX, Visitors
from tests.support.world import World

STATUS = "/admin/customer/ajax/values/?field=status&query="


def labels(visitors, path):
    return [one[1] for one in visitors.get("sales", path, headers=AJAX).json]


def test_small_lists_are_narrowed_like_large_ones(app):
    visitors = Visitors(app)

    assert len(labels(visitors, STATUS)) == 8
    for typed in ("洽谈", "洽谈中", "qtz", "qiatan", "QTZ", "中 洽谈"):
        assert labels(visitors, STATUS + typed) == ["洽谈中"], typed
    assert labels(visitors, f"{STATUS}没有这个") == []
    owners = "/admin/customer/ajax/values/?field=owner_id&query="
    assert labels(visitors, f"{owners}sales2") == ["sales2"]
    assert "本人" in labels(visitors, owners)
    assert labels(visitors, f"{owners}benren") == ["本人"]


def test_a_reference_is_found_by_initials(app):
    with World(app) as world:
        world.customer("sales", company="武汉楚江机电有限公司")
        world.customer("sales", company="宜昌三峡水泵有限公司")
    visitors = Visitors(app)
    found = visitors.get("sales", "/admin/contact/ajax/lookup/?name=customer_id&query=cjjd")

    assert [hit["text"] for hit in found.json] == ["武汉楚江机电有限公司"]


def test_a_look_up_offers_nothing_that_is_refused_afterwards(lite):
    with World(lite) as world:
        world.customer("sales", company="武汉草稿机电有限公司")
        world.approved("sales", company="武汉楚江机电有限公司")
    visitors = Visitors(lite)
    for noun in ("followup", "plan"):
        address = f"/admin/{noun}/ajax/lookup/?name=customer_id&query="
        found = visitors.get("sales", f"{address}机电", headers=AJAX).json
        assert [hit["text"] for hit in found] == ["武汉楚江机电有限公司"], noun
    found = visitors.get("sales", "/admin/opportunity/ajax/lookup/?name=customer_id&query=机电")
    assert len(found.json) == 2  # a draft may be of a draft


def test_numbers_and_addresses_are_links_and_masked_ones_are_not(lite):
    person = {"primary.mobile": "13971002233", "primary.email": "wang@qq.com"}
    with World(lite) as world:
        key = world.approved("sales", **person, **{"primary.landline": "027-87654321转801"})
    visitors = Visitors(lite)
    pages = {
        path: visitors.get("sales", path).get_data(as_text=True)
        for path in ("/admin/customer/", f"/admin/customer/360/?id={key}", "/admin/contact/")
    }
    for path, page in pages.items():
        assert 'href="tel:13971002233">139 7100 2233</a>' in page, path
        assert 'data-copy="139 7100 2233"' in page
    assert 'href="tel:02787654321,801"' in pages[f"/admin/customer/360/?id={key}"]
    assert 'href="mailto:wang@qq.com"' in pages[f"/admin/customer/360/?id={key}"]
    for path in ("/admin/customer/", "/admin/contact/", f"/admin/customer/details/?id={key}"):
        masked = visitors.get("analyst", path).get_data(as_text=True)
        assert "*" in masked
        assert not [word for word in ("tel:", "mailto:", "data-copy") if word in masked], path
