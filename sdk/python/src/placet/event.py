"""Events: what a receiver is told (`docs/events.md`), verified before it is read."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from . import strict
from .signature import HEADER_ID, Secret, verify


class Event(TypedDict):
    """A CloudEvent 1.0. Its JSON Schema is `event.json`; ignore types and members that you do not know."""

    specversion: str
    #: The same at every attempt: what was seen before came again.
    id: str
    #: The issuer.
    source: str
    #: `placet.session.ended.v1`, …
    type: str
    time: str
    #: What it is about.
    subject: str
    datacontenttype: str
    dataschema: str
    #: Ids and reasons; of two events about the same subject the later one has the higher `sequence`.
    data: dict[str, Any]


class NotSigned(Exception):
    """The message is not from who it should be: answer 401."""


def read_event(secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: float | None = None) -> Event:
    """The event that was posted. Raises `NotSigned`, or ValueError if it is none (answer 400)."""
    sent = {name.lower(): value for name, value in headers.items()}
    if not verify(secrets, sent, body, time.time() if now is None else now):
        raise NotSigned("no signature holds")
    event = strict.parsed(body)
    if not isinstance(event, dict) or event.get("id") != sent[HEADER_ID]:
        raise ValueError("this is not the event that was signed")
    return event  # type: ignore[return-value]
