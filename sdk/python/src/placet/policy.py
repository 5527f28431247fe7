"""What a sidecar serves, before it has settings."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .answer import Answer
from .request import Request
from .types import Decision, SupportedType

Handler = Callable[[Request], Answer | Awaitable[Answer]]


@dataclass(frozen=True)
class Rule:
    """Who answers a type, and what the discovery document says of it."""

    handler: Handler
    supported: SupportedType
    #: For how many seconds answers that do not say so themselves may be used again.
    cache: int | None


@dataclass(frozen=True)
class Policy:
    """Rules by type, under a name and a version."""

    name: str
    version: str
    #: How many handlers that are no coroutines run at the same time.
    threads: int
    rules: dict[str, Rule] = field(default_factory=dict)

    def decision(self, request: Request, rule: Rule, answer: Answer) -> Decision:
        """An answer as the decision about a request."""
        decision = answer.decision(request.id)
        decision["policy"] = {"name": self.name, "version": self.version}
        if rule.cache is not None and decision["decision"] != "challenge":
            decision.setdefault("cache", {"max_age": rule.cache})
        return decision
