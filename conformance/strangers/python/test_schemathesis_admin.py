"""Schemathesis sends the admin API what its description allows, and what it does not.

Whatever comes, the answer is one that the description names: status, media type and body.
"""

import itertools
import json
from urllib.parse import quote

import pytest
import requests
from hypothesis import settings

from fuzz import BOUNDED, CHECKS, published
from headless import HeadlessApp
from stack import ADMIN_TOKEN, DIRECT_SECRET, REDIRECT_URI, Stack

BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
PUBLISHED, schema = published("admin-openapi.json")
numbers = itertools.count()


@pytest.fixture(scope="module")
def stack():
    """A server of its own: what is done here is not good for the tests of others."""
    running = Stack()
    try:
        running.wait()
        yield running
    finally:
        running.stop()


class Admin:
    """An operator, who makes what the tests then look at, change and end."""

    def __init__(self, stack):
        self.stack = stack
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(BEARER)

    def call(self, method, path, **more):
        return self.session.request(method, self.stack.admin + path, timeout=10, **more)

    def client(self):
        made = self.call(
            "POST",
            "/clients",
            json={"client_id": f"made {next(numbers)}", "metadata": {"redirect_uris": [REDIRECT_URI]}},
        )
        assert made.status_code == 201, made.text
        return quote(made.json()["client_id"], safe="")

    def of_user(self, kind):
        sub = f"seen-{next(numbers)}"
        HeadlessApp(self.stack.api).signed_in(sub)
        (found,) = self.call("GET", f"/{kind}s", params={"sub": sub}).json()["items"]
        return found["id"]

    def subject(self):
        return f"subject-{next(numbers)}"

    def kid(self):
        keys = self.call("GET", "/keys").json()["items"]
        return next(key["kid"] for key in keys if key["alg"] == "EdDSA" and key["state"] == "signing")

    def policy(self):
        return "house"

    def decision(self):
        # An earlier case may have switched it off.
        self.call("PATCH", "/policies/house", json={"mode": "enforce"}).raise_for_status()
        form = {"grant_type": "client_credentials"}
        auth = ("direct", DIRECT_SECRET)
        requests.post(f"{self.stack.issuer}/token", data=form, auth=auth, timeout=10).raise_for_status()
        return self.call("GET", "/decisions", params={"limit": 1}).json()["items"][0]["id"]

    def receiver(self):
        return "nobody"

    def delivery(self):
        self.call("PATCH", "/event-receivers/nobody", json={"paused": False})
        self.client()
        return self.call("GET", "/deliveries").json()["items"][0]["id"]

    def real(self, kind):
        """The id of a thing of this kind, as it stands in a path."""
        return self.of_user(kind) if kind in ("session", "authorization") else getattr(self, kind)()


@pytest.fixture(scope="module")
def admin(stack):
    return Admin(stack)


@pytest.fixture(scope="module")
def question(admin):
    """A question that a policy was asked, as the log keeps it."""
    return admin.call("GET", f"/decisions/{admin.decision()}").json()["question"]


def test_the_published_description_is_the_one_that_the_server_gives(stack):
    served = requests.get(f"{stack.admin}/openapi.json", timeout=10)
    assert served.headers["Content-Type"] == "application/json"
    assert served.json() == json.loads(PUBLISHED.read_text())


@schema.parametrize()
@BOUNDED
def test_every_answer_is_described(case, stack):
    case.call_and_validate(base_url=stack.admin, headers=BEARER, checks=CHECKS)


@schema.include(path_regex="[{]").parametrize()
@settings(BOUNDED, max_examples=15)
def test_every_answer_about_real_things_is_described(case, admin, stack):
    """The same with ids that exist: each case has a client, a session, a decision of its own."""
    case.path_parameters = {kind: admin.real(kind) for kind in case.path_parameters}
    case.headers = {name: value for name, value in (case.headers or {}).items() if name != "If-Match"}
    case.call_and_validate(base_url=stack.admin, headers=BEARER, checks=CHECKS)


@schema.include(path="/clients", method="POST").parametrize()
@BOUNDED
def test_every_answer_about_clients_that_can_be_registered_is_described(case, stack):
    """Metadata that hold, and settings of every kind beside them."""
    if isinstance(case.body, dict):
        case.body["metadata"] = {"redirect_uris": [REDIRECT_URI], "scope": "openid"}
        case.body.pop("client_id", None)
    case.call_and_validate(base_url=stack.admin, headers=BEARER, checks=CHECKS)


@schema.include(path="/policies:simulate", method="POST").parametrize()
@settings(BOUNDED, max_examples=10)
def test_every_answer_about_real_questions_is_described(case, question, stack):
    """A real question, with what Schemathesis makes of the members."""
    made = case.body.get("request") if isinstance(case.body, dict) else None
    case.body = {"request": {**question, **(made if isinstance(made, dict) else {}), "type": question["type"]}}
    case.call_and_validate(base_url=stack.admin, headers=BEARER, checks=CHECKS)


@schema.parametrize()
@settings(BOUNDED, max_examples=3)
def test_without_a_token_there_is_nothing_but_the_description(case, stack):
    answer = case.call(base_url=stack.admin)
    expected = 200 if case.path == "/openapi.json" else 401
    # What cannot even be read as a request to this operation is refused before.
    assert answer.status_code in (expected, 404, 405, 413), answer.text
