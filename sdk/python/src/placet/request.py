"""What a policy is asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from . import instant, types
from .answer import Allow
from .rules import RULES

if TYPE_CHECKING:
    from typing_extensions import Unpack

_OBJECTS = ("client", "grant", "subject", "actor", "session", "interaction", "pop", "proposal", "limits")


class Malformed(ValueError):
    """A request that is not what the protocol says. The text names a member, never its value."""


class Limits:
    """The ceiling of what may be set. What exceeds it is a failure at the server, never silently cut; a member
    without a stated limit cannot be set.
    """

    def __init__(self, limits: types.Limits) -> None:
        #: All limits, by section of the proposal.
        self.sections = limits

    @property
    def grant(self) -> types.GrantLimits:
        """Limits of a grant; empty where there is none."""
        return self.sections.get("grant", cast("types.GrantLimits", {}))

    @property
    def scope(self) -> list[str]:
        """Scope values that may be granted."""
        return list(self.grant.get("scope", ()))

    def scope_where(self, test: Callable[[str], object]) -> list[str]:
        """The scope values that may be granted and satisfy a test."""
        return [value for value in self.scope if test(value)]

    @property
    def resources(self) -> list[str]:
        """Resources that may be granted."""
        return list(self.grant.get("resources", ()))

    @property
    def max_lifetime(self) -> int:
        """The longest lifetime of an access token, in seconds."""
        return self.grant.get("access_token", {}).get("max_lifetime", 0)

    @property
    def claim_names(self) -> list[str]:
        """Claims that a claims source may set."""
        return list(self.sections.get("claims", {}).get("names", ()))

    def takes_claims(self, claims: Mapping[str, Any]) -> bool:
        """Whether an access token may have these claims: none is reserved, and all together are not too long."""
        if not set(claims).isdisjoint(self.grant.get("reserved_claims", ())):
            return False
        length = len(json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode())
        return length <= self.grant.get("access_token", {}).get("max_claims_bytes", 0)

    def settable(self, member: str) -> bool:
        """Whether `sub`, `act`, `may_act` or `authentication` of a grant may be set."""
        return self.grant.get(member) == "settable"


class Request:
    """A decision request; absent members are `None`."""

    def __init__(self, envelope: types.DecisionRequest, deadline: float) -> None:
        #: The whole request, as it came.
        self.envelope = envelope
        #: The ceiling of what may be set.
        self.limits = Limits(envelope["limits"])
        self._deadline = deadline

    @property
    def id(self) -> str:
        """The same when the request is repeated."""
        return self.envelope["id"]

    @property
    def type(self) -> types.HookType:
        """What is asked."""
        return self.envelope["type"]

    @property
    def enforced(self) -> bool:
        """Whether the answer counts. If not, there must be no side effects."""
        return self.envelope["mode"] == "enforce"

    @property
    def time(self) -> datetime:
        """When it was asked, by the server's clock."""
        return instant.read(self.envelope["time"])

    @property
    def remaining(self) -> float:
        """Seconds that are left for the answer."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def issuer(self) -> str:
        """The issuer identifier of the server."""
        return self.envelope["issuer"]

    @property
    def tenant(self) -> str | None:
        """The tenant, where there are several."""
        return self.envelope.get("tenant")

    @property
    def client(self) -> types.DeciderClient | None:
        """The client."""
        return self.envelope.get("client")

    @property
    def grant(self) -> types.GrantFacts | None:
        """The grant, as it was requested."""
        return self.envelope.get("grant")

    @property
    def subject(self) -> types.Party | None:
        """Whom it is about."""
        return self.envelope.get("subject")

    @property
    def actor(self) -> types.Party | None:
        """Who acts."""
        return self.envelope.get("actor")

    @property
    def session(self) -> types.SessionFacts | None:
        """The user's session."""
        return self.envelope.get("session")

    @property
    def interaction(self) -> types.InteractionFacts | None:
        """The interaction with the user."""
        return self.envelope.get("interaction")

    @property
    def request(self) -> types.RequestFacts:
        """The HTTP request that led here."""
        return self.envelope["request"]

    @property
    def pop(self) -> types.ProofOfPossession | None:
        """Proof of possession, verified."""
        return self.envelope.get("pop")

    @property
    def proposal(self) -> types.Proposal:
        """The result if the answer is a bare allow."""
        return self.envelope["proposal"]

    @property
    def section(self) -> dict[str, Any]:
        """What only this type has: `x.section` of `grant.password` is `x.envelope["password"]`."""
        return cast("dict[str, Any]", self.envelope.get(RULES[self.type].section, {}))

    def get(self, pointer: str, default: Any = None) -> Any:
        """What a JSON Pointer (RFC 6901) finds in the request: `x.get("/client/data/tier")`."""
        found: Any = self.envelope
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, dict) and name in found:
                found = found[name]
            else:
                return default
        return found

    def allow(self, **grant: Unpack[types.Grant]) -> Allow:
        """Allows what is proposed, with these members of the grant set. TypeError for a member no grant has.
        `set` of the answer patches other sections, and removes members.
        """
        for name in grant:
            if name not in types.Grant.__annotations__:
                raise TypeError(f"a grant has no member `{name}`")
        answer = Allow({"decision": "allow"})
        return answer.set(grant=dict(grant)) if grant else answer

    def __repr__(self) -> str:
        # Never the envelope: it may hold a password.
        return f"<Request {self.id} {self.type}>"


def check(envelope: Any) -> types.DecisionRequest:
    """The envelope, if it has what every request has. Raises Malformed."""
    if not isinstance(envelope, dict):
        raise Malformed("the body is not an object")
    for name in ("protocol", "id", "type", "time", "deadline", "mode", "issuer"):
        if not isinstance(envelope.get(name), str):
            raise Malformed(f"`{name}` is not a string")
    for name in ("chain", "request", "proposal", "limits"):
        if not isinstance(envelope.get(name), dict):
            raise Malformed(f"`{name}` is not an object")
    for name in _OBJECTS:
        if name in envelope and not isinstance(envelope[name], dict):
            raise Malformed(f"`{name}` is not an object")
    if not envelope["protocol"].startswith("1."):
        raise Malformed("this version of the protocol is not spoken here")
    if envelope["mode"] not in ("enforce", "shadow", "test"):
        raise Malformed("`mode` is not one that is known")
    if "tenant" in envelope and not isinstance(envelope["tenant"], str):
        raise Malformed("`tenant` is not a string")
    rules = RULES.get(cast("types.HookType", envelope["type"]))
    # The section may be missing: what a policy did not say it needs is not sent.
    if rules is not None and not isinstance(envelope.get(rules.section, {}), dict):
        raise Malformed(f"`{rules.section}` is not an object")
    return cast("types.DecisionRequest", envelope)
