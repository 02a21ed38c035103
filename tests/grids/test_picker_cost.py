"""What the pages that are asked at every key and for every entry cost, in statements."""

import pytest
import sqlalchemy as sa

from models.customers.customer import Customer
from models.records.dictionary import DictionaryKind, DictionaryOption
from models.registry import entities
from services.records.fields import inputs_of
from tests.support.company import seed_company
from tests.support.visitors import AJAX, Visitors
from tests.support.world import World, count_queries
from views.form.lookups import LOOKUPS

MODELS = {model.__noun__: model for model in entities()}
ADDRESS = "/admin/opportunity/ajax/lookup/?name=customer_id&query="


PICKED = (
    ("opportunity", "customer_id"),
    ("opportunity", "contact_id"),
    ("followup", "opportunity_id"),
    ("payment", "contract_id"),
    ("invoice", "contract_id"),
)


@pytest.fixture(scope="module")
def many(databases):
    """More customers of one word than a picker shows, some of them somebody else's."""
    with databases.lent("sqlite") as app:
        with World(app) as world:
            for n in range(LOOKUPS + 6):
                owner = "sales2" if n % 6 == 0 else "sales"
                world.approved(owner, company=f"武汉第{n:02}水泵厂")
        yield app


def asked(app, who, path):
    visitors = Visitors(app)
    visitors.get(who, path, headers=AJAX)
    with count_queries(app) as statements:
        found = visitors.get(who, path, headers=AJAX)
    assert found.status_code == 200
    return found, statements


@pytest.mark.parametrize("who", ["admin", "sales", "office"])
def test_a_look_up_of_a_common_word_is_three_statements(many, who):
    found, statements = asked(many, who, f"{ADDRESS}水泵")

    assert len(found.json) == LOOKUPS
    assert len(statements) == 3, "\n".join(statements)  # the log-in, who acts, what is found
    assert "customer.remark" not in statements[-1]  # a name needs no whole record


def test_a_blank_form_of_a_customer_is_nine_statements(many):
    for who in ("admin", "sales", "office"):
        _found, statements = asked(many, who, "/admin/customer/new/")
        assert len(statements) <= 9, "\n".join(statements)


def test_whoever_looks_up_finds_what_he_sees_and_no_more(many):
    visitors = Visitors(many)
    for who in ("sales", "sales2"):
        found = visitors.get(who, f"{ADDRESS}水泵", headers=AJAX).json
        with World(many) as world:
            world.be(who)
            query = sa.select(Customer.company).where(Customer.company.like("%水泵%"))
            seen = world.session.scalars(query.order_by(Customer.id.desc()).limit(LOOKUPS)).all()
        assert [hit["text"] for hit in found] == list(seen), who
        assert all(hit["detail"] for hit in found)


def test_a_record_is_called_in_a_list_as_on_its_page(databases):
    with databases.lent("sqlite", seed_company) as app:
        visitors = Visitors(app)
        for noun, name in PICKED:
            path = f"/admin/{noun}/ajax/lookup/?name={name}&query="
            who = "finance" if noun in {"payment", "invoice"} else "office"
            found = visitors.get(who, path, headers=AJAX).json
            assert found, (noun, name)
            model = inputs_of(MODELS[noun])[name].target
            with World(app) as world:
                world.be(who)
                for hit in found:
                    one = world.session.scalar(sa.select(model).where(model.id == hit["id"]))
                    assert hit["text"] == str(one)
                    assert hit["detail"] == (getattr(one, "code", None) or "")


def test_a_value_that_is_switched_off_stays_with_who_has_it(lite):
    with World(lite) as world:
        key = world.approved("sales")
        world.be("admin")
        option = world.session.scalar(
            sa.select(DictionaryOption).where(
                DictionaryOption.kind == DictionaryKind.industry, DictionaryOption.code == "other"
            )
        )
        value, label = option.id, option.label
        option.active = False
        world.session.commit()
    visitors = Visitors(lite)

    blank = visitors.get("sales", "/admin/customer/new/").get_data(as_text=True)
    kept = visitors.get("office", f"/admin/customer/edit/?id={key}").get_data(as_text=True)

    assert f'value="{value}"' not in blank
    assert f'value="{value}" selected>{label}</option>' in kept
    english = visitors.get("office", f"/admin/customer/edit/?id={key}&lang=en")
    assert 'label="Common industries"' in english.get_data(as_text=True)
