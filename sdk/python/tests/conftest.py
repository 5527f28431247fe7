"""What the tests share: a sidecar with known secrets, and who asks it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from placet import App, Request
from placet.answer import Answer
from placet.reply import Reply
from placet.settings import Settings
from placet.sidecar import Sidecar
from placet.signature import Secret, headers
from placet.testing import envelope

OLD = Secret("whsec_HxweHRobGBkWFxQVEhMQEQ4PDA0KCwgJBgcEBQIDAAE=")
NEW = Secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
RESPONSE = Secret("whsec_c2lnbnMgYW5zd2VycywgYW5kIG5vdGhpbmcgZWxzZQ==")
ID = "https://policy.example/placet"


class Server:
    """The server's part: asks, signed."""

    def __init__(self, app: App) -> None:
        self.sidecar = Sidecar(app.policy, Settings((NEW, OLD), RESPONSE, ID))

    def post(self, body: bytes, sent: Mapping[str, str]) -> Reply:
        return asyncio.run(self.sidecar.decide({"content-type": "application/json", **sent}, body))

    def ask(self, asked: Mapping[str, Any], **more: str) -> Reply:
        """Headers among `more` have underscores for hyphens."""
        body, sent = message(asked)
        return self.post(body, {**sent, **{name.replace("_", "-"): value for name, value in more.items()}})


def message(asked: Mapping[str, Any], secret: Secret = NEW, shift: int = 0) -> tuple[bytes, dict[str, str]]:
    """A request as bytes and signed headers; `shift` moves the clock of who signs, in seconds."""
    body = json.dumps(asked).encode()
    return body, headers(secret, str(asked["id"]), int(time.time()) + shift, body)


def signed(body: bytes) -> dict[str, str]:
    """Headers for a body that is no request."""
    return headers(NEW, "dec_" + secrets.token_hex(8), int(time.time()), body)


def content(reply: Reply) -> dict[str, Any]:
    found = json.loads(reply.body)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def serve() -> Callable[[Callable[[Request], Answer]], Server]:
    """A sidecar with one handler, for `grant.client_credentials`."""

    def made(handler: Callable[[Request], Answer]) -> Server:
        app = App("under-test", "1")
        app.on("grant.client_credentials")(handler)
        return Server(app)

    return made


@pytest.fixture
def server() -> Server:
    """A sidecar that allows as proposed."""
    app = App("under-test", "1")
    app.on("grant.client_credentials")(lambda x: x.allow())
    return Server(app)


@pytest.fixture
def asked() -> dict[str, Any]:
    return envelope("grant.client_credentials")
