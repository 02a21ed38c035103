"""A story told in Chinese on a wide screen and in English on a phone, on either database."""

from pathlib import Path

import pytest
from babel.support import Translations

from tests.support.browser import browsing, chromium, overflow

CATALOGUES = Path(__file__).resolve().parents[2] / "translations"
# Each face by day on one database, at night on the other.
BY_NIGHT = pytest.mark.nightly
PLAYED = [
    pytest.param(("sqlite", "zh", "wide"), id="sqlite-zh-wide"),
    pytest.param(("postgres", "en", "phone"), id="postgres-en-phone"),
    pytest.param(("postgres", "zh", "wide"), id="postgres-zh-wide", marks=BY_NIGHT),
    pytest.param(("sqlite", "en", "phone"), id="sqlite-en-phone", marks=BY_NIGHT),
]


# The same for a story whose pages are played on a phone and in English elsewhere too.
ONCE = [PLAYED[0], *(pytest.param(*one.values, id=one.id, marks=BY_NIGHT) for one in PLAYED[1:])]


class Stage:
    """The site as one language and one width show it; `say` gives a text in that language."""

    def __init__(self, app, site, lang, size):
        self.app, self.site, self.lang, self.size = app, site, lang, size
        self.words = Translations.load(CATALOGUES, [lang]) if lang == "en" else None

    def say(self, text, context=None):
        if self.words is None:
            return text
        found = self.words.upgettext(context, text) if context else self.words.ugettext(text)
        assert found != text, text
        return found

    def visit(self, who):
        page = self.site.visit(who, size=self.size)
        self.site.go(page, f"/lang/{self.lang}?next=/admin/")
        return page

    def go(self, page, path):
        """Open a page; nothing of it scrolls sideways."""
        self.site.go(page, path)
        assert overflow(page) <= 0, path
        return page

    def keep(self, page, name):
        self.site.keep(page, f"{name}-{self.lang}")


def staged(request, databases, seed=None):
    """Yield the Stage of a parameter of PLAYED; a fixture of the story's file calls this."""
    kind, lang, size = request.param
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with databases.lent(kind, seed) as app, browsing(app) as site:
        yield Stage(app, site, lang, size)
        assert site.faults == []
