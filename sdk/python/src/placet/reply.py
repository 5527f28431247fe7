"""What goes back over HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

_JSON = {"content-type": "application/json", "cache-control": "no-store"}
_PROBLEM = {"content-type": "application/problem+json", "cache-control": "no-store"}


@dataclass(frozen=True)
class Reply:
    """A response of HTTP. Header names are in lower case; `content-length` is for who sends it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: _JSON)

    def with_headers(self, more: Mapping[str, str]) -> "Reply":
        """The same with more headers."""
        return Reply(self.status, self.body, {**self.headers, **more})


def document(content: Mapping[str, Any]) -> Reply:
    """A JSON document."""
    return Reply(200, json.dumps(content).encode())


def refusal(status: int, code: str, detail: str | None = None) -> Reply:
    """A failure (RFC 9457), which tells the server no more than what it may know."""
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
    }
    if detail is not None:
        problem["detail"] = detail
    return Reply(status, json.dumps(problem).encode(), _PROBLEM)
