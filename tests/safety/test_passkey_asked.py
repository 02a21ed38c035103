"""A key is made for what was asked about making one, and for nothing else."""

import base64
import hashlib
import json

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from models.core.base import db
from models.people.login_key import Passkey
from tests.support.visitors import Visitors


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def made(challenge, host="localhost"):
    """Return what a device answers that makes a key for a challenge, its holder verified."""
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
    key = hashlib.sha256(challenge.encode()).digest()
    data = hashlib.sha256(host.encode()).digest() + b"\x45" + bytes(4)
    data += bytes(16) + len(key).to_bytes(2) + key + cbor2.dumps(public)
    told = {"type": "webauthn.create", "challenge": challenge, "origin": f"http://{host}"}
    response = {
        "clientDataJSON": b64(json.dumps(told).encode()),
        "attestationObject": b64(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
    }
    return json.dumps(
        {"id": b64(key), "rawId": b64(key), "type": "public-key", "response": response}
    )


@pytest.mark.parametrize(("door", "kept"), [("making", 1), ("ask", 0)])
def test_a_challenge_of_a_log_in_makes_no_key(lite, door, kept):
    visitors = Visitors(lite)
    challenge = visitors.post("sales", f"/passkey/{door}", {}).get_json()["challenge"]
    answer = visitors.post("sales", "/passkey/add", {"credential": made(challenge), "name": "手机"})

    assert answer.status_code == 303
    with lite.app_context(), db.engine.connect() as connection:
        assert len(connection.execute(Passkey.__table__.select()).all()) == kept
    page = visitors.get("sales", "/admin/profile/").text
    assert ("设备没有生成可用的通行密钥" in page) is not bool(kept)
