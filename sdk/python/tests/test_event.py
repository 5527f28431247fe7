"""Events of receivers."""

import json

import pytest

from placet import signature
from placet.event import NotSigned, read_event

SECRET = signature.Secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
NOW = 1_795_428_300


def posted(body: bytes, identifier: str = "evt_1") -> dict[str, str]:
    return {name.title(): value for name, value in signature.headers(SECRET, identifier, NOW, body).items()}


def test_an_event_is_read_when_it_is_signed() -> None:
    body = json.dumps({"id": "evt_1", "type": "placet.session.ended.v1", "data": {"sequence": 1}}).encode()
    assert read_event([SECRET], posted(body), body, NOW)["type"] == "placet.session.ended.v1"
    for headers, now in [(posted(b"{}"), NOW), (posted(body), NOW + 301), ({}, NOW)]:
        with pytest.raises(NotSigned):
            read_event([SECRET], headers, body, now)


DEEP = b"[" * 32 + b"]" * 32


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"id": "evt_2"}',
        b'{"id": "evt_2", "id": "evt_1"}',
        b'{"id": "evt_1", "data": {"sub": "alice", "s\\u0075b": "bob"}}',
        b'{"id": "evt_1", "data": NaN}',
        b'{"id": "evt_1", "data": ' + DEEP + b"}",
        '{"id": "evt_1"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"id": "evt_1"}',
        b'{"id": "evt_1\xff"}',
    ],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_event([SECRET], posted(body), body, NOW)
