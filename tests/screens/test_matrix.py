"""Every door of the application stands in matrix.toml and opens for exactly those people."""

import pytest

from tests.support.company import seed_company
from tests.support.matrix import DOORS, METHODS, ROLES
from tests.support.visitors import AJAX, Visitors
from tests.support.world import dump

SHUT = {401, 403}
VERBS = ("submit", "approve", "reject", "edit", "delete", "export_csv")


def rules_of(app):
    """Return {(method, rule)} of the application, without what HTTP adds by itself."""
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


@pytest.fixture(scope="module")
def visitors(databases):
    with databases.lent("sqlite", seed_company) as app:
        yield Visitors(app)


def test_every_route_stands_in_the_matrix(visitors):
    listed = {(door.method, door.rule) for door in DOORS}
    routed = rules_of(visitors.app)

    assert sorted(routed - listed) == [], "add a line to tests/screens/matrix.toml"
    assert sorted(listed - routed) == [], "these lines of the matrix have no route any more"
    assert len(DOORS) == len(listed), "a door stands twice in the matrix"


def knock(visitors, who, door):
    """Open a door with the least that shows whether it is open; return the answer.

    What should be shut to somebody is asked by a script: no page is drawn around the refusal.
    """
    headers = {} if who is None or who in door.people else AJAX
    if door.method == "GET":
        return visitors.get(who, door.path, headers=headers)
    if door.verb == "bulk":
        tries = [{"action": name} for name in VERBS]
    elif door.verb == "inline":
        view = visitors.app.view_functions[f"{door.noun}.ajax_update"].__self__
        tries = [{"field": key} for key in view.column_editable_list or ("remark",)]
    else:
        tries = [{}]
    answers = [visitors.post(who, door.path, data, headers=headers) for data in tries]
    return min(answers, key=lambda answer: answer.status_code in SHUT)


def is_login(answer):
    return answer.status_code == 302 and answer.location.startswith("/login")


@pytest.mark.parametrize("who", ROLES)
def test_doors_open_for_exactly_the_people_of_the_matrix(visitors, who):
    wrong = []
    for door in DOORS:
        if door.rule == "/logout":
            continue  # would end the session; tests/safety/test_sessions.py keeps its law
        answer = knock(visitors, who, door)
        is_open = answer.status_code not in SHUT and not is_login(answer)
        if answer.status_code >= 500 or is_open is not (who in door.people):
            wrong.append((door.method, door.rule, answer.status_code))

    assert not wrong, "\n".join(map(str, wrong))


def test_visitors_get_the_login_and_scripts_a_401_and_nothing_changes(visitors):
    before = dump(visitors.app)
    wrong = []
    for door in DOORS:
        if door.rule == "/logout":
            continue
        answer = knock(visitors, None, door)
        shut = is_login(answer) or answer.status_code == 401
        if door.public is shut or answer.status_code >= 500:
            wrong.append((door.method, door.rule, answer.status_code))
        if door.public or door.rule == "/verify":
            continue
        by_script = (
            visitors.get(None, door.path, headers=AJAX)
            if door.method == "GET"
            else visitors.post(None, door.path, headers=AJAX)
        )
        if by_script.status_code != 401:
            wrong.append((door.method, door.rule, by_script.status_code, "script"))

    assert not wrong, "\n".join(map(str, wrong))
    assert dump(visitors.app) == before


def test_methods_that_are_not_listed_answer_405(visitors):
    listed = {(door.method, door.rule) for door in DOORS}
    paths = {door.rule: door.path for door in DOORS}
    wrong = []
    for rule, path in paths.items():
        for method in METHODS:
            if (method, rule) in listed:
                continue
            answer = visitors.client("admin").open(path, method=method, headers=AJAX)
            if answer.status_code != 405:
                wrong.append((method, rule, answer.status_code))

    assert not wrong, "\n".join(map(str, wrong))
