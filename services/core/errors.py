"""Refusals: what a service raises when a rule says no, told in the reader's language."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _


class Refused(Exception):  # noqa: N818 # a refusal is an answer, not a fault
    """A rule said no. `code` is stable for programs, `message` is for people, `status` is HTTP.

    `field` names the input that has to change, where there is one.
    """

    status = 409
    code = "REFUSED"

    def __init__(self, message: object = "", *, field: str = "", code: str = "") -> None:
        """Keep the (lazy) message; it is turned into text only when it is shown."""
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code or type(self).code

    def __str__(self) -> str:
        """Return the message in the current language."""
        return str(self.message)


class Invalid(Refused):
    """Input that cannot be accepted: field key → message."""

    status = 422
    code = "INVALID"

    def __init__(self, errors: Mapping[str, object]) -> None:
        """Keep every message beside its field."""
        first = next(iter(errors), "")
        super().__init__(errors.get(first, _("输入有误")), field=first)
        self.errors = dict(errors)


class Forbidden(Refused):
    """The actor lacks the grant."""

    status = 403
    code = "FORBIDDEN"

    def __init__(self, message: object = "", **options: str) -> None:
        """Say so in general words where there are no better ones."""
        super().__init__(message or _("您没有执行此操作的权限，如需使用请联系管理员"), **options)


class NotVisible(Refused):
    """There is no such record, or the actor may not see it: the answer is the same."""

    status = 404
    code = "NOT_FOUND"

    def __init__(self, message: object = "", **options: str) -> None:
        """Say so in general words where there are no better ones."""
        super().__init__(message or _("记录不存在，或您无权查看"), **options)


class Stale(Refused):
    """Somebody changed the record since it was read."""

    code = "CONTENT_CHANGED"

    def __init__(self, message: object = "", **options: str) -> None:
        """Say so in general words where there are no better ones."""
        super().__init__(message or _("记录已被他人修改，请刷新后重试"), **options)


class Locked(Refused):
    """The record's state is not open for this change."""

    code = "LOCKED"
