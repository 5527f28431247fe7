"""From a signed HTTP request to a decision: what every sidecar has to do, whatever its policy."""

import asyncio
import inspect
import json
import logging
import time
from collections.abc import Mapping
from contextvars import copy_context
from datetime import timedelta
from typing import Any

from . import instant, memory, strict
from .answer import Answer
from .policy import Policy, Rule
from .reply import Reply, refusal
from .request import Malformed, Request, check
from .settings import Settings
from .signature import HEADER_ID, headers, verify
from .types import Decision, DecisionRequest
from .workers import Workers

log = logging.getLogger("placet")

#: The longest request, in bytes.
LONGEST_REQUEST = 256 * 1024
#: The longest decision, in bytes.
LONGEST_DECISION = 64 * 1024
#: The longest time for an answer, in milliseconds.
LONGEST_TIMEOUT = 10_000
#: How many requests are worked on at the same time.
MOST_AT_ONCE = 256

# Headers that repeat a member of the body; there they are signed.
_REPEATED = {
    HEADER_ID: "id",
    "placet-protocol": "protocol",
    "placet-type": "type",
    "placet-issuer": "issuer",
    "placet-tenant": "tenant",
}

_BUSY = refusal(503, "busy").with_headers({"retry-after": "1"})


class Decider:
    """Checks requests, asks the handlers, and signs what they answer."""

    def __init__(self, policy: Policy, settings: Settings) -> None:
        self._policy = policy
        self._settings = settings
        self._workers = Workers(policy.threads)
        self._memory = memory.Memory()
        self._under_way: dict[bytes, asyncio.Task[Reply]] = {}

    def close(self) -> None:
        """Takes no more work; handlers that run go on in the background."""
        self._workers.close()

    async def decide(self, sent: Mapping[str, str], body: bytes) -> Reply:
        """Answers a POST. Header names are in lower case."""
        arrived = time.monotonic()
        if sent.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refusal(415, "unsupported_media_type")
        if len(body) > LONGEST_REQUEST:
            return refusal(413, "too_large")
        if not verify(self._settings.secrets, dict(sent), body, time.time()):
            return refusal(401, "signature")
        try:
            envelope = check(_parsed(body))
            for header, member in _REPEATED.items():
                if header in sent and sent[header] != envelope.get(member):
                    return refusal(400, "mismatch", f"the header `{header}` is not what the body says")
            timeout = _timeout(sent.get("placet-timeout-ms"), envelope)
        except Malformed as error:
            return refusal(400, "malformed", str(error))
        rule = self._policy.rules.get(envelope["type"])
        if rule is None:
            return refusal(501, "not_implemented")
        reply = await self._once(memory.key(envelope), rule, Request(envelope, arrived + timeout))
        return self._signed(reply, envelope["id"])

    async def _once(self, key: bytes, rule: Rule, request: Request) -> Reply:
        """Asks the handler, unless the same request was or is being answered."""
        known = self._memory.get(key)
        if known is not None:
            return Reply(200, known)
        task = self._under_way.get(key)
        if task is None:
            if len(self._under_way) >= MOST_AT_ONCE:
                return _BUSY
            task = asyncio.create_task(self._remembered(key, rule, request))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        # A caller that hangs up must not take the answer of another with it.
        return await asyncio.shield(task)

    async def _remembered(self, key: bytes, rule: Rule, request: Request) -> Reply:
        reply = await self._asked(rule, request)
        if reply.status == 200:
            self._memory.put(key, reply.body)
        return reply

    async def _asked(self, rule: Rule, request: Request) -> Reply:
        if self._workers.full and not inspect.iscoroutinefunction(rule.handler):
            log.error("%s %s: too many handlers hang", request.type, request.id)
            return _BUSY
        work = self._started(rule, request)
        done, _ = await asyncio.wait({work}, timeout=request.remaining)
        if not done:
            # What does not heed the cancellation is left alone: the server waits no longer either way.
            work.cancel()
            work.add_done_callback(_ended_late)
            log.error("%s %s: no answer in time", request.type, request.id)
            return refusal(504, "timeout")
        try:
            answer = work.result()
            if not isinstance(answer, Answer):
                raise TypeError("a handler returns what `allow`, `deny` or `challenge` made")
            decision = _written(self._policy.decision(request, rule, answer))
        except (Exception, asyncio.CancelledError):
            log.exception("%s %s: the handler failed", request.type, request.id)
            return refusal(500, "internal")
        log.info("%s %s: %s", request.type, request.id, answer)
        return Reply(200, decision)

    def _started(self, rule: Rule, request: Request) -> "asyncio.Future[Any]":
        if inspect.iscoroutinefunction(rule.handler):
            return asyncio.ensure_future(rule.handler(request))
        context = copy_context()
        return self._workers.start(lambda: context.run(rule.handler, request))

    def _signed(self, reply: Reply, identifier: str) -> Reply:
        secret = self._settings.response_secret
        if secret is None or reply.status != 200:
            return reply
        return reply.with_headers(headers(secret, identifier, int(time.time()), reply.body))


def _ended_late(work: "asyncio.Future[Any]") -> None:
    # Looked at, so that asyncio does not complain that nobody did; its failure was reported as a timeout.
    if not work.cancelled():
        work.exception()


def _written(decision: Decision) -> bytes:
    body = json.dumps(decision, allow_nan=False, separators=(",", ":")).encode()
    if len(body) > LONGEST_DECISION:
        raise ValueError(f"a decision has at most {LONGEST_DECISION} bytes")
    return body


def _parsed(body: bytes) -> Any:
    try:
        return strict.parsed(body)
    except ValueError as error:
        raise Malformed(str(error)) from error


def _timeout(text: str | None, envelope: DecisionRequest) -> float:
    """Seconds for the handler: what the header says, or else the body, less what the answer needs to get there."""
    if text is None:
        try:
            between = instant.read(envelope["deadline"]) - instant.read(envelope["time"])
        except ValueError as error:
            raise Malformed("`time` or `deadline` is no instant") from error
        text = str(max(0, between // timedelta(milliseconds=1)))
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Malformed("the header `placet-timeout-ms` is not a number")
    whole = min(int(text), LONGEST_TIMEOUT)
    return (whole - min(whole / 5, 20)) / 1000
