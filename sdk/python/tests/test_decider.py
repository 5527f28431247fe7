from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import NEW, OLD, RESPONSE, Server, content, message, signed

from placet import App, Request, challenge, deny
from placet.answer import Answer
from placet.memory import MOST_BYTES, Memory
from placet.signature import Secret, headers, verify
from placet.testing import envelope
from placet.types import HookType
from placet.workers import HANGING_PER_PLACE

Serve = Callable[[Callable[[Request], Any]], Server]
STRANGER = Secret("whsec_bm9ib2R5IGtub3dzIHRoaXMgb25lLCBub3QgZXZlbiB1cw==")


def test_a_signed_request_gets_the_decision_with_its_id(server: Server, asked: dict[str, Any]) -> None:
    reply = server.ask(asked)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert content(reply) == {
        "id": asked["id"],
        "decision": "allow",
        "policy": {"name": "under-test", "version": "1"},
    }


def test_unknown_members_and_headers_are_ignored(server: Server, asked: dict[str, Any]) -> None:
    asked["news"] = {"of": "1.9"}
    asked["protocol"] = "1.9"
    asked["client"]["shoe_size"] = 44
    assert server.ask(asked, placet_news="x", x_request_id="y").status == 200


def test_the_previous_secret_serves_during_a_rotation(server: Server, asked: dict[str, Any]) -> None:
    body, sent = message(asked, OLD)
    assert server.post(body, sent).status == 200


def test_one_good_signature_among_several_is_enough(server: Server, asked: dict[str, Any]) -> None:
    body, sent = message(asked)
    sent["webhook-signature"] = message(asked, STRANGER)[1]["webhook-signature"] + " " + sent["webhook-signature"]
    assert server.post(body, sent).status == 200


def test_what_is_not_signed_by_the_server_is_401(server: Server, asked: dict[str, Any]) -> None:
    body, sent = message(asked)
    without = {name: value for name, value in sent.items() if name != "webhook-signature"}
    assert server.post(body, {}).status == 401
    assert server.post(body, without).status == 401
    assert server.post(body.replace(b"books-web", b"books-app"), sent).status == 401
    assert server.post(*message(asked, STRANGER)).status == 401
    assert server.post(*message(asked, RESPONSE)).status == 401
    for shift in (-600, 600):
        assert server.post(*message(asked, shift=shift)).status == 401


@pytest.mark.parametrize("twice", ['"x": 1, "x": 1', '"attempt": 1', '"x": [{"a": 1, "\\u0061": 2}]'])
def test_what_has_a_name_twice_is_400(server: Server, asked: dict[str, Any], twice: str) -> None:
    body = json.dumps(asked).replace("{", "{" + twice + ",", 1).encode()
    assert server.post(body, headers(NEW, asked["id"], int(time.time()), body)).status == 400


def test_what_is_nested_too_deeply_is_400(server: Server, asked: dict[str, Any]) -> None:
    inner: object = 1
    # The request and the client are two levels of the thirty-two.
    for _ in range(30):
        inner = [inner]
    asked["client"]["data"] = inner
    assert server.ask(asked).status == 200
    asked["client"]["data"] = {"in": inner}
    assert server.ask(asked).status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"id": NaN}',
        b"[" * 100_000,
        b'{"id": 1' + b"0" * 5_000 + b"}",
    ],
)
def test_what_is_not_a_json_object_is_400(server: Server, body: bytes) -> None:
    assert server.post(body, signed(body)).status == 400


def test_a_name_that_occurs_twice_is_400(server: Server, asked: dict[str, Any]) -> None:
    twice = json.dumps(asked).replace('"first_party": false', '"first_party": false, "first_party": true').encode()
    assert server.post(twice, {**signed(twice), "webhook-id": asked["id"]}).status == 401
    _, sent = message(asked)
    sent["webhook-signature"] = NEW.sign(asked["id"], int(sent["webhook-timestamp"]), twice)
    assert server.post(twice, sent).status == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("protocol", "2.0"),
        ("protocol", 1),
        ("type", None),
        ("mode", "dream"),
        ("issuer", 7),
        ("tenant", {}),
        ("chain", "x"),
        ("request", []),
        ("proposal", None),
        ("limits", []),
        ("client", "books-web"),
        ("subject", ["alice"]),
        ("client_credentials", "x"),
    ],
)
def test_a_member_of_another_kind_is_400(server: Server, asked: dict[str, Any], name: str, value: object) -> None:
    reply = server.ask({**asked, name: value})
    assert reply.status == 400
    assert content(reply)["code"] == "malformed"


@pytest.mark.parametrize(
    "name", ["protocol", "type", "time", "mode", "issuer", "chain", "request", "proposal", "limits"]
)
def test_a_missing_member_is_400(server: Server, asked: dict[str, Any], name: str) -> None:
    del asked[name]
    assert server.ask(asked).status == 400


def test_a_section_that_the_policy_does_not_need_may_be_missing(server: Server, asked: dict[str, Any]) -> None:
    del asked["client_credentials"]
    del asked["client"]
    assert server.ask(asked).status == 200


def test_headers_that_say_otherwise_than_the_body_are_400(server: Server, asked: dict[str, Any]) -> None:
    right = {
        "placet_protocol": "1.0",
        "placet_type": "grant.client_credentials",
        "placet_issuer": "https://as.example",
        "placet_tenant": "acme",
    }
    asked["tenant"] = "acme"
    assert server.ask(asked, **right).status == 200
    for name in right:
        assert server.ask(asked, **{**right, name: "other"}).status == 400, name
    del asked["tenant"]
    assert server.ask(asked, placet_tenant="acme").status == 400
    body, _ = message(asked)
    assert server.post(body, signed(body)).status == 400, "the id"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
def test_what_is_not_called_json_is_415(server: Server, asked: dict[str, Any], kind: str) -> None:
    assert server.ask(asked, content_type=kind).status == 415


def test_json_may_be_called_by_its_charset(server: Server, asked: dict[str, Any]) -> None:
    assert server.ask(asked, content_type="Application/JSON; charset=utf-8").status == 200


def test_more_than_256_kib_is_413(server: Server, asked: dict[str, Any]) -> None:
    asked["client"]["data"] = {"filler": ""}
    asked["client"]["data"]["filler"] = "x" * (256 * 1024 - len(json.dumps(asked)))
    assert server.ask(asked).status == 200
    asked["client"]["data"]["filler"] += "x"
    assert server.ask(asked).status == 413


@pytest.mark.parametrize("hook", ["grant.password", "grant.sorcery"])
def test_a_type_without_handler_is_501(server: Server, asked: dict[str, Any], hook: str) -> None:
    asked["type"] = hook
    reply = server.ask(asked)
    assert reply.status == 501
    assert content(reply)["code"] == "not_implemented"


def test_a_coroutine_that_is_late_is_cancelled_and_504(serve: Serve, asked: dict[str, Any]) -> None:
    ended: list[str] = []

    async def sleepy(x: Request) -> Answer:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return x.allow()

    server = serve(sleepy)
    body, sent = message(asked)
    sent.update({"content-type": "application/json", "placet-timeout-ms": "50"})

    async def late() -> tuple[int, list[str]]:
        status = (await server.sidecar.decide(sent, body)).status
        await asyncio.sleep(0)
        # Looked at here, since the end of the loop cancels everything.
        return status, list(ended)

    assert asyncio.run(late()) == (504, ["cancelled"])


def test_a_coroutine_that_ignores_its_cancellation_does_not_hold_the_reply(serve: Serve, asked: dict[str, Any]) -> None:
    async def stubborn(x: Request) -> Answer:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.2)
        return x.allow()

    server = serve(stubborn)
    assert server.ask(asked, placet_timeout_ms="50").status == 504


def test_a_function_that_is_late_is_504(serve: Serve, asked: dict[str, Any]) -> None:
    enough = threading.Event()

    def slow(x: Request) -> Answer:
        enough.wait(30)
        return x.allow()

    server = serve(slow)

    async def late() -> int:
        body, sent = message(asked)
        sent.update({"content-type": "application/json", "placet-timeout-ms": "50"})
        try:
            return (await server.sidecar.decide(sent, body)).status
        finally:
            enough.set()
            await asyncio.sleep(0.05)

    assert asyncio.run(late()) == 504


def test_functions_that_hang_keep_no_place_and_too_many_are_503_while_health_is_answered() -> None:
    enough = threading.Event()
    app = App("under-test", "1", threads=2)

    @app.on("grant.client_credentials")
    def sometimes(x: Request) -> Answer:
        if x.get("/client/data/hang", False):
            enough.wait(60)
        return x.allow()

    @app.on("claims.source")
    async def claims(x: Request) -> Answer:
        return x.allow()

    server = Server(app)

    async def asked(hook: HookType, hang: bool, timeout: str) -> int:
        body, sent = message(envelope(hook, {"client": {"data": {"hang": hang}}}))
        sent.update({"content-type": "application/json", "placet-timeout-ms": timeout})
        return (await server.sidecar.decide(sent, body)).status

    async def story() -> None:
        hook: HookType = "grant.client_credentials"
        for _ in range(2 * HANGING_PER_PLACE):
            assert await asked(hook, False, "10000") == 200
            assert await asked(hook, True, "50") == 504
        body, sent = message(envelope(hook))
        refused = await server.sidecar.decide({**sent, "content-type": "application/json"}, body)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        health = server.sidecar.route("GET", "/healthz")
        assert health is not None
        assert health.status == 200
        assert await asked("claims.source", False, "10000") == 200
        enough.set()
        for _ in range(200):
            if await asked(hook, False, "10000") == 200:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it did not recover")

    asyncio.run(story())


def test_functions_wait_for_their_turn_and_those_that_waited_too_long_never_run() -> None:
    enough = threading.Event()
    ran: list[str] = []
    app = App("under-test", "1", threads=1)

    @app.on("grant.client_credentials")
    def one(x: Request) -> Answer:
        ran.append(x.get("/client/data/name", ""))
        enough.wait(60)
        return x.allow()

    server = Server(app)

    async def asked(name: str, timeout: str) -> int:
        body, sent = message(envelope("grant.client_credentials", {"client": {"data": {"name": name}}}))
        sent.update({"content-type": "application/json", "placet-timeout-ms": timeout})
        return (await server.sidecar.decide(sent, body)).status

    async def story() -> list[int]:
        first = asyncio.create_task(asked("first", "10000"))
        await asyncio.sleep(0.05)
        late = await asked("late", "50")
        last = asyncio.create_task(asked("last", "10000"))
        await asyncio.sleep(0.05)
        enough.set()
        return [late, await first, await last]

    assert asyncio.run(story()) == [504, 200, 200]
    assert ran == ["first", "last"]


@pytest.mark.parametrize(("sent", "at_most"), [("300", 0.28), ("50", 0.04), ("0", 0), ("999999999", 9.98)])
def test_the_handler_has_the_time_that_the_server_waits_less_the_way_back(
    serve: Serve, asked: dict[str, Any], sent: str, at_most: float
) -> None:
    seen: list[float] = []

    async def handler(x: Request) -> Answer:
        seen.append(x.remaining)
        return x.allow()

    serve(handler).ask(asked, placet_timeout_ms=sent)
    assert all(0 <= left <= at_most for left in seen)


def test_without_the_header_the_time_is_what_lies_between_question_and_deadline(
    serve: Serve, asked: dict[str, Any]
) -> None:
    seen: list[float] = []

    async def handler(x: Request) -> Answer:
        seen.append(x.remaining)
        return x.allow()

    server = serve(handler)
    assert server.ask({**asked, "time": "2026-11-23T10:00:00Z", "deadline": "2026-11-23T10:00:00.3Z"}).status == 200
    assert 0 <= seen[0] <= 0.28
    assert server.ask({**asked, "mode": "test", "deadline": "soon"}).status == 400


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e3", "٣"])
def test_a_timeout_that_is_no_number_is_400(server: Server, asked: dict[str, Any], text: str) -> None:
    assert server.ask(asked, placet_timeout_ms=text).status == 400


def broken(x: Request) -> Answer:
    raise RuntimeError("the password of the database is swordfish")


async def broken_later(x: Request) -> Answer:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    "handler",
    [
        broken,
        broken_later,
        lambda x: None,
        lambda x: True,
        lambda x: {"decision": "allow"},
        lambda x: x.allow(colour="red"),
        lambda x: x.allow().set(colour={}),
        lambda x: x.allow().set(session={}),
        lambda x: challenge.step_up(),
        lambda x: x.allow(data={"of": object()}),
        lambda x: x.allow(data={"of": float("nan")}),
        lambda x: x.allow(data={"of": "x" * 65536}),
        lambda x: deny("access_denied", 'a "quoted" word'),
        lambda x: x.envelope["password"]["password"],
    ],
)
def test_a_handler_that_fails_is_500_without_details(
    serve: Serve, asked: dict[str, Any], handler: Callable[[Request], Any]
) -> None:
    reply = serve(handler).ask(asked)
    assert reply.status == 500
    assert content(reply) == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "code": "internal",
    }


def test_neither_request_nor_secrets_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    app.on("grant.password")(lambda x: deny("invalid_grant"))
    caplog.set_level(logging.DEBUG)
    assert Server(app).ask(envelope("grant.password")).status == 200
    assert "grant.password" in caplog.text
    assert "wonderland" not in caplog.text
    assert "whsec" not in caplog.text


def counter() -> tuple[list[str], Callable[[Request], Answer]]:
    calls: list[str] = []

    def handler(x: Request) -> Answer:
        calls.append(x.id)
        return x.allow().tag("call", str(len(calls)))

    return calls, handler


def test_a_request_that_comes_again_gets_the_same_answer(serve: Serve, asked: dict[str, Any]) -> None:
    calls, handler = counter()
    server = serve(handler)
    first = server.ask(asked)
    again = {**asked, "attempt": 2, "time": "2026-11-23T10:00:01Z", "deadline": "2026-11-23T10:00:02Z"}
    assert server.ask(again).body == first.body
    assert len(calls) == 1


def test_another_question_under_the_same_id_is_another_question(serve: Serve, asked: dict[str, Any]) -> None:
    calls, handler = counter()
    server = serve(handler)
    assert server.ask(asked).body != server.ask({**asked, "mode": "shadow"}).body
    assert len(calls) == 2


def test_a_request_that_comes_twice_at_once_is_asked_once(serve: Serve, asked: dict[str, Any]) -> None:
    calls, handler = counter()

    async def slow(x: Request) -> Answer:
        await asyncio.sleep(0.05)
        return handler(x)

    server = serve(slow)
    body, sent = message(asked)
    sent["content-type"] = "application/json"

    async def both() -> list[bytes]:
        replies = await asyncio.gather(*(server.sidecar.decide(sent, body) for _ in range(5)))
        return [reply.body for reply in replies]

    assert len(set(asyncio.run(both()))) == 1
    assert len(calls) == 1


def test_a_failure_is_not_remembered(serve: Serve, asked: dict[str, Any]) -> None:
    failing = [True]

    def handler(x: Request) -> Answer:
        if failing.pop() if failing else False:
            raise RuntimeError
        return x.allow()

    server = serve(handler)
    first, second = server.ask(asked), server.ask(asked)
    assert (first.status, second.status) == (500, 200)
    assert content(second)["decision"] == "allow"
    assert "webhook-signature" not in first.headers


def test_many_requests_at_once_are_answered(serve: Serve) -> None:
    _, handler = counter()
    server = serve(handler)

    async def one() -> int:
        body, sent = message(envelope("grant.client_credentials"))
        return (await server.sidecar.decide({"content-type": "application/json", **sent}, body)).status

    async def many() -> list[int]:
        return await asyncio.gather(*(one() for _ in range(100)))

    assert asyncio.run(many()) == [200] * 100


def test_more_than_256_requests_under_way_are_503(serve: Serve) -> None:
    async def handler(x: Request) -> Answer:
        await asyncio.sleep(0.3)
        return x.allow()

    server = serve(handler)

    async def one() -> int:
        body, sent = message(envelope("grant.client_credentials"))
        return (await server.sidecar.decide({"content-type": "application/json", **sent}, body)).status

    async def many() -> list[int]:
        return await asyncio.gather(*(one() for _ in range(260)))

    assert sorted(asyncio.run(many())) == [200] * 256 + [503] * 4


def test_answers_are_signed_with_the_other_secret(server: Server, asked: dict[str, Any]) -> None:
    reply = server.ask(asked)
    assert reply.headers["webhook-id"] == asked["id"]
    assert verify([RESPONSE], dict(reply.headers), reply.body, time.time())
    assert not verify([NEW, OLD], dict(reply.headers), reply.body, time.time())


def test_the_cache_hint_stands_in_the_body_unless_the_answer_has_its_own() -> None:
    answers = iter(
        [deny("access_denied"), deny("access_denied").cache(5, 60), challenge.step_up(), deny("access_denied").cache(0)]
    )
    app = App()
    app.on("grant.refresh_token", cache=20)(lambda x: next(answers))
    server = Server(app)
    hints = [content(server.ask(envelope("grant.refresh_token"))).get("cache") for _ in range(4)]
    assert hints == [{"max_age": 20}, {"max_age": 5, "stale_if_error": 60}, None, {"max_age": 0}]


def test_the_memory_is_bounded_in_time_number_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    memory = Memory(clock=lambda: now[0])
    memory.put(b"a", b"1")
    now[0] = 299
    assert memory.get(b"a") == b"1"
    now[0] = 301
    assert memory.get(b"a") is None

    monkeypatch.setattr("placet.memory.MOST_DECISIONS", 3)
    for name in (b"a", b"b", b"c", b"d"):
        memory.put(name, b"1")
    assert (memory.get(b"a"), memory.get(b"d"), len(memory)) == (None, b"1", 3)

    memory.put(b"e", b"x" * (MOST_BYTES - 1))
    assert (memory.get(b"c"), memory.get(b"d"), len(memory)) == (None, b"1", 2)
