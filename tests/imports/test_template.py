"""The empty sheet offers what a person may say, as text, and nothing else."""

import io

import openpyxl
import pytest

from models.records.dictionary import DictionaryKind, DictionaryOption
from models.sales.follow_up import FollowUpKind
from services.importing.choice.guessing import fields_of, guess
from services.importing.mapping.declared import MODELS
from services.rights.grants import IMPORTABLE
from tests.support.visitors import Visitors
from tests.support.world import World
from views.form.choices import Choices

FORMULAS = ("=1+1", "http://example.com/", "ftp://x", "mailto:a@b.cn", "{=1}", "@A1")


def book_of(app, noun, who="office"):
    answer = Visitors(app).get(who, f"/admin/import/template/?noun={noun}")
    assert answer.status_code == 200
    return openpyxl.load_workbook(io.BytesIO(answer.data))


def offered(book):
    """Return the head of a column, its star aside → the texts it offers."""
    lists, texts = {}, book["choices"]
    for column, (head,) in enumerate(book.worksheets[0].iter_cols(max_row=1, values_only=True), 1):
        cells = next(texts.iter_cols(min_col=column, max_col=column, values_only=True))
        lists[head.rstrip("*")] = [text for text in cells if text is not None]
    return lists


@pytest.mark.parametrize("noun", [noun for noun in IMPORTABLE if noun in MODELS])
def test_a_template_offers_of_states_and_kinds_what_a_form_does(lite, noun):
    who = {"payment": "finance", "invoice": "finance", "bankline": "finance"}.get(noun, "admin")
    with World(lite) as world:
        choices = {
            str(one.facts.caption): [option.label for option in Choices(world.session).of(one, "")]
            for one in fields_of(noun).values()
            if one.kind == "enum"
        }
    found = offered(book_of(lite, noun, who))
    assert {caption: found[caption] for caption in choices.keys() & found.keys()} == {
        caption: texts for caption, texts in choices.items() if caption in found
    }


def test_what_only_an_approval_writes_is_offered_to_nobody(app):
    lists = offered(book_of(app, "followup"))
    for caption in ("跟进方式", "下次跟进方式"):
        assert str(FollowUpKind.call) in lists[caption]
        assert str(FollowUpKind.system) not in lists[caption]


def test_choices_that_look_like_formulas_and_addresses_are_texts(app):
    with World(app) as world, world.acting("admin"):
        for n, text in enumerate(FORMULAS):
            world.create(DictionaryOption, kind=DictionaryKind.source, code=f"f{n}", label=text)
    book = book_of(app, "customer")
    cells = [cell for row in book["choices"] for cell in row if cell.value in FORMULAS]
    assert {cell.value for cell in cells} == set(FORMULAS)
    assert {(cell.data_type, cell.hyperlink) for cell in cells} == {("s", None)}


@pytest.mark.parametrize("noun", ["customer", "opportunity", "contract", "followup"])
def test_a_person_in_charge_is_the_owner_and_a_head_of_a_department_is_not(noun):
    head = ["客户名称", "负责人", "部门负责人"]
    assert guess(noun, head).get("负责人") == "owner_id"
    assert guess(noun, ["客户名称", "部门负责人"]).get("部门负责人") is None


def test_the_head_of_a_department_is_that_of_a_department():
    assert guess("department", ["部门", "部门负责人"])["部门负责人"] == "head_id"
    assert guess("department", ["部门", "负责人"])["负责人"] == "head_id"
