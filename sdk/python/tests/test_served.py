"""The same sidecar, served by the server that comes along and by two ASGI servers that do not."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import message

from placet.signature import Secret, verify
from placet.testing import SECRET, envelope

HERE = Path(__file__).resolve().parent
RESPONSE = "whsec_c2lnbnMgYW5zd2VycywgYW5kIG5vdGhpbmcgZWxzZQ=="
COMMANDS = {
    "own": [sys.executable, "served.py"],
    "uvicorn": [sys.executable, "-m", "uvicorn", "--port", "{port}", "--log-level", "warning", "served:app"],
    "hypercorn": [sys.executable, "-m", "hypercorn", "--bind", "127.0.0.1:{port}", "served:app"],
}


class Served:
    def __init__(self, kind: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.id = f"http://127.0.0.1:{self.port}/placet"
        self.process = subprocess.Popen(
            [part.format(port=self.port) for part in COMMANDS[kind]],
            cwd=HERE,
            env={
                **os.environ,
                "PORT": str(self.port),
                "PLACET_SECRET": SECRET,
                "PLACET_RESPONSE_SECRET": RESPONSE,
                "PLACET_SIDECAR_ID": self.id,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(300):
            try:
                if self.call("GET", "/healthz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        self.end()
        raise AssertionError(f"{kind} does not serve")

    def call(
        self, method: str, path: str, body: bytes | None = None, sent: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, sent or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def ask(self, asked: dict[str, Any], **more: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        body, sent = message(asked)
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return self.call("POST", "/placet/decide", body, {"content-type": "application/json", **sent, **named})

    def raw(self, data: bytes) -> bytes:
        """What comes back until the server hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(data)
            received = b""
            while part := connection.recv(65536):
                received += part
            return received

    def end(self) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            _, said = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, said = self.process.communicate()
        return self.process.returncode, said


@pytest.fixture(scope="module", params=COMMANDS)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    running = Served(request.param)
    yield running
    running.end()


@pytest.fixture(scope="module")
def own() -> Iterator[Served]:
    running = Served("own")
    yield running
    running.end()


def test_decisions_are_made_over_http_and_signed(served: Served) -> None:
    asked = envelope("grant.client_credentials")
    status, sent, body = served.ask(asked)
    assert status == 200
    assert json.loads(body)["set"] == {"grant": {"scope": ["reports.read", "reports.write"]}}
    assert sent["content-type"] == "application/json"
    assert sent["webhook-id"] == asked["id"]
    assert verify([Secret(RESPONSE)], {name.lower(): value for name, value in sent.items()}, body, time.time())


def test_refusals_have_their_status(served: Served) -> None:
    asked = envelope("grant.client_credentials")
    body, _ = message(asked)
    assert served.call("POST", "/placet/decide", body, {"content-type": "application/json"})[0] == 401
    assert served.ask(asked, content_type="text/plain")[0] == 415
    assert served.ask(asked, placet_type="grant.password")[0] == 400
    assert served.ask(envelope("claims.source"))[0] == 501
    assert served.call("GET", "/nothing")[0] == 404
    status, sent, _ = served.call("GET", "/placet/decide")
    assert (status, sent["allow"]) == (405, "POST")


def test_a_body_that_is_too_long_is_refused(served: Served) -> None:
    asked = envelope("grant.client_credentials", {"client": {"data": {"filler": "x" * (256 * 1024)}}})
    assert served.ask(asked)[0] == 413


def test_late_handlers_are_504(served: Served) -> None:
    late = {"client": {"data": {"sleep": 2}}}
    for hook in ("grant.client_credentials", "grant.password"):
        assert served.ask(envelope(hook, late), placet_timeout_ms="50")[0] == 504


def test_the_document_and_the_health_are_there_and_head_has_no_body(served: Served) -> None:
    for path in ("/.well-known/placet-policy", "/.well-known/placet-policy/placet"):
        status, _, body = served.call("GET", path)
        assert (status, json.loads(body)["decision_endpoint"]) == (200, f"{served.id}/decide")
    status, sent, body = served.call("HEAD", "/healthz")
    assert (status, body, sent["content-length"]) == (200, b"", "16")


def test_whoever_hangs_up_does_no_harm(served: Served) -> None:
    asked = envelope("grant.client_credentials", {"client": {"data": {"sleep": 0.2}}})
    body, sent = message(asked)
    head = "POST /placet/decide HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in sent.items()) + "\r\n"
    for data in (head.encode() + body, head.encode() + body[:10], head[:20].encode()):
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.sendall(data)
    assert served.ask(envelope("grant.client_credentials"))[0] == 200


def test_fifty_at_once_are_answered(served: Served) -> None:
    found: list[int] = []
    askers = [
        threading.Thread(target=lambda: found.append(served.ask(envelope("grant.client_credentials"))[0]))
        for _ in range(50)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(30)
    assert found == [200] * 50


@pytest.mark.parametrize("kind", COMMANDS)
def test_without_a_secret_nothing_is_served(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "0")
    monkeypatch.delenv("PLACET_SECRET", raising=False)
    command = [part.format(port=0) for part in COMMANDS[kind]]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=30, check=False)
    assert "PLACET_SECRET is not set" in done.stdout + done.stderr
    if kind == "own":
        assert (done.returncode, done.stderr) == (1, "placet: PLACET_SECRET is not set\n")


# --- the server that comes along ---


def test_connections_are_kept_and_answered_in_order(own: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", own.port, timeout=20)
    for _ in range(3):
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b'{"status": "ok"}')
    connection.close()
    health = b"GET /healthz?probe=1 HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n"
    assert own.raw(health + health + last).count(b"HTTP/1.1 200 OK") == 3
    assert own.raw(b"GET /healthz HTTP/1.0\r\n\r\n").count(b"HTTP/1.1 200 OK") == 1


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /healthz\r\n\r\n", 400),
        (b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"G@T /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: x\nEvil: y\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: \x00\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 262145\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 64 + b"\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\na: " + b"b" * 20_000, 431),
    ],
)
def test_what_is_not_plain_http_is_refused_and_ends_the_connection(own: Served, data: bytes, status: int) -> None:
    reply = own.raw(data)
    assert reply.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"connection: close" in reply
    assert own.call("GET", "/healthz")[0] == 200


def test_a_client_that_waits_for_leave_to_send_gets_it(own: Served) -> None:
    reply = own.raw(
        b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    )
    assert reply.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 415 ")


def test_what_is_under_way_at_the_end_is_finished() -> None:
    running = Served("own")
    idle = socket.create_connection(("127.0.0.1", running.port))
    found: list[int] = []
    slow = envelope("grant.client_credentials", {"client": {"data": {"sleep": 1}}})
    asker = threading.Thread(target=lambda: found.append(running.ask(slow)[0]))
    asker.start()
    time.sleep(0.3)
    status, said = running.end()
    asker.join(20)
    idle.close()
    assert (status, found) == (0, [200])
    assert "Traceback" not in said
    assert f"listening on 127.0.0.1 port {running.port}" in said
    assert f"grant.client_credentials {slow['id']}: <allow>" in said


def test_a_handler_that_hangs_does_not_keep_the_process_from_ending() -> None:
    running = Served("own")
    hanging = envelope("grant.password", {"client": {"data": {"sleep": 600}}})
    assert running.ask(hanging, placet_timeout_ms="100")[0] == 504
    assert running.call("GET", "/healthz")[0] == 200
    assert running.end()[0] == 0
