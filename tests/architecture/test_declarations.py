"""Every model says all about itself: noun, caption, who reads it, who may do what with it."""

import pytest

from models.core.base import Model
from models.core.field import fields_of
from models.core.mixins import Reviewed
from models.people.user import User
from models.registry import entity_of
from services.rights.access import READ
from services.rights.gate import GRANT_OF
from services.rights.grants import CATALOGUE, NOUNS, ROLES
from services.rights.rules import APPROVAL_OWNED, MOVABLE, NOT_AUDITED, RULES

MODELS = sorted((x.class_ for x in Model.registry.mappers), key=lambda model: model.__name__)
NOUN_OF = {model.__noun__ for model in MODELS}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_is_declared_completely(model):
    assert model.__noun__
    assert str(model.__caption__)
    assert model in READ, "no rule says who may read it"
    known = GRANT_OF.get(model.__noun__, model.__noun__)
    assert f"{known}:read" in CATALOGUE or not entity_of(model).kind
    assert all(str(facts.caption) for facts in fields_of(model).values())


def test_no_two_models_share_a_noun_and_no_grant_is_for_nothing():
    assert len(NOUN_OF) == len(MODELS)
    assert set(NOUNS) <= NOUN_OF
    assert set(GRANT_OF) <= NOUN_OF


def test_rules_and_roles_name_only_what_exists():
    given = {permission for role in ROLES for permission in role.permissions}

    assert given <= set(CATALOGUE)
    assert {noun for nouns in RULES.values() for noun in nouns} <= NOUN_OF
    assert NOT_AUDITED <= NOUN_OF
    columns = {p for model in MODELS for p in model.__mapper__.columns.keys()}  # noqa: SIM118
    assert columns >= APPROVAL_OWNED | MOVABLE


def test_what_the_approval_owns_is_on_no_form():
    offered = {
        (model.__noun__, key)
        for model in MODELS
        if issubclass(model, Reviewed)
        for key, facts in fields_of(model).items()
        if facts.form and key in APPROVAL_OWNED
    }

    assert offered == set()


def test_secrets_are_on_no_form_list_or_export():
    assert not {"password", "fs_uniquifier"} & set(fields_of(User))
