"""Decisions of the last minutes, so that a request that comes again gets the answer it got."""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

#: How long a decision is remembered, in seconds.
REMEMBERED = 300
#: How many decisions are remembered, and how many bytes of them; the oldest go first.
MOST_DECISIONS = 20_000
MOST_BYTES = 16 * 1024 * 1024

# What differs between a request and its repetition.
_VOLATILE = ("time", "deadline", "attempt")


def key(envelope: Mapping[str, Any]) -> bytes:
    """What a request and its repetition have in common. Two questions under one id are two questions."""
    lasting = {name: value for name, value in envelope.items() if name not in _VOLATILE}
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).digest()


class Memory:
    """Bounded, and forgets by itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bytes = 0
        # All live equally long, so that the first is the oldest.
        self._decisions: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()

    def get(self, request: bytes) -> bytes | None:
        """The decision for a request with this key."""
        self._forget()
        found = self._decisions.get(request)
        return None if found is None else found[1]

    def put(self, request: bytes, decision: bytes) -> None:
        """Remembers a decision that is not remembered yet."""
        if request not in self._decisions:
            self._decisions[request] = (self._clock() + REMEMBERED, decision)
            self._bytes += len(decision)
        self._forget()

    def __len__(self) -> int:
        return len(self._decisions)

    def _forget(self) -> None:
        now = self._clock()
        while self._decisions:
            until, decision = next(iter(self._decisions.values()))
            if now < until and len(self._decisions) <= MOST_DECISIONS and self._bytes <= MOST_BYTES:
                break
            self._decisions.popitem(last=False)
            self._bytes -= len(decision)
