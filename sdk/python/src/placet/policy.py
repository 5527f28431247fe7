"""What a sidecar serves, before it has settings."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .answer import Answer
from .request import Request
from .rules import RULES
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
        """An answer as the decision about a request. Raises TypeError for one that the type does not have."""
        rules, members = RULES[request.type], answer.members
        for section in members.get("set", {}):
            if section not in rules.settable and not section.startswith("x-"):
                raise TypeError(f"an answer to `{request.type}` does not set `{section}`")
        if members["decision"] == "challenge" and not rules.challengeable:
            raise TypeError(f"an answer to `{request.type}` is no challenge")
        decision = answer.decision(request.id)
        decision["policy"] = {"name": self.name, "version": self.version}
        if rule.cache is not None and decision["decision"] != "challenge":
            decision.setdefault("cache", {"max_age": rule.cache})
        return decision
