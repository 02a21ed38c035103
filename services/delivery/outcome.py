"""How a decision is told: 「标题」已驳回（审批人，意见）, in the recipient's language."""

import dataclasses
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import gettext as _

from models.people.user import Language, User

TITLE, COMMENT = 100, 60  # characters of each that a notice shows
MARK = "\x00"  # stands where the title goes, and in no text


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What became of requests (`word` is a lazy text), who decided and the comment."""

    word: object
    by: str
    comment: str | None = None

    def told(self, title: str, language: Language) -> str:
        """Return the text for a title."""
        return title[:TITLE].join(self._around(language))

    def of(self, title: Any, user: Any = User.__table__) -> Any:
        """Return the text as an expression of a title and the language of `user`."""
        head, tail = map(sa.literal, self._around(Language.zh))
        english = [sa.literal(part) for part in self._around(Language.en)]
        short = sa.func.substr(title, 1, TITLE)
        return sa.case(
            (user.c.language == Language.en, english[0] + short + english[1]),
            else_=head + short + tail,
        )

    def _around(self, language: Language) -> list[str]:
        with force_locale(language.locale):
            who = _("，").join(filter(None, (self.by, (self.comment or "")[:COMMENT])))
            text = _("「%(title)s」%(word)s", title=MARK, word=str(self.word).lower())
            text = text.rstrip() + (_("（%(which)s）", which=who) if who else "")
        return text.split(MARK)
