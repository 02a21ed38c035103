"""Mail by SMTP: what the server says decides whether a letter waits or is set aside."""

import dataclasses
import datetime as dt
import hashlib
import smtplib
from collections.abc import Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

from services.delivery.filestore import StoreDown

GONE = "the attached file is gone"
TIMEOUT = 20  # seconds for each answer of the server
PERMANENT = 500
SCHEMES = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


class Undeliverable(Exception):  # noqa: N818 # an answer of the server, not a fault
    """The server refuses this letter for good."""


class Away(Exception):  # noqa: N818 # an answer of the network, not a fault
    """The server cannot be reached, or does not take letters now."""


@dataclasses.dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that goes along with a letter, read when it leaves; None: it is lost."""

    name: str
    mime: str
    read: Callable[[], bytes | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Letter:
    """One mail; `key` makes its Message-ID, so that a repeated one is known as the same."""

    to: str
    name: str
    subject: str
    text: str
    key: str
    at: dt.datetime
    file: Enclosed | None = None
    stop: str = ""  # where its reader ends such letters


class Postman:
    """A connection to the mail server of `TCOS_SMTP_URL`, opened with the first letter.

    The URL is `smtp://`, `smtps://` or `smtp+starttls://` with user:password@host:port.
    """

    def __init__(self, url: str, sender: str) -> None:
        """Remember where to go; raise ValueError for an address that is none."""
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not parts.hostname:
            message = f"TCOS_SMTP_URL must start with one of {', '.join(SCHEMES)}"
            raise ValueError(message)
        self.parts: SplitResult = parts
        self.sender = sender
        self.server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        """Connect with the first letter, not before."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _problem: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Say good-bye, however the server takes it."""
        self._drop()

    def send(self, letter: Letter) -> None:
        """Hand a letter over. Raises Undeliverable or Away; a return means it was accepted."""
        try:
            message = self._message(letter)
        except (ValueError, MessageError) as problem:
            raise Undeliverable(f"no valid mail: {problem}") from problem
        try:
            self._connected().send_message(message)
        except smtplib.SMTPRecipientsRefused as problem:
            code, said = next(iter(problem.recipients.values()))
            raise _refusal(code, said) from problem
        except smtplib.SMTPDataError as problem:
            raise _refusal(problem.smtp_code, problem.smtp_error) from problem
        except (smtplib.SMTPException, OSError) as problem:
            self._drop()
            raise Away(f"{type(problem).__name__}: {problem}") from problem

    def _connected(self) -> smtplib.SMTP:
        if self.server is None:
            parts = self.parts
            make = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
            port = parts.port or SCHEMES[parts.scheme]
            self.server = make(parts.hostname or "", port, timeout=TIMEOUT)
            if parts.scheme == "smtp+starttls":
                self.server.starttls()
            if parts.username:
                self.server.login(unquote(parts.username), unquote(parts.password or ""))
        return self.server

    def _drop(self) -> None:
        server, self.server = self.server, None
        if server is not None:
            server.close()

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        name, sender = parseaddr(self.sender)
        message["From"] = Address(name, addr_spec=sender)
        message["To"] = Address(_line(letter.name), addr_spec=letter.to)
        message["Subject"] = _line(letter.subject)
        message["Date"] = format_datetime(letter.at)
        digest = hashlib.sha256(letter.key.encode()).hexdigest()[:40]
        message["Message-ID"] = f"<{digest}@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        if letter.stop:
            message["List-Unsubscribe"] = f"<{letter.stop}>"
        message.set_content(letter.text)
        if letter.file is not None:
            kind, _slash, what = letter.file.mime.partition("/")
            try:
                body = letter.file.read()
            except StoreDown as problem:
                raise Away(problem.code) from problem
            if body is None:
                raise Undeliverable(GONE)
            name = _line(letter.file.name)
            message.add_attachment(body, maintype=kind, subtype=what, filename=name)
        return message


def _refusal(code: int, said: bytes | str) -> Exception:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return (Undeliverable if code >= PERMANENT else Away)(f"{code} {text}")


def _line(text: str) -> str:
    """Return the text on one line: a record's name must not add headers."""
    return " ".join(text.split())
