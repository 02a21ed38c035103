"""What is missing or wrong in a declaration stops the start with a sentence, never a request."""

import pytest

from models.core.entity import Entity
from tests.support.newcomer import MIXINS, MODEL, SITE, Project


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("copy"))


@pytest.fixture
def project(copy):
    """The one copy of this file, without what a test before has declared."""
    yield copy
    copy.forget()


def refusal(project):
    """Return what a start says that fails."""
    status, _out, error = project.run("-c", "import admin_app; admin_app.create_app()")
    assert status != 0
    return error.strip()


WRONG = """Entity(
        section="records",
        sight="of nothing",
        traits="searchable serchable importable",
        grants={"boss": "create", "sales": "fly"},
        rules="wish",
        called=("title",),
        of="nobody",
    )"""
LACKING = (
    "Reviewed needs Owned, SoftDeleted mixed in too",
    "knows no trait serchable",
    "no rule of services/rights/access.py says who sees it",
    "grants something to boss, which is no role",
    "grants fly, which is no verb of it",
    "names a rule services/rights/rules.py has not",
    "is called by columns it has not",
    "`of` names no entity",
    "level has search=True and is no text",
    "secret is personal: no index may hold it",
)
SECRET = (
    '    secret: Mapped[str | None] = field(_("密"), sa.String(9), search=True, sensitive=True)\n'
)


def test_an_incomplete_one_does_not_start_and_says_all_that_is_missing(project):
    model = MODEL.replace("{mixins}", "Stamped, Reviewed").replace(
        'Entity(section="records")', WRONG
    )
    model = model.replace("controlled=True", "search=True") + SECRET
    project.declare("Inspection", model)

    last = refusal(project).splitlines()[-1]

    assert [text for text in LACKING if text not in last] == [], last
    assert "Inspection: " in last


# Faults of declarations that can stand side by side: class body or Entity → what is told.
MORE_WRONG = """

class Wrong{n}(Model, Stamped, Owned, Reviewed, SoftDeleted):
    __tablename__ = "{table}"
    __noun__ = "{noun}"
    __caption__ = _("错")
    __entity__ = Entity({entity})
    name: Mapped[str | None] = field(_("名称"), sa.String(60), required=True)
    {field}
"""
SECTION = 'section="records"'
PLACE = f"{SECTION}, sight"
NUMBER = f"{SECTION}, number=__import__('models.core.entity').core.entity.Number"
FAULTS = (  # what Entity takes, a further field, what is told
    (f"{PLACE}='customer'", "", "its rule of sight asks for columns it has not: customer_id"),
    (f"{PLACE}='self'", "", "its rule of sight asks for columns it has not: technical_id"),
    (f"{PLACE}='attachment'", "", "its rule of sight asks for columns it has not: record_id"),
    (f"{PLACE}='audit'", "", "its rule of sight asks for columns it has not: actor_id"),
    (f"{PLACE}='may fly'", "", "is seen by who may fly, which is no permission"),
    (
        f"{PLACE}='of up_id'",
        "up_id: Mapped[int | None] = field(_('上'), sa.ForeignKey('wrong_{n}.id'))",
        "no rule of services/rights/access.py says who sees it",
    ),
    (f"{NUMBER}('X-{{foo}}-{{n}}')", "", "its number X-{foo}-{n} (width 2) needs {yyyymmdd}"),
    (f"{NUMBER}('X-{{n')", "", "its number X-{n (width 2) needs"),
    (f"{NUMBER}('{{yyyymmdd}}')", "", "its number {yyyymmdd} (width 2) needs"),
    (f"{NUMBER}('X' * 40 + '{{yyyymmdd}}{{n}}')", "", "and has 40 characters at most"),
    (f"{NUMBER}('{{yyyymmdd}}{{n}}', width=0)", "", "its number {yyyymmdd}{n} (width 0) needs"),
    ("", "", "has no section of the menu: its requests lead to its page"),
    ("traits='linked searchable'", "", "is linked, searchable, but has no section of the menu"),
    (f"{SECTION}, traits='taggable'", "", "is taggable without Tagged"),
    (f"{SECTION}, movable=('statsu',)", "", "moves columns it has not"),
    (SECTION, "x: Mapped[float | None] = field(_('x'), sa.Float)", "type no form reads: Float"),
    (SECTION, "t: Mapped[str | None] = field(_('t'), sa.Time)", "type no form reads: Time"),
    (
        SECTION,
        "e: Mapped[str | None] = field(_('e'), sa.Enum('a'))",
        "e is of a type no form reads",
    ),
    (
        SECTION,
        "o: Mapped[int | None] = field(_('o'), sa.Integer, options='no')",
        "of no dictionary",
    ),
    (SECTION, "k: Mapped[str | None] = field(_('k'), 'kk', sa.String(9))", "kept in column kk"),
    (SECTION, "case: Mapped[int | None] = field(_('c'), sa.Integer)", "case is a word of SQL"),
)
OTHERS = (
    ("group", "wronggroup", "group is a word of SQL"),
    ("odd", "odd noun", "is no plain word"),
)


def test_what_would_fail_later_does_not_start_and_each_says_what_is_wrong(project):
    """A sight, a number, a type or a name that nothing could work with."""
    model, told = MODEL.replace("{mixins}", MIXINS), []
    for n, (entity, field, text) in enumerate(FAULTS):
        named = {"n": n, "table": f"wrong_{n}", "noun": f"wrong{n}"}
        model += MORE_WRONG.format(entity=entity, field=field.replace("{n}", str(n)), **named)
        told.append(text)
    for n, (table, noun, text) in enumerate(OTHERS, len(FAULTS)):
        model += MORE_WRONG.format(n=n, table=table, noun=noun, entity=SECTION, field="")
        told.append(text)
    project.declare("Inspection", model)

    last = refusal(project).splitlines()[-1]

    assert [text for text in told if text not in last] == [], last
    assert "Inspection: " not in last


LINES = (  # what is wrong about the lines, what is told
    (', info={"caption": _("物件")}', "", "its lines things need a caption"),
    (', cascade="all, delete-orphan", info={"caption": _("物件")}',
     ', info={"caption": _("物件")}', "its lines things need cascade='all, delete-orphan'"),
    ('"lines", "things"', '"lines", "title"', "__lines__ names a relationship to many"),
)  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "told"), LINES)
def test_lines_that_could_not_be_shown_or_written_do_not_start(project, right, wrong, told):
    assert right in SITE
    project.declare("Site", SITE.replace(right, wrong))

    assert f"Site: {told}" in refusal(project)


@pytest.mark.parametrize(
    "given",
    [
        {"traits": ("searchable",)},
        {"kind": "recrod"},
        {"number": "X-{n}"},
        {"called": "name"},
        {"grants": {"sales": ["create"]}},
    ],
)
def test_a_declaration_says_what_it_cannot_read_where_it_is_written(given):
    with pytest.raises(TypeError, match=next(iter(given))):
        Entity(**given)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('"records"', '"rekords"', "the menu has no section 'rekords'"),
        ('__noun__ = "inspection"', '__noun__ = "inbox"', "inbox is the address of a page"),
        pytest.param(
            '__noun__ = "inspection"',
            '__noun__ = "progress"',
            "progress is the address of a page",
            marks=pytest.mark.nightly,
        ),
        ('__noun__ = "inspection"', '__noun__ = "customer"', "has its __noun__ too"),
        ('__noun__ = "inspection"', "", "needs a __noun__ of at most 20 characters"),
        ('__caption__ = _("巡检")', "", "needs a __caption__"),
    ],
)
def test_a_screen_that_has_no_place_or_name_does_not_start(project, right, wrong, told):
    model = MODEL.replace("{mixins}", MIXINS)
    assert right in model
    project.declare("Inspection", model.replace(right, wrong))

    error = refusal(project)

    assert "Inspection" in error
    assert told in error
