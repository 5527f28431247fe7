"""Asks a policy as the server would: for its unit tests."""

import asyncio
import copy
import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

from . import instant
from ._envelopes import parts
from .app import App
from .reply import Reply
from .rules import RULES
from .settings import Settings
from .sidecar import Sidecar
from .signature import Secret, headers
from .types import Decision, HookType

#: What the client of a test signs with; of no use anywhere else.
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def merge_patch(target: Any, patch: Any) -> Any:
    """What RFC 7396 makes of the two; neither is changed."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def envelope(hook: HookType, patch: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A request of this type as the server could send it, then patched (RFC 7396)."""
    now = datetime.now(timezone.utc)
    asked = {
        "protocol": "1.0",
        "id": "dec_" + secrets.token_urlsafe(16),
        "type": hook,
        "time": instant.write(now),
        "deadline": instant.write(now + timedelta(seconds=3)),
        "mode": "enforce",
        "attempt": 1,
        "issuer": "https://as.example",
        "chain": {"policy": "under-test", "position": 1, "of": 1},
        **parts(hook),
    }
    # A copy, since what the types have in common is the same object.
    return cast("dict[str, Any]", merge_patch(copy.deepcopy(asked), patch or {}))


class Client:
    """Asks an app, without a network. Settings of the environment do not count."""

    def __init__(self, app: App, extra_error_codes: Iterable[str] = ()) -> None:
        """`extra_error_codes` are those that the server's operator allows besides the protocol's."""
        self._extra_error_codes = frozenset(extra_error_codes)
        self._secret = Secret(SECRET)
        self._sidecar = Sidecar(app.policy, Settings((self._secret,), None, "http://127.0.0.1:8092"))

    def post(self, asked: Mapping[str, Any], timeout_ms: int = 3000) -> Reply:
        """The reply to a signed request."""
        body = json.dumps(asked).encode()
        sent = {
            "content-type": "application/json",
            "placet-timeout-ms": str(timeout_ms),
            **headers(self._secret, str(asked["id"]), int(time.time()), body),
        }
        return asyncio.run(self._sidecar.decide(sent, body))

    def ask(self, hook: HookType, patch: Mapping[str, Any] | None = None) -> Decision:
        """The decision about `envelope(hook, patch)`. Raises AssertionError where there is none."""
        asked = envelope(hook, patch)
        reply = self.post(asked)
        assert reply.status == 200, f"{hook}: {reply.status} {reply.body.decode()}"
        decision = json.loads(reply.body)
        assert decision["id"] == asked["id"]
        if decision["decision"] == "deny":
            code = decision["error"]["code"]
            assert code in RULES[hook].error_codes | self._extra_error_codes, (
                f"{hook}: `{code}` is no code of this type"
            )
        return cast(Decision, decision)


# What a pointer finds where nothing is; `null` is something.
_NOTHING = object()


@dataclass(frozen=True)
class Case:
    """A case of `cases.json`: what is given, and what is expected."""

    name: str
    hook: HookType
    patch: Mapping[str, Any]
    decision: str
    #: Values at JSON Pointers into the decision.
    pointers: Mapping[str, Any] = field(default_factory=dict)
    #: JSON Pointers into the decision at which there is nothing.
    absent: Sequence[str] = ()

    def faults(self, decided: Mapping[str, Any]) -> Iterator[str]:
        """What is otherwise in a decision than expected."""
        if decided.get("decision") != self.decision:
            yield f"{self.name}: the decision is {decided.get('decision')!r}, not {self.decision!r}"
        for pointer, expected in self.pointers.items():
            found = _found(decided, pointer)
            if found is _NOTHING:
                yield f"{self.name}: `{pointer}` is not there, and should be {expected!r}"
            elif found != expected:
                yield f"{self.name}: `{pointer}` is {found!r}, not {expected!r}"
        for pointer in self.absent:
            found = _found(decided, pointer)
            if found is not _NOTHING:
                yield f"{self.name}: `{pointer}` is {found!r}, and should not be there"


def cases(path: Path | str) -> list[Case]:
    """The cases of a file. Raises KeyError, TypeError or ValueError for a file that has none."""
    found = [
        Case(
            name=case["name"],
            hook=case["given"]["type"],
            patch=case["given"].get("patch", {}),
            **case["expect"],
        )
        for case in json.loads(Path(path).read_text("utf-8"))["cases"]
    ]
    if not found:
        raise ValueError("there are no cases")
    return found


def check_case(app: App, case: Case) -> None:
    """Asks the app about a case. Raises AssertionError if the answer is not the expected one."""
    faults = list(case.faults(Client(app).ask(case.hook, case.patch)))
    assert not faults, "\n".join(faults)


def _found(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        elif isinstance(document, dict) and name in document:
            document = document[name]
        else:
            return _NOTHING
    return document
