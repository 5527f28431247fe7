"""What may be needed before the answer can be allow."""

from collections.abc import Iterable, Mapping
from typing import Any

from .answer import Answer, challenged
from .types import ConsentChallenge, PromptChallenge, SelectAccountChallenge, StepUpChallenge


def step_up(
    acr_values: Iterable[str] = (),
    *,
    amr_values: Iterable[str] = (),
    max_age: int | None = None,
    message: str | None = None,
) -> Answer:
    """A stronger authentication (classes, best first; methods of RFC 8176) or a fresher one (seconds)."""
    wanted: StepUpChallenge = {"kind": "step_up"}
    if classes := list(acr_values):
        wanted["acr_values"] = classes
    if methods := list(amr_values):
        wanted["amr_values"] = methods
    if max_age is not None:
        wanted["max_age"] = max_age
    if message is not None:
        wanted["message"] = message
    return challenged(wanted)


def consent(scope: Iterable[str] = (), *, message: str | None = None) -> Answer:
    """The user's consent to these scope values, or to all that are requested."""
    wanted: ConsentChallenge = {"kind": "consent"}
    if values := list(scope):
        wanted["scope"] = values
    if message is not None:
        wanted["message"] = message
    return challenged(wanted)


def select_account(*, message: str | None = None) -> Answer:
    """The user's choice of an account."""
    wanted: SelectAccountChallenge = {"kind": "select_account"}
    if message is not None:
        wanted["message"] = message
    return challenged(wanted)


def prompt(name: str, params: Mapping[str, Any] | None = None, *, message: str | None = None) -> Answer:
    """A page of the login app that only it and the policy know. Its result comes back in
    `x.interaction["results"]`, under the same name.
    """
    wanted: PromptChallenge = {"kind": "prompt", "name": name}
    if params:
        wanted["params"] = dict(params)
    if message is not None:
        wanted["message"] = message
    return challenged(wanted)
