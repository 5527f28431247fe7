"""What an ASGI server says to the application, beyond what the two of the other tests happen to say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest
from conftest import message

from placet import App
from placet.settings import SettingsError
from placet.testing import SECRET, envelope

Message = MutableMapping[str, Any]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("PLACET_SECRET", SECRET)
    made = App("under-test", "1")
    made.on("grant.client_credentials")(lambda x: x.allow())
    return made


def talk(app: App, scope: Message, *received: Message) -> list[Message]:
    """What the application sends for what it receives."""
    sent: list[Message] = []
    left = iter(received)

    async def receive() -> Message:
        return next(left)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def post(app: App, *bodies: Message, more: list[tuple[bytes, bytes]] | None = None, **scope: str) -> tuple[int, Any]:
    body, signed = message(envelope("grant.client_credentials"))
    headers = [(name.encode(), value.encode()) for name, value in signed.items()]
    headers += [(b"content-type", b"application/json"), *(more or [])]
    start, rest = talk(
        app,
        {"type": "http", "method": "POST", "path": "/decide", "headers": headers, **scope},
        *(
            bodies
            or (
                {"type": "http.request", "body": body[:9], "more_body": True},
                {"type": "http.request", "body": body[9:]},
            )
        ),
    )
    return start["status"], json.loads(rest["body"])


def test_a_body_may_come_in_parts(app: App) -> None:
    status, decision = post(app)
    assert (status, decision["decision"]) == (200, "allow")


@pytest.mark.parametrize("path", ["/policies/decide", "/policies/", "/policies", "/decide"])
def test_the_path_that_the_application_is_mounted_at_does_not_count(app: App, path: str) -> None:
    assert post(app, path=path, root_path="/policies")[0] == 200


def test_only_a_whole_name_of_a_path_is_cut_off(app: App) -> None:
    assert post(app, path="/policies2/decide", root_path="/policies")[0] == 404


def test_a_header_that_decides_something_and_occurs_twice_is_400(app: App) -> None:
    assert post(app, more=[(b"Webhook-Signature", b"v1,AAAA")])[0] == 400


def test_who_hangs_up_before_the_end_of_the_body_asked_nothing(app: App) -> None:
    cut = {"type": "http.request", "body": b"{", "more_body": True}
    assert post(app, cut, {"type": "http.disconnect"})[0] == 401


def test_the_rest_of_a_body_that_is_too_long_is_not_read(app: App) -> None:
    endless = {"type": "http.request", "body": bytes(200_000), "more_body": True}
    assert post(app, endless, endless)[0] == 413


def test_the_life_of_the_server_is_followed(app: App) -> None:
    sent = talk(app, {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert [said["type"] for said in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert post(app)[0] == 200, "another life"


def test_without_a_secret_there_is_no_life(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACET_SECRET", "swordfish")
    (said,) = talk(app, {"type": "lifespan"}, {"type": "lifespan.startup"})
    assert said["type"] == "lifespan.startup.failed"
    assert "swordfish" not in said["message"]
    with pytest.raises(SettingsError):
        post(app)


def test_only_http_is_served(app: App) -> None:
    with pytest.raises(RuntimeError, match="`websocket` is not served"):
        talk(app, {"type": "websocket"})
