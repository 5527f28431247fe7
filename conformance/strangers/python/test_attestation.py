"""An attested client (OAuth 2.0 Attestation-Based Client Authentication) whose every signature is joserfc's."""

import base64
import hashlib
import json
import secrets
import time
from urllib.parse import urlencode

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from client import parameters
from stack import ATTESTER_KEY, REDIRECT_URI

CLIENT = "wallet"


class Wallet:
    """One installation of the client: its key, the attestation about it, and the challenge that it was told last."""

    def __init__(self, issuer):
        self.metadata = requests.get(f"{issuer}/.well-known/oauth-authorization-server", timeout=10).json()
        self.key = ECKey.generate_key("P-256")
        now = int(time.time())
        self.attestation = jwt.encode(
            {"typ": "oauth-client-attestation+jwt", "alg": "ES256", "kid": "attester"},
            {"sub": CLIENT, "iat": now, "exp": now + 600, "cnf": {"jwk": self.key.as_dict(private=False)}},
            ATTESTER_KEY,
        )
        answer = requests.post(self.metadata["challenge_endpoint"], timeout=10)
        assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
        self.challenge = answer.json()["attestation_challenge"]

    def proof(self):
        header = {"typ": "oauth-client-attestation-pop+jwt", "alg": "ES256"}
        claims = {"aud": self.metadata["issuer"], "jti": secrets.token_urlsafe(16), "iat": int(time.time())}
        return jwt.encode(header, {**claims, "challenge": self.challenge}, self.key)

    def post(self, endpoint, **form):
        headers = {"OAuth-Client-Attestation": self.attestation, "OAuth-Client-Attestation-PoP": self.proof()}
        answer = requests.post(self.metadata[endpoint], data=form, headers=headers, timeout=10)
        self.challenge = answer.headers["OAuth-Client-Attestation-Challenge"]
        return answer


@pytest.fixture
def wallet(stack):
    return Wallet(stack.issuer)


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_an_installation_signs_a_user_in_and_keeps_what_it_got_to_itself(stack, wallet, browser):
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    pushed = wallet.post(
        "pushed_authorization_request_endpoint",
        response_type="code",
        redirect_uri=REDIRECT_URI,
        scope="openid email offline_access",
        prompt="consent",
        state="s",
        code_challenge=challenge,
        code_challenge_method="S256",
    )
    assert pushed.status_code == 201, pushed.text
    query = urlencode({"client_id": CLIENT, "request_uri": pushed.json()["request_uri"]})
    reached = browser.sign_in(f"{wallet.metadata['authorization_endpoint']}?{query}", REDIRECT_URI)
    redemption = {
        "grant_type": "authorization_code",
        "code": parameters(reached)["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": verifier,
    }
    other = Wallet(stack.issuer)
    refused = other.post("token_endpoint", **redemption)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    got = wallet.post("token_endpoint", **redemption)
    assert got.status_code == 200, got.text
    tokens = got.json()
    assert claims(tokens["id_token"])["aud"] == CLIENT

    renewal = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refused = other.post("token_endpoint", **renewal)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    renewed = wallet.post("token_endpoint", **renewal)
    assert renewed.status_code == 200, renewed.text
    assert renewed.json()["access_token"] != tokens["access_token"]


def test_a_challenge_that_was_made_up_is_answered_with_one_that_counts(wallet):
    wallet.challenge = "made-up"
    form = {"grant_type": "refresh_token", "refresh_token": "nothing"}
    refused = wallet.post("token_endpoint", **form)
    assert (refused.status_code, refused.json()["error"]) == (400, "use_attestation_challenge")
    # The header of that answer has the one that is wanted: now it is the grant that is wrong.
    assert wallet.post("token_endpoint", **form).json()["error"] == "invalid_grant"
