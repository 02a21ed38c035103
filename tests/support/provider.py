"""A small OpenID provider as a process of its own: `python -m tests.support.provider PORT FILE`.

Authlib's server side: discovery, JWKS, authorization code with PKCE, nonce. FILE is JSON that the
test changes between requests: who is logged in there, and how the provider misbehaves. The same
process answers as 飞书, 钉钉 and 企业微信 do by their documentation.
"""

import json
import sys
import time
from pathlib import Path

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode, UserInfo
from flask import Blueprint, Flask, current_app, jsonify, redirect, request
from joserfc.jwk import RSAKey

SECRET, OWN_CODE = "a-secret-of-the-provider", "their-code"
CODES, KEYS = {}, {}
own = Blueprint("own", __name__)
openid = Blueprint("openid", __name__)


def told():
    """Return what the test says about now."""
    return json.loads(Path(current_app.config["FILE"]).read_text(encoding="utf-8"))


class Client:
    """The one relying party that is known."""

    client_secret = SECRET

    def __init__(self, key):
        self.client_id = key

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return scope

    def check_redirect_uri(self, address):
        return address.endswith("/back")

    def check_client_secret(self, secret):
        return secret == SECRET

    def check_endpoint_auth_method(self, method, _endpoint):
        return method in {"client_secret_basic", "client_secret_post"}

    def check_response_type(self, kind):
        return kind == "code"

    def check_grant_type(self, kind):
        return kind == "authorization_code"


class Code(dict):
    """A code that was given, once."""

    def get_redirect_uri(self):
        return self["redirect_uri"]

    def get_scope(self):
        return self["scope"]

    def get_nonce(self):
        return self["nonce"]

    def get_auth_time(self):
        return int(time.time())

    def get_acr(self):
        return None

    def get_amr(self):
        return self["told"].get("amr")

    @property
    def code_challenge(self):
        return self["code_challenge"]

    @property
    def code_challenge_method(self):
        return self["code_challenge_method"]


class Given(grants.AuthorizationCodeGrant):
    """The grant: a code for who is logged in there."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    def save_authorization_code(self, code, asked):
        data = asked.payload.data
        found = {key: data.get(key) for key in ("nonce", "code_challenge", "code_challenge_method")}
        found |= {"redirect_uri": data["redirect_uri"], "scope": data["scope"], "told": told()}
        CODES[code] = Code(found)

    def query_authorization_code(self, code, _client):
        return CODES.get(code)

    def delete_authorization_code(self, code):
        CODES.clear() if code else None

    def authenticate_user(self, code):
        return code["told"]


class OpenId(OpenIDCode):
    """The ID token, forged where the test says so."""

    def exists_nonce(self, _nonce, _asked):
        return False

    def resolve_client_private_key(self, _client):
        return KEYS["foreign" if told().get("foreign_key") else "own"]

    def get_client_algorithm(self, _client):
        return "RS256"

    def get_client_claims(self, _client):
        return {"iss": told().get("iss", current_app.config["ISSUER"])} | told().get("claims", {})

    def get_authorization_code_claims(self, code):
        nonce = told().get("nonce")
        return super().get_authorization_code_claims(code) | ({"nonce": nonce} if nonce else {})

    def generate_user_info(self, user, _scope):
        return UserInfo({k: user[k] for k in ("sub", "email", "email_verified") if k in user})


SERVER = AuthorizationServer(query_client=Client, save_token=lambda *_told: None)
SERVER.register_grant(Given, [CodeChallenge(required=True), OpenId(require_nonce=True)])


@openid.get("/.well-known/openid-configuration")
def discovery():
    """Say where everything is."""
    at = current_app.config["ISSUER"]
    found = {f"{name}_endpoint": f"{at}/{name}" for name in ("authorization", "token")}
    found |= {"issuer": told().get("issuer", at), "jwks_uri": f"{at}/jwks"}
    found |= {"response_types_supported": ["code"], "subject_types_supported": ["public"]}
    found |= {"code_challenge_methods_supported": ["S256"]}
    return found | {"id_token_signing_alg_values_supported": ["RS256"]}


@openid.get("/jwks")
def jwks():
    """Publish the own key."""
    return {"keys": [KEYS["own"].as_dict(private=False)]}


@openid.get("/authorization")
def authorization():
    """Say yes for who is logged in, or no."""
    if told().get("denies"):
        asked = request.args
        return redirect(f"{asked['redirect_uri']}?error=access_denied&state={asked['state']}")
    grant = SERVER.get_consent_grant(end_user=told())
    return SERVER.create_authorization_response(grant=grant, grant_user=told())


@openid.post("/token")
def token():
    """Give the tokens for a code."""
    return SERVER.create_token_response()


@own.get("/own/authorize")
def own_authorize():
    """Send somebody back, as all three do."""
    asked = request.args
    return redirect(f"{asked['redirect_uri']}?code={OWN_CODE}&state={asked['state']}")


@own.post("/feishu/token")
def feishu_token():
    """飞书: a user_access_token."""
    given = request.get_json()
    right = (given["client_secret"], given["code"]) == (SECRET, OWN_CODE)
    right = right and given["grant_type"] == "authorization_code" and given["redirect_uri"]
    return jsonify(code=0, access_token="u-1") if right else (jsonify(code=20002), 400)


@own.get("/feishu/user")
def feishu_user():
    """飞书: who it is."""
    if request.headers.get("Authorization") != "Bearer u-1":
        return jsonify(code=99991668), 401
    mail = told().get("email", "")
    return jsonify(code=0, data={"union_id": told()["sub"], "enterprise_email": mail})


@own.post("/dingtalk/token")
def dingtalk_token():
    """钉钉: a userAccessToken."""
    given = request.get_json()
    right = (given["clientSecret"], given["code"]) == (SECRET, OWN_CODE)
    return jsonify(accessToken="d-1") if right else (jsonify(code="invalid"), 400)


@own.get("/dingtalk/me")
def dingtalk_me():
    """钉钉: who it is."""
    if request.headers.get("x-acs-dingtalk-access-token") != "d-1":
        return jsonify(code="InvalidAuthentication"), 401
    return jsonify(unionId=told()["sub"], nick="张伟", email=told().get("email", ""))


@own.get("/wecom/gettoken")
def wecom_token():
    """企业微信: the token of the application; what is wrong it tells with 200."""
    right = request.args["corpsecret"] == SECRET
    return jsonify(errcode=0, access_token="w-1") if right else jsonify(errcode=40001)


@own.get("/wecom/user")
def wecom_user():
    """企业微信: who it is."""
    right = (request.args["access_token"], request.args["code"]) == ("w-1", OWN_CODE)
    return jsonify(errcode=0, userid=told()["sub"]) if right else jsonify(errcode=40029)


def make(port, file):
    """Return the provider as an application."""
    app = Flask("provider")
    app.config.update(FILE=file, ISSUER=f"http://127.0.0.1:{port}")
    for name in ("own", "foreign"):
        KEYS[name] = RSAKey.generate_key(2048, {"kid": "own", "use": "sig", "alg": "RS256"})
    SERVER.init_app(app)
    app.register_blueprint(own)
    app.register_blueprint(openid)
    return app


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2]).run("127.0.0.1", int(sys.argv[1]))
