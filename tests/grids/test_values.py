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
