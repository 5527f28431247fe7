from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
from schemas import schema

from placet import App, challenge, deny
from placet.rules import RULES
from placet.testing import Client, envelope
from placet.types import HookType, Proposal

HERE = Path(__file__).resolve().parents[1]
HOOKS: list[HookType] = list(RULES)


def test_generating_the_types_again_changes_nothing() -> None:
    done = subprocess.run([sys.executable, HERE / "generate", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_type_has_its_rules() -> None:
    assert set(HOOKS) == set(get_args(HookType))
    assert {rules.section for rules in RULES.values()} <= set(schema("decision-request")["properties"])
    assert set().union(*(rules.settable for rules in RULES.values())) <= set(Proposal.__annotations__)
    password = RULES["grant.password"]
    assert password.section == "password"
    assert password.settable == {"grant", "token_response"}
    assert "invalid_grant" in password.error_codes
    assert password.challengeable and not password.cacheable


@pytest.mark.parametrize("hook", HOOKS)
def test_the_requests_of_tests_are_what_the_schema_says(hook: HookType) -> None:
    asked = envelope(hook)
    jsonschema.Draft202012Validator(schema("decision-request")).validate(asked)
    assert RULES[hook].section in asked
    assert set(asked["proposal"]) <= RULES[hook].settable


@pytest.mark.parametrize("hook", HOOKS)
def test_decisions_are_what_the_schema_says(hook: HookType) -> None:
    validator = jsonschema.Draft202012Validator(schema("decision"))
    challenges = [
        challenge.step_up(["a"], amr_values=["b"], max_age=1, message="c"),
        challenge.consent(["a"], message="c"),
        challenge.select_account(message="c"),
        challenge.prompt("terms", {"a": 1}, message="c"),
    ]
    answers = iter(
        [
            deny("access_denied", "no", "https://policy.example/why").reason("a", "b").tag("a", "b").cache(1, 2),
            *(challenges if RULES[hook].challengeable else []),
        ]
    )
    app = App()
    app.on(hook)(lambda x: next(answers, x.allow().set(**{name: {} for name in RULES[hook].settable})))
    client = Client(app)
    for _ in range(6):
        validator.validate(client.ask(hook))
