"""A policy with its settings: every request of HTTP and its reply, whatever server carries them."""

from collections.abc import Iterable, Mapping

from .decider import Decider
from .policy import Policy
from .reply import Reply, document, refusal
from .settings import Settings
from .types import PolicyDocument

WELL_KNOWN = "/.well-known/placet-policy"
#: Versions of the protocol that are spoken.
PROTOCOLS = ["1.0"]

# Of these only one may be sent; of others the last counts.
_SINGLE = ("content-type", "content-length")
_SINGLE_PREFIXES = ("webhook-", "placet-")


class Sidecar:
    """A policy with its settings."""

    def __init__(self, policy: Policy, settings: Settings) -> None:
        self._policy = policy
        self._settings = settings
        self._decider = Decider(policy, settings)
        base = settings.path
        # The URL itself, for who registers it without discovery; the short paths, behind a proxy that cuts the path.
        self._decision_paths = {"/", "/decide", base or "/", f"{base}/", f"{base}/decide"}
        self._documents = {WELL_KNOWN, WELL_KNOWN + base, base + WELL_KNOWN}
        self._health_paths = {"/healthz", f"{base}/healthz"}

    def close(self) -> None:
        """Takes no more work."""
        self._decider.close()

    def document(self) -> PolicyDocument:
        """What the sidecar says of itself."""
        identifier = self._settings.sidecar_id
        base = identifier.rstrip("/")
        return {
            "sidecar": {"id": identifier, "name": self._policy.name, "version": self._policy.version},
            "protocols": list(PROTOCOLS),
            "decision_endpoint": f"{base}/decide",
            "health_endpoint": f"{base}/healthz",
            "types": [rule.supported for rule in self._policy.rules.values()],
            "auth": {"request": ["signature"], "signed_response": self._settings.response_secret is not None},
            "modes": ["enforce", "shadow", "test"],
        }

    def route(self, method: str, path: str) -> Reply | None:
        """The reply to what is no decision request; None for a decision request, whose body is wanted."""
        if path in self._decision_paths:
            return None if method == "POST" else refusal(405, "method_not_allowed").with_headers({"allow": "POST"})
        if path not in self._documents | self._health_paths:
            return refusal(404, "not_found")
        if method not in ("GET", "HEAD"):
            return refusal(405, "method_not_allowed").with_headers({"allow": "GET, HEAD"})
        return document(self.document() if path in self._documents else {"status": "ok"})

    async def decide(self, sent: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a decision request; header names are in lower case."""
        return await self._decider.decide(sent, body)


def header_map(pairs: Iterable[tuple[str, str]]) -> dict[str, str] | None:
    """Headers by name, in lower case. None if one that may occur only once occurs twice."""
    found: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower()
        if name in found and (name in _SINGLE or name.startswith(_SINGLE_PREFIXES)):
            return None
        found[name] = value.strip(" \t")
    return found
