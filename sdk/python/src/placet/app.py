"""The policy as a program: handlers by type, an ASGI application, and a server for when there is none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeVar

from . import server
from .decider import LONGEST_REQUEST
from .policy import Handler, Policy, Rule
from .reply import Reply, refusal
from .rules import RULES
from .settings import SettingsError, address, from_environment
from .sidecar import Sidecar, header_map
from .types import HookType, SupportedType

H = TypeVar("H", bound=Handler)
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


class App:
    """A policy. Serve it with `run`, or hand it to any ASGI server.

    `name` and `version` stand in the discovery document and in every decision; a new version makes the server forget
    the decisions of the old one. `threads` is how many handlers that are no coroutines run at the same time;
    one that does not come back in time keeps no place.

    Settings are read from the environment when the first request comes or the server starts, not before.
    """

    def __init__(self, name: str = "placet-policy", version: str = "0", *, threads: int = 16) -> None:
        #: What there is to serve; for whoever serves it.
        self.policy = Policy(name, version, threads)
        self._sidecar: Sidecar | None = None

    def on(
        self,
        *hooks: HookType,
        cache: int | None = None,
        needs: Iterable[str] | None = None,
        returns: Iterable[str] | None = None,
    ) -> Callable[[H], H]:
        """Makes a function, or a coroutine, the handler of these types. It takes a `Request` and returns what `allow`,
        `deny` or `challenge` made.

        `cache`: for how many seconds the server may use an allow or a denial again, unless the answer says otherwise.
        `needs`: JSON Pointers of what the handler looks at besides the section of the type; then only that is sent, and
        remembered decisions are told apart only by that. `returns`: JSON Pointers of what it may set.

        Raises ValueError for a type that does not exist or has a handler already, and for `cache` where decisions are
        never remembered.
        """
        needed = None if needs is None else list(needs)
        returned = None if returns is None else list(returns)

        def register(handler: H) -> H:
            for hook in hooks:
                if hook not in RULES:
                    raise ValueError(f"there is no type `{hook}`")
                if cache is not None and not RULES[hook].cacheable:
                    raise ValueError(f"decisions of `{hook}` are never remembered")
                if hook in self.policy.rules:
                    raise ValueError(f"`{hook}` has a handler already")
                supported: SupportedType = {"type": hook, "cacheable": cache is not None}
                if needed is not None:
                    supported["needs"] = sorted({*needed, f"/{RULES[hook].section}"})
                if returned is not None:
                    supported["returns"] = returned
                self.policy.rules[hook] = Rule(handler, supported, cache)
            return handler

        return register

    def run(self, *, host: str | None = None, port: int | None = None) -> None:
        """Serves with a small server of the standard library until SIGINT or SIGTERM, at HOST and PORT of the
        environment unless these are given. It speaks http: for TLS use an ASGI server, or a proxy.
        """
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        try:
            named_host, named_port = address()
            at = (named_host if host is None else host, named_port if port is None else port)
            sidecar = Sidecar(self.policy, from_environment(served=at))
        except SettingsError as error:
            raise SystemExit(f"placet: {error}") from None
        asyncio.run(server.serve(sidecar, *at))

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """The ASGI application."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await _reply(send, await self._replied(scope, receive), head=scope["method"] == "HEAD")
        else:
            raise RuntimeError(f"`{scope['type']}` is not served")

    def _served(self) -> Sidecar:
        if self._sidecar is None:
            self._sidecar = Sidecar(self.policy, from_environment())
        return self._sidecar

    async def _live(self, receive: _Receive, send: _Send) -> None:
        await receive()
        try:
            self._served()
        except ValueError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._served().close()
        self._sidecar = None
        await send({"type": "lifespan.shutdown.complete"})

    async def _replied(self, scope: _Message, receive: _Receive) -> Reply:
        sidecar = self._served()
        path = str(scope["path"])
        root = str(scope.get("root_path", ""))
        if root and (path == root or path.startswith(f"{root}/")):
            path = path[len(root) :] or "/"
        sent = header_map((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        if sent is None:
            return refusal(400, "malformed", "a header occurs twice")
        reply = sidecar.route(scope["method"], path)
        if reply is not None:
            return reply
        body = await _body(receive)
        if body is None:
            return refusal(413, "too_large")
        return await sidecar.decide(sent, body)


async def _body(receive: _Receive) -> bytes | None:
    """The body; None if it is longer than any request may be."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > LONGEST_REQUEST:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _reply(send: _Send, reply: Reply, *, head: bool) -> None:
    headers = {**reply.headers, "content-length": str(len(reply.body))}
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": fields})
    await send({"type": "http.response.body", "body": b"" if head else reply.body})
