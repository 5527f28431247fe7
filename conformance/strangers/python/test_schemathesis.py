"""Schemathesis sends the interaction API what its description allows, and what it does not.

Whatever comes, the answer is one that the description names: status, media type and body.
"""

import itertools
import json
import secrets

import pytest
import requests
from hypothesis import settings

from fuzz import BOUNDED, CHECKS, published
from headless import HeadlessApp
from stack import HEADLESS_TOKEN

BEARER = {"Authorization": f"Bearer {HEADLESS_TOKEN}"}
PUBLISHED, schema = published("openapi.json")
subjects = (f"fuzzed-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def app(stack):
    return HeadlessApp(stack.api)


def test_the_published_description_is_the_one_that_the_server_gives(stack):
    served = requests.get(f"{stack.api}/openapi.json", timeout=10)
    assert served.headers["Content-Type"] == "application/json"
    assert served.json() == json.loads(PUBLISHED.read_text())


@schema.parametrize()
@BOUNDED
def test_every_answer_is_described(case, stack):
    case.call_and_validate(base_url=stack.api, headers=BEARER, checks=CHECKS)


@schema.include(path_regex="[{]").parametrize()
@BOUNDED
def test_every_answer_about_real_things_is_described(case, app, stack):
    """The same with ids that exist: each case has an interaction, a session, a consent of its own."""
    parts = dict(case.path_parameters)
    binding = {}
    if "interaction" in parts:
        interaction = app.open()
        if len(str(case.body)) % 2:
            interaction.answer({"type": "auth", "sub": next(subjects)})
        parts["interaction"] = interaction.id
        binding = {"Placet-Browser-Binding": interaction.binding}
        if "step" in parts:
            parts["step"] = interaction.prompt["step"]
    else:
        sub = next(subjects)
        app.signed_in(sub)
        (kind,) = parts
        (found,) = app.call("GET", f"/{kind}s", params={"sub": sub}).json()["items"]
        parts[kind] = found["id"]
    case.path_parameters = parts
    case.headers = {name: value for name, value in (case.headers or {}).items() if name not in binding}
    case.call_and_validate(base_url=stack.api, headers={**BEARER, **binding}, checks=CHECKS)


@schema.include(path=["/grants", "/interactions"], method="POST").parametrize()
@BOUNDED
def test_every_answer_about_a_real_client_is_described(case, stack):
    """Direct grants for a client that the app may grant for, and interactions of a browser with a binding."""
    if isinstance(case.body, dict):
        if case.path == "/grants":
            case.body["client_id"] = "direct"
        else:
            case.body["browser"] = {"binding": secrets.token_urlsafe(24)}
    case.call_and_validate(base_url=stack.api, headers=BEARER, checks=CHECKS)


@schema.parametrize()
@settings(BOUNDED, max_examples=3)
def test_without_a_token_there_is_nothing_but_the_description(case, stack):
    answer = case.call(base_url=stack.api)
    expected = 200 if case.path == "/openapi.json" else 401
    # What cannot even be read as a request to this operation is refused before.
    assert answer.status_code in (expected, 404, 405, 413), answer.text
