"""Asks the running program, as the server would. Only the test uses the SDK: for signatures and requests."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from placet.signature import Secret, headers
from placet.testing import SECRET, Case, cases, envelope

HERE = Path(__file__).parent
CASES = cases(HERE / "cases.json")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "scopes_by_tier.py"],
        cwd=HERE,
        env={**os.environ, "PORT": str(number), "PLACET_SECRET": SECRET},
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", number)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield number
    finally:
        process.terminate()
        process.wait(20)


def post(port: int, body: bytes, sent: Mapping[str, str]) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", "/", body, {"content-type": "application/json", **sent})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def signed(body: bytes, identifier: str, shift: int = 0) -> dict[str, str]:
    return headers(Secret(SECRET), identifier, int(time.time()) + shift, body)


def ask(port: int, asked: Mapping[str, Any], **more: str) -> tuple[int, Any]:
    body = json.dumps(asked).encode()
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return post(port, body, {**signed(body, asked["id"]), **named})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases(case: Case, port: int) -> None:
    asked = envelope(case.hook, case.patch)
    status, decision = ask(port, asked)
    assert (status, decision["id"]) == (200, asked["id"])
    assert list(case.faults(decision)) == []


def test_only_the_server_gets_an_answer(port: int) -> None:
    asked = envelope("grant.client_credentials")
    body = json.dumps(asked).encode()
    good = signed(body, asked["id"])
    assert post(port, body, {**good, "webhook-signature": "v1,AAAA " + good["webhook-signature"]})[0] == 200
    assert post(port, body, {})[0] == 401
    assert post(port, body, {**good, "webhook-signature": "v1,AAAA"})[0] == 401
    assert post(port, body.replace(b"books-web", b"books-app"), good)[0] == 401
    for shift in (-600, 600):
        assert post(port, body, signed(body, asked["id"], shift))[0] == 401
    for stamp in ("", "now", "-1"):
        assert post(port, body, {**good, "webhook-timestamp": stamp})[0] == 401
    assert post(port, body, signed(body, "dec_1.2"))[0] == 401


def test_what_is_no_question_is_refused(port: int) -> None:
    asked = envelope("grant.client_credentials")
    assert ask(port, asked, content_type="text/plain")[0] == 415
    assert ask(port, asked, placet_type="grant.password")[0] == 400
    assert ask(port, asked, placet_issuer="https://other.example")[0] == 400
    assert ask(port, asked, placet_type=asked["type"], placet_issuer=asked["issuer"], placet_protocol="1.0")[0] == 200
    assert ask(port, {**asked, "limits": {}})[0] == 400
    assert ask(port, {**asked, "client": "x"})[0] == 400
    assert ask(port, envelope("grant.password"))[0] == 501
    for body in (b"", b"{", b"[]", b"{}", b"\xff", b"[" * 20_000):
        assert post(port, body, signed(body, "dec_1"))[0] == 400, body[:5]
    for extra, status in (
        ('"x": 1, "x": 1', 400),
        ('"client": {"data": {"tier": "gold"}}', 400),
        ('"x": [{"a": 1, "a": 2}]', 400),
        (f'"x": {"[" * 32}{"]" * 32}', 400),
        (f'"x": {"[" * 31}{"]" * 31}', 200),
    ):
        body = json.dumps(asked).replace("{", "{" + extra + ",", 1).encode()
        assert post(port, body, signed(body, asked["id"]))[0] == status, extra
    other = json.dumps(asked).encode()
    assert post(port, other, signed(other, "dec_1"))[0] == 400


def test_a_body_is_bounded_and_other_methods_are_not_answered(port: int) -> None:
    assert ask(port, envelope("grant.client_credentials", {"client": {"data": {"filler": "x" * 65536}}}))[0] == 413
    # A server that looks for a discovery document takes 404 for none, and anything else for a failure.
    for method, path, status in (("GET", "/.well-known/placet-policy", 404), ("HEAD", "/", 501), ("PUT", "/", 501)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request(method, path)
        assert connection.getresponse().status == status
        connection.close()
