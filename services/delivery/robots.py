"""Robots of group chats: whose an address is, and what it is sent, by their makers' documents.

企业微信 takes `msgtype`; 钉钉 too, signed in the address; 飞书 `msg_type`, signed in the body.
"""

import base64
import dataclasses
import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask_babel import lazy_gettext as _

LONGEST = 1500  # characters: a message of 企业微信 has at most 2048 bytes of the shortest kind
HOSTS = ("qyapi.weixin.qq.com", "oapi.dingtalk.com", "open.feishu.cn", "open.larksuite.com")
BUSY = frozenset({45009, 130101, 410100, 660026, 9499, 11232})  # asked too often: later again


@dataclasses.dataclass(frozen=True, slots=True)
class Robot:
    """Where a robot listens; `secret` signs, where its owner has set one."""

    url: str
    secret: str = ""


def robot(url: str, secret: str, hosts: Collection[str]) -> Robot:
    """Return a robot of one of the known makers, or of one's own `hosts` (host:port, any scheme).

    Raises ValueError: the worker asks no other address whoever types it.
    """
    try:
        parts = urlsplit(url)
        own = parts.netloc in hosts
        known = parts.scheme == "https" and parts.netloc in HOSTS
    except ValueError:
        own = known = False
    if not (own or known) or maker(url) is None:
        raise ValueError(_("请粘贴企业微信、钉钉或飞书群机器人的地址"))
    return Robot(url, secret)


def maker(url: str) -> Callable[[Robot, str, dt.datetime], tuple[str, Any]] | None:
    """Return what writes a message for the maker whose path an address has."""
    path = urlsplit(url).path
    return next((write for start, write in MAKERS.items() if path.startswith(start)), None)


def message(one: Robot, text: str, now: dt.datetime) -> tuple[str, Any]:
    """Return the address and the JSON of a message."""
    write = maker(one.url) or _wecom
    return write(one, text[:LONGEST], now)


def refused(answer: Any) -> tuple[int, str] | None:
    """Return (code, words) of an answer that took nothing, None for one that did."""
    told = answer if isinstance(answer, dict) else {}
    code = told.get("errcode", told.get("code", told.get("StatusCode", -1)))
    if code == 0:
        return None
    words = str(told.get("errmsg") or told.get("msg") or "")[:200]
    return (code if isinstance(code, int) else -1), words


def _wecom(one: Robot, text: str, _now: dt.datetime) -> tuple[str, Any]:
    return one.url, {"msgtype": "text", "text": {"content": text}}


def _dingtalk(one: Robot, text: str, now: dt.datetime) -> tuple[str, Any]:
    url = one.url
    if one.secret:
        stamp = str(int(now.timestamp() * 1000))
        sign = _signed(one.secret.encode(), f"{stamp}\n{one.secret}".encode())
        url += ("&" if "?" in url else "?") + urlencode({"timestamp": stamp, "sign": sign})
    return url, {"msgtype": "text", "text": {"content": text}}


def _feishu(one: Robot, text: str, now: dt.datetime) -> tuple[str, Any]:
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if one.secret:
        stamp = str(int(now.timestamp()))
        body |= {"timestamp": stamp, "sign": _signed(f"{stamp}\n{one.secret}".encode(), b"")}
    return one.url, body


def _signed(key: bytes, words: bytes) -> str:
    return base64.b64encode(hmac.new(key, words, hashlib.sha256).digest()).decode()


MAKERS = {"/cgi-bin/webhook/send": _wecom, "/robot/send": _dingtalk, "/open-apis/bot/": _feishu}
