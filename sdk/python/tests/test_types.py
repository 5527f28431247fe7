from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
from schemas import schema

from placet import App, challenge, deny
from placet.hooks import SECTIONS
from placet.testing import Client, envelope
from placet.types import HookType

HERE = Path(__file__).resolve().parents[1]
HOOKS: list[HookType] = list(SECTIONS)


def test_generating_the_types_again_changes_nothing() -> None:
    done = subprocess.run([sys.executable, HERE / "generate", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_table_of_sections_is_what_the_schema_says() -> None:
    properties = schema("decision-request")["properties"]
    assert set(HOOKS) == set(get_args(HookType))
    said = {
        hook: name
        for name, member in properties.items()
        if member.get("description", "").startswith("Of `")
        for hook in re.findall(r"`([a-z0-9_.]+)`", member["description"])
    }
    # The interaction is a fact of other types too, so that its description names none.
    said.update({"interaction.evaluate": "interaction", "interaction.approve": "interaction"})
    assert said == SECTIONS


@pytest.mark.parametrize("hook", HOOKS)
def test_the_requests_of_tests_are_what_the_schema_says(hook: HookType) -> None:
    asked = envelope(hook)
    jsonschema.Draft202012Validator(schema("decision-request")).validate(asked)
    assert SECTIONS[hook] in asked


@pytest.mark.parametrize("hook", HOOKS)
def test_decisions_are_what_the_schema_says(hook: HookType) -> None:
    validator = jsonschema.Draft202012Validator(schema("decision"))
    answers = iter(
        [
            deny("access_denied", "no", "https://policy.example/why").reason("a", "b").tag("a", "b").cache(1, 2),
            challenge.step_up(["a"], amr_values=["b"], max_age=1, message="c"),
            challenge.consent(["a"], message="c"),
            challenge.select_account(message="c"),
            challenge.prompt("terms", {"a": 1}, message="c"),
        ]
    )
    app = App()
    app.on(hook)(lambda x: next(answers, x.allow().set(grant={"scope": []})))
    client = Client(app)
    for _ in range(6):
        validator.validate(client.ask(hook))
