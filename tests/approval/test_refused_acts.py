"""A form of a request's page that is refused without scripts: told beside its field, typed kept."""

import re

import pytest

from tests.approval.flows import flow
from tests.support.visitors import AJAX, Visitors
from tests.support.world import World

MUST = {"fill-level": "必填", "fill-street": "必填"}


@pytest.fixture
def held(lite):
    """Return (visitors, request, seen, the keys of people) of a step that fills."""
    with World(lite) as world:
        flow(
            world,
            {"people": ["manager"]},
            {"people": ["reviewer"], "fills": ["level", "street"], "fills_needed": True},
        )
        _key, request = world.submitted(level="a")
        world.decided(request, who="manager")
        people = {who: world.id_of(who) for who in ("sales", "reviewer", "manager")}
    visitors = Visitors(lite)
    page = visitors.get("reviewer", f"/admin/request/?id={request}").text
    seen = re.search(r'name="seen" value="(\d+)"', page)[1]
    return visitors, {"id": request, "seen": seen}, people


def marked(page, name):
    """Return the complaint a page has beside a control, by the control's aria-describedby."""
    control = re.search(rf'<(?:select|input|textarea)[^>]*name="{name}"[^>]*>', page)[0]
    place = re.search(r'aria-describedby="([^"]+)"', control)
    if place is None:
        return None
    return re.search(rf'id="{place[1]}"[^>]*>([^<]+)<', page)[1].strip()


def test_a_missing_fill_is_named_beside_its_field_and_what_was_typed_is_kept(held):
    visitors, form, _people = held
    typed = {"verb": "approve", "fill-level": "", "fill-street": "光谷大道", "comment": "同意"}
    answer = visitors.post("reviewer", "/admin/inbox/decide/", form | typed)

    assert answer.status_code == 422
    assert marked(answer.text, "fill-level") == "必填"
    assert marked(answer.text, "fill-street") is None
    assert re.search(r'name="fill-street"[^>]*value="光谷大道"', answer.text)
    assert re.search(r'name="comment"[^>]*>同意</textarea>', answer.text)
    assert re.search(r"<li>客户等级：\s*必填</li>", answer.text)
    again = {"seen": re.search(r'name="seen" value="(\d+)"', answer.text)[1], "fill-level": "b"}
    done = visitors.post("reviewer", "/admin/inbox/decide/", form | typed | again)
    assert done.status_code == 303


@pytest.mark.parametrize(
    ("door", "typed", "field", "told"),
    [
        ("decide", {"verb": "reject"}, "comment", "驳回时必须填写意见"),
        ("decide", {"verb": "reject", "comment": "x" * 501}, "comment", "意见最多 500 个字符"),
        (
            "decide",
            {"verb": "approve", "fill-level": "b", "note-company": "改名"},
            "note-company",
            "字段批注只用于驳回或退回，通过请清空批注",
        ),
        (
            "decide",
            {"verb": "give_back", "comment": "退", "to_step": "2"},
            "to_step",
            "只能退回到已经过的步骤",
        ),
        ("transfer", {"to": "", "comment": "出差"}, "to", "请选择人员"),
        ("add", {"to": "", "place": "after"}, "to", "请选择人员"),
    ],
)
def test_every_form_of_the_page_tells_beside_the_field(held, door, typed, field, told):
    visitors, form, _people = held
    answer = visitors.post("reviewer", f"/admin/inbox/{door}/", form | typed)

    assert answer.status_code == 422
    part = answer.text
    if door != "decide":  # other forms of the page have a field of the name
        part = part[part.index(f'action="/admin/inbox/{door}/"') :]
    assert marked(part, field) == told
    for name in typed.keys() & {"comment", "note-company"}:
        assert typed[name] in answer.text


def test_who_leads_is_told_beside_the_field_too(held):
    visitors, form, people = held
    for door, typed, field in (
        ("end", {"comment": " "}, "comment"),
        ("give", {"holder": people["reviewer"], "to": "", "comment": "休假"}, "to"),
    ):
        answer = visitors.post("admin", f"/admin/overview/{door}/", form | typed)
        assert answer.status_code == 422
        part = answer.text[answer.text.index(f'action="/admin/overview/{door}/"') :]
        assert marked(part, field)


def test_a_script_gets_the_words_alone(held):
    visitors, form, _people = held
    typed = form | {"verb": "approve", "fill-level": ""}
    answer = visitors.post("reviewer", "/admin/inbox/decide/", typed, headers=AJAX)

    assert (answer.status_code, answer.json["fields"]) == (422, MUST)


def test_who_does_not_see_a_request_is_told_nothing_of_it(held):
    visitors, form, _people = held
    for door in ("/admin/inbox/decide/", "/admin/inbox/transfer/"):
        assert visitors.post("analyst", door, form | {"verb": "reject"}).status_code == 403
    assert visitors.post("reviewer2", "/admin/inbox/transfer/", form).status_code in {404, 422, 409}


def test_the_words_are_english_for_an_english_reader(held):
    visitors, form, _people = held
    visitors.get("reviewer", "/lang/en")
    answer = visitors.post("reviewer", "/admin/inbox/decide/", form | {"verb": "approve"})

    assert answer.status_code == 422
    assert marked(answer.text, "fill-level")
    assert "必填" not in answer.text
