"""An error of a template stands beside a control: `X-err` describes a tag whose id is `X`.

A form is sent in place, and its script looks for that control (static/beside.js). An error that is
about no control says so: it takes the focus (`data-focus-error`) and stands at the top of the form.
"""

import re

import pytest

from tests.architecture.test_templates import ROOT, TEMPLATES

CODE = r"\{\{.*?\}\}|\{%.*?%\}"
MACRO = re.compile(
    r"\{%-?\s*macro (\w+)\(([^)]*)\)\s*-?%\}((?:(?!\{%-?\s*endmacro).)*)\{%-?\s*endmacro\s*-?%\}",
    re.DOTALL,
)
CONTROL = re.compile(r"<(?:input|select|textarea|fieldset)\b")
TAG = re.compile(rf"<[a-z]+\b(?:{CODE}|[^>{{]|\{{(?![{{%]))*>", re.DOTALL)
DESCRIBES = re.compile(rf"""((?:{CODE}|[\w.-])+?)-err(?=["'\s{{])""", re.DOTALL)
ID = re.compile(rf"""\sid="((?:{CODE}|[^"])*)\"""", re.DOTALL)
NAMED = "-err"


def plain(argument):
    """Return what an argument of a macro writes: `at ~ '-kind'` writes `{{ at }}-kind`."""
    parts = [one.strip() for one in argument.split("~")]
    return "".join(one[1:-1] if one[:1] in "'\"" else f"{{{{ {one} }}}}" for one in parts)


def arguments(text):
    """Split at the commas that stand in no brackets."""
    return [one.strip() for one in re.split(r",(?![^(\[]*[)\]])", text) if one.strip()]


def spread(source):
    """Return a template with its macros that only mark or tell an error written out."""
    marks = {
        name: (arguments(names), body)
        for name, names, body in MACRO.findall(source)
        if NAMED in body and not CONTROL.search(body)
    }
    source = MACRO.sub(lambda one: "" if one[1] in marks else one[0], source)

    def written(call):
        names, body = marks[call[1]]
        for name, given in zip(names, arguments(call[2]), strict=False):
            body = body.replace(f"{{{{ {name} }}}}", plain(given))
        return body

    if not marks:
        return source
    calls = rf"\{{\{{-?\s*({'|'.join(marks)})\(((?:[^()]|\([^()]*\))*)\)\s*-?\}}\}}"
    return re.sub(calls, written, source)


def faults(source):
    """Return the errors that no control of the same template is described by."""
    tags = [one for one in TAG.findall(spread(source)) if NAMED in one or 'class="err"' in one]
    errors = [one for one in tags if 'class="err"' in one]
    described = {}
    for one in tags:
        if one not in errors:
            own = ID.search(one)
            for name in DESCRIBES.findall(one.partition("aria-describedby")[2]):
                described[name] = own and own[1]
    free = [one for one in errors if not ID.search(one) and "data-focus-error" not in one]
    ids = [ID.search(one)[1].removesuffix(NAMED) for one in errors if ID.search(one)]
    return free + [name for name in ids if described.get(name) != name]


@pytest.mark.parametrize(
    "path",
    [one for one in sorted(TEMPLATES.rglob("*.html")) if 'class="err"' in one.read_text()],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_error_describes_a_control_that_has_the_id_it_names(path):
    assert faults(path.read_text(encoding="utf-8")) == []


INPUT = '<input {}{{% if x %}} aria-invalid="true" aria-describedby="a-err"{{% endif %}}>'
MACROS = """{% macro bad(id) %}{% if x %} aria-describedby="{{ id }}-err"{% endif %}{% endmacro %}
{% macro err(id) %}<div class="err" id="{{ id }}-err">{{ x }}</div>{% endmacro %}"""


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (INPUT.format('id="a" name="a"') + '<div class="err" id="a-err">', []),
        (INPUT.format('name="a"') + '<div class="err" id="a-err">', ["a"]),
        ('<input id="a"><div class="err" id="a-err">', ["a"]),
        ('<input id="a"><div class="err">', ['<div class="err">']),
        ('<div class="err" tabindex="-1" data-focus-error>', []),
        (MACROS + "<select id=\"{{ at }}-k\"{{ bad(at ~ '-k') }}>{{ err(at ~ '-k') }}", []),
        (MACROS + "<select id=\"k\"{{ bad('other') }}>{{ err('other') }}", ["other"]),
    ],
)
def test_an_error_without_its_control_is_seen(source, found):
    assert faults(source) == found
