"""Robots of 企业微信, 钉钉 and 飞书: each is asked as its document says, by a server that knows."""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from jobs import robots
from models.delivery.outbox import Channel, Outbox
from services.core.errors import Invalid
from services.delivery.robots import robot
from services.people import notice_choices
from services.rights.actor import SYSTEM
from tests.approval.flows import flow
from tests.support import clock
from tests.support.visitors import Visitors
from tests.support.world import World

SECRET = "SEC123"
WECOM, DINGTALK, FEISHU = (
    "/cgi-bin/webhook/send?key=abc",
    "/robot/send?access_token=abc",
    "/open-apis/bot/v2/hook/abc",
)


class Chat:
    """Answers as the three makers document it; keeps what it took."""

    def __init__(self):
        self.taken, self.says, self.status = [], None, 200

    def answer(self, path, body):
        parts = urlsplit(path)
        if parts.path.startswith("/open-apis"):
            return self.feishu(body)
        if body.get("msgtype") != "text" or not body["text"]["content"]:
            return {"errcode": 40008, "errmsg": "invalid message type"}
        if parts.path == "/robot/send" and not self.signed(parse_qs(parts.query)):
            return {"errcode": 310000, "errmsg": "sign not match"}
        self.taken.append(body["text"]["content"])
        return {"errcode": 0, "errmsg": "ok"}

    def signed(self, query):
        words = f"{query['timestamp'][0]}\n{SECRET}".encode()
        return query["sign"][0] == mac(SECRET.encode(), words)

    def feishu(self, body):
        if body["sign"] != mac(f"{body['timestamp']}\n{SECRET}".encode(), b""):
            return {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"}
        if body["msg_type"] != "text":
            return {"code": 9499, "msg": "Bad Request"}
        self.taken.append(body["content"]["text"])
        return {"code": 0, "msg": "success", "data": {}}


def mac(key, words):
    return base64.b64encode(hmac.new(key, words, hashlib.sha256).digest()).decode()


@pytest.fixture
def chat():
    found = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # its name
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told = found.says or found.answer(self.path, body)
            self.send_response(found.status)
            if found.status == 302:
                self.send_header("Location", f"http://127.0.0.1:{found.port}{WECOM}")
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def told(app, chat, path, secret=SECRET):
    """Let a reviewer be told by a robot of a submission; return its title."""
    app.config["TCOS_ROBOT_HOSTS"] = [f"127.0.0.1:{chat.port}"]
    with World(app) as world:
        world.now = clock.now()
        form = dict.fromkeys(notice_choices.GROUPS, "at_once") | {
            "tasks": "robot", "robot_url": f"http://127.0.0.1:{chat.port}{path}",
            "robot_secret": secret,
        }  # fmt: skip
        with world.acting("reviewer"):
            notice_choices.choose(world.call, form, app.config["TCOS_ROBOT_HOSTS"])
        flow(world, {"people": ["reviewer"]})
        world.submitted(company="武汉光谷重工有限公司")


def rows(app):
    with World(app) as world:
        world.be(SYSTEM)
        query = sa.select(Outbox.state, Outbox.reason).where(Outbox.channel == Channel.robot)
        return [(row.state.name, row.reason) for row in world.session.execute(query)]


@pytest.mark.parametrize("path", [WECOM, DINGTALK, FEISHU])
def test_each_maker_takes_the_message(app, chat, path):
    told(app, chat, path)

    assert robots.robots(app) == 1

    (text,) = chat.taken
    assert text.startswith("待审批：武汉光谷重工有限公司")
    assert "提交人：sales" in text
    assert "/admin/inbox/?id=" in text
    assert rows(app) == [("sent", None)]
    assert robots.robots(app) == 0


def test_what_is_refused_for_good_is_set_aside_with_the_words(app, chat):
    told(app, chat, DINGTALK, secret="wrong")

    assert robots.robots(app) == 0
    assert rows(app) == [("parked", "310000 sign not match")]


def test_who_is_asked_too_often_or_away_is_asked_again(lite, chat):
    told(lite, chat, WECOM)
    chat.says = {"errcode": 45009, "errmsg": "api freq out of limit"}

    assert robots.robots(lite) == 0
    assert rows(lite) == [("waiting", "45009 api freq out of limit")]


@pytest.mark.parametrize(("status", "state"), [(503, "waiting"), (404, "parked"), (302, "parked")])
def test_no_answer_of_the_network_is_followed(lite, chat, status, state):
    told(lite, chat, WECOM)
    chat.status = status

    assert robots.robots(lite) == 0
    assert rows(lite) == [(state, f"HTTP {status}")]
    assert len(chat.taken) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=a",
        "https://qyapi.weixin.qq.com/other",
        "https://evil.test/cgi-bin/webhook/send",
        "https://qyapi.weixin.qq.com@evil.test/cgi-bin/webhook/send",
        "http://127.0.0.1:6379/robot/send",
        "file:///robot/send",
        "https://[::1/robot/send",
    ],
)
def test_the_worker_asks_no_other_address(url):
    with pytest.raises(ValueError, match="机器人"):
        robot(url, "", ())


def test_the_page_keeps_the_robot(lite):
    visitors = Visitors(lite)
    url = "https://oapi.dingtalk.com/robot/send?access_token=a"

    form = dict.fromkeys(notice_choices.GROUPS, "robot") | {"robot_url": url}
    assert visitors.post("sales", "/admin/profile/notices/", form).status_code == 303
    assert f'value="{url}"' in visitors.get("sales", "/admin/profile/").text


def test_who_wants_a_robot_says_where_it_is(small):
    form = dict.fromkeys(notice_choices.GROUPS, "robot")
    for more in ({}, {"robot_url": "https://evil.test/robot/send"}):
        with pytest.raises(Invalid) as refusal, small.acting("sales"):
            notice_choices.choose(small.call, form | more)
        assert refusal.value.field == "robot_url"
    known = {"robot_url": "https://oapi.dingtalk.com/robot/send?access_token=a"}
    with small.acting("sales"):
        notice_choices.choose(small.call, form | known)
