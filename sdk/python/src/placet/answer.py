"""What a policy answers. Answers never change: each method returns a new one, so they may be kept and shared."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from .types import CacheHint, Challenge, Decision, Proposal

A = TypeVar("A", bound="Answer")

#: The most tags an answer may have.
MOST_TAGS = 16

# What RFC 6749 section 5.2 lets an error description consist of.
_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")


class Answer:
    """A decision, before it belongs to a request."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = dict(members)

    def _with(self: A, **members: Any) -> A:
        return type(self)({**self._members, **members})

    def reason(self: A, code: str, detail: str | None = None) -> A:
        """Says why, for the decision log alone; clients never see it."""
        return self._with(reason={"code": code} if detail is None else {"code": code, "detail": detail})

    def tag(self: A, name: str, value: str) -> A:
        """Labels the decision in log and metrics. Raises ValueError at the seventeenth name."""
        tags = {**self._members.get("tags", {}), name: value}
        if len(tags) > MOST_TAGS:
            raise ValueError(f"an answer has at most {MOST_TAGS} tags")
        return self._with(tags=tags)

    def cache(self: A, max_age: int, stale_if_error: int | None = None) -> A:
        """Lets the server use the decision again, for so many seconds; 0 forbids it. `stale_if_error` is for how many
        seconds after that it still serves while the sidecar fails.
        """
        hint: CacheHint = {"max_age": max_age}
        if stale_if_error is not None:
            hint["stale_if_error"] = stale_if_error
        return self._with(cache=hint)

    @property
    def members(self) -> Mapping[str, Any]:
        """The members of the decision, without `id`."""
        return dict(self._members)

    def decision(self, identifier: str) -> Decision:
        """The decision for the request with this id."""
        return cast(Decision, {"id": identifier, **self._members})

    def __repr__(self) -> str:
        return f"<{self._members['decision']}>"


class Allow(Answer):
    """An allow; what it does not set stays as proposed."""

    def set(self, **sections: Any) -> "Allow":
        """Patches sections of the proposal (RFC 7396: `None` removes a member). What was set before stays, as far as
        the patch does not touch it. Raises TypeError for a section that no proposal has.
        """
        for name in sections:
            if name not in Proposal.__annotations__ and not name.startswith("x-"):
                raise TypeError(f"a proposal has no section `{name}`")
        return self._with(set=_laid_over(self._members.get("set", {}), sections))


def _laid_over(before: Any, patch: Any) -> Any:
    # One patch after another as one patch: unlike RFC 7396, `None` stays, for the server to act on.
    if not isinstance(before, Mapping) or not isinstance(patch, Mapping):
        return patch
    return {**before, **{name: _laid_over(before.get(name), value) for name, value in patch.items()}}


def deny(code: str, description: str | None = None, uri: str | None = None) -> Answer:
    """A denial with an error code of OAuth that the type allows. The description is for the developer of the client:
    ValueError if it has other characters than RFC 6749 section 5.2 lets it have.
    """
    error = {"code": code}
    if description is not None:
        if not _DESCRIPTION.fullmatch(description):
            raise ValueError("a description is printable ASCII without quotation mark and backslash")
        error["description"] = description
    if uri is not None:
        error["uri"] = uri
    return Answer({"decision": "deny", "error": error})


def challenged(challenge: Challenge) -> Answer:
    """A challenge; `placet.challenge` makes them by kind."""
    return Answer({"decision": "challenge", "challenge": challenge})
