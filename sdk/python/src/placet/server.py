"""A small HTTP/1.1 server: enough of RFC 9112 for a server that asks, and strict about the rest."""

import asyncio
import contextlib
import ipaddress
import logging
import re
import signal
from dataclasses import dataclass
from http import HTTPStatus

from .decider import LONGEST_REQUEST
from .reply import Reply, refusal
from .sidecar import Sidecar, header_map

log = logging.getLogger("placet")

#: The longest request line with its headers, in bytes, and the most headers.
LONGEST_HEAD = 16 * 1024
MOST_HEADERS = 64
#: How many connections are open at the same time.
MOST_CONNECTIONS = 512
#: How long a connection may rest between requests, how long a head or a body may take to come and a reply to go, and
#: how long requests under way may take after the end was asked for; in seconds.
IDLE = 75.0
PATIENCE = 10.0
GRACE = 10.0

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = re.compile(r"[0-9]{1,9}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class _Refused(Exception):
    """A request that ends the connection with a reply."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply


@dataclass(frozen=True)
class _Head:
    method: str
    path: str
    headers: dict[str, str]
    keep: bool


async def serve(sidecar: Sidecar, host: str, port: int) -> None:
    """Serves until SIGINT or SIGTERM; then requests under way are finished."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Elsewhere than on Unix, and outside of the main thread, a KeyboardInterrupt has to do.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, ended.set)
    connections = _Connections(sidecar)
    listener = await asyncio.start_server(connections.accept, host, port, limit=LONGEST_HEAD)
    for name in listener.sockets:
        log.info("listening on %s port %s", *name.getsockname()[:2])
    if not _loopback(host):
        log.warning("requests are readable on the way: put TLS before this address, or listen on loopback")
    await ended.wait()
    listener.close()
    await connections.end()
    sidecar.close()


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Connections:
    """The open connections."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._open: set[asyncio.Task[None]] = set()
        self._idle: set[asyncio.Task[None]] = set()
        self._ending = False

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= MOST_CONNECTIONS or self._ending:
            writer.close()
            return
        self._open.add(task)
        try:
            await self._answer_all(task, reader, writer)
        except (OSError, EOFError, asyncio.TimeoutError, asyncio.CancelledError):
            # Whoever hung up or fell silent gets no reply.
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def end(self) -> None:
        self._ending = True
        for task in self._idle:
            task.cancel()
        if self._open:
            _, late = await asyncio.wait(set(self._open), timeout=GRACE)
            for task in late:
                task.cancel()

    async def _answer_all(
        self, task: "asyncio.Task[None]", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        keep = True
        while keep and not self._ending:
            self._idle.add(task)
            try:
                first = await asyncio.wait_for(reader.read(1), IDLE)
            finally:
                self._idle.discard(task)
            if not first:
                return
            method = "GET"
            try:
                head = await _head(first, reader)
                method, keep = head.method, head.keep
                reply = await self._replied(head, reader, writer)
            except _Refused as refused:
                reply, keep = refused.reply, False
            except (OSError, EOFError, asyncio.TimeoutError):
                raise
            except Exception:
                log.exception("a request failed")
                reply, keep = refusal(500, "internal"), False
            keep = keep and not self._ending
            writer.write(_written(reply, keep=keep, head=method == "HEAD"))
            await asyncio.wait_for(writer.drain(), PATIENCE)

    async def _replied(self, head: _Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Reply:
        length = _length(head.headers)
        if length > LONGEST_REQUEST:
            raise _Refused(refusal(413, "too_large"))
        if length and head.headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await asyncio.wait_for(reader.readexactly(length), PATIENCE)
        reply = self._sidecar.route(head.method, head.path)
        return await self._sidecar.decide(head.headers, body) if reply is None else reply


async def _head(first: bytes, reader: asyncio.StreamReader) -> _Head:
    try:
        rest = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    except asyncio.LimitOverrunError:
        raise _Refused(refusal(431, "too_large")) from None
    start, *lines = (first + rest).decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    parts = start.split(" ")
    if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]) or not parts[1].startswith("/"):
        raise _malformed("the request line is malformed")
    method, target, version = parts
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise _Refused(refusal(505, "version"))
    if len(lines) > MOST_HEADERS:
        raise _Refused(refusal(431, "too_large"))
    pairs = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise _malformed("a header is malformed")
        pairs.append((name, value))
    headers = header_map(pairs)
    if headers is None:
        raise _malformed("a header occurs twice")
    if version == "HTTP/1.1" and "host" not in headers:
        raise _malformed("the header `host` is missing")
    options = [option.strip().lower() for option in headers.get("connection", "").split(",")]
    keep = version == "HTTP/1.1" and "close" not in options
    return _Head(method, target.partition("?")[0], headers, keep)


def _length(headers: dict[str, str]) -> int:
    # Two ways to say where a body ends are how requests are smuggled; one is enough.
    if "transfer-encoding" in headers:
        raise _Refused(refusal(411, "length"))
    length = headers.get("content-length", "0")
    if not _LENGTH.fullmatch(length):
        raise _malformed("the length is malformed")
    return int(length)


def _malformed(detail: str) -> _Refused:
    return _Refused(refusal(400, "malformed", detail))


def _written(reply: Reply, *, keep: bool, head: bool) -> bytes:
    headers = {**reply.headers, "content-length": str(len(reply.body))}
    if not keep:
        headers["connection"] = "close"
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    written = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return written if head else written + reply.body
