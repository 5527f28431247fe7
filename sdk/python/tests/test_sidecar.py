from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from conftest import ID, NEW, RESPONSE, content
from schemas import schema

from placet import App
from placet.settings import Settings, SettingsError, address, from_environment
from placet.sidecar import Sidecar, header_map

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OTHER = "whsec_HxweHRobGBkWFxQVEhMQEQ4PDA0KCwgJBgcEBQIDAAE="


def sidecar(identifier: str = ID, response: Any = RESPONSE) -> Sidecar:
    app = App("acme-policy", "2026.11.20")
    app.on(
        "grant.token_exchange",
        cache=20,
        needs=["/actor/sub", "/client/data/team"],
        returns=["/grant/scope"],
    )(lambda x: x.allow())
    app.on("claims.source")(lambda x: x.allow())
    return Sidecar(app.policy, Settings((NEW,), response, identifier))


def test_the_discovery_document_is_what_the_schema_says() -> None:
    document = sidecar().document()
    jsonschema.Draft202012Validator(schema("policy-document")).validate(document)
    assert document == {
        "sidecar": {"id": ID, "name": "acme-policy", "version": "2026.11.20"},
        "protocols": ["1.0"],
        "decision_endpoint": f"{ID}/decide",
        "health_endpoint": f"{ID}/healthz",
        "types": [
            {
                "type": "grant.token_exchange",
                "cacheable": True,
                "needs": ["/actor/sub", "/client/data/team", "/token_exchange"],
                "returns": ["/grant/scope"],
            },
            {"type": "claims.source", "cacheable": False},
        ],
        "auth": {"request": ["signature"], "signed_response": True},
        "modes": ["enforce", "shadow", "test"],
    }
    assert sidecar(response=None).document()["auth"]["signed_response"] is False


@pytest.mark.parametrize("path", ["/.well-known/placet-policy", "/.well-known/placet-policy/placet"])
def test_the_document_is_found_at_the_host_and_with_the_path_inserted(path: str) -> None:
    reply = sidecar().route("GET", path)
    assert reply is not None
    assert content(reply)["sidecar"]["id"] == ID
    # An id is compared as it is written, but the endpoints have no double slash.
    assert sidecar(ID + "/").document()["sidecar"]["id"] == ID + "/"
    assert sidecar(ID + "/").document()["decision_endpoint"] == ID + "/decide"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("HEAD", "/placet/healthz", 200),
        ("POST", "/healthz", 405),
        ("POST", "/.well-known/placet-policy", 405),
        ("GET", "/", 405),
        ("HEAD", "/placet", 405),
        ("PUT", "/placet/decide", 405),
        ("GET", "/placet/decide", 405),
        ("GET", "/favicon.ico", 404),
        ("POST", "/placet/decide/more", 404),
        ("POST", "/placet/../decide", 404),
    ],
)
def test_what_is_no_decision_request_is_answered_by_method_and_path(method: str, path: str, status: int) -> None:
    reply = sidecar().route(method, path)
    assert reply is not None
    assert reply.status == status
    assert ("allow" in reply.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/", "/decide", "/placet", "/placet/", "/placet/decide"])
def test_decisions_are_asked_at_the_endpoint_and_at_the_url_itself(path: str) -> None:
    assert sidecar().route("POST", path) is None


def test_a_header_that_decides_something_occurs_once() -> None:
    assert header_map([("Accept", "a"), ("accept", " b ")]) == {"accept": "b"}
    for name in ("webhook-signature", "Content-Type", "placet-type", "content-length"):
        assert header_map([(name, "a"), (name.upper(), "a")]) is None


def test_settings_come_from_the_environment() -> None:
    settings = from_environment({"PLACET_SECRET": SECRET})
    assert (len(settings.secrets), settings.response_secret, settings.sidecar_id) == (1, None, "http://127.0.0.1:8092")
    settings = from_environment(
        {
            "PLACET_SECRET": SECRET,
            "PLACET_PREVIOUS_SECRET": OTHER,
            "PLACET_RESPONSE_SECRET": "whsec_c2lnbnMgYW5zd2VycywgYW5kIG5vdGhpbmcgZWxzZQ==",
            "HOST": "::1",
            "PORT": "9000",
        }
    )
    assert (len(settings.secrets), settings.sidecar_id) == (2, "http://[::1]:9000")
    assert settings.response_secret is not None
    assert "AAEC" not in repr(settings)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "PLACET_SECRET is not set"),
        ({"PLACET_SECRET": ""}, "PLACET_SECRET is not set"),
        ({"PLACET_SECRET": "swordfish"}, "PLACET_SECRET: a secret begins with `whsec_`"),
        ({"PLACET_SECRET": SECRET, "PLACET_PREVIOUS_SECRET": "x"}, "PLACET_PREVIOUS_SECRET: a secret"),
        ({"PLACET_SECRET": SECRET, "PLACET_RESPONSE_SECRET": SECRET}, "it has to be another"),
        (
            {"PLACET_SECRET": OTHER, "PLACET_PREVIOUS_SECRET": SECRET, "PLACET_RESPONSE_SECRET": SECRET},
            "it has to be another",
        ),
        ({"PLACET_SECRET": SECRET, "PLACET_SIDECAR_ID": "policy.example"}, "PLACET_SIDECAR_ID"),
        ({"PLACET_SECRET": SECRET, "PLACET_SIDECAR_ID": "https://policy.example/?a=b"}, "PLACET_SIDECAR_ID"),
        ({"PLACET_SECRET": SECRET, "PORT": "http"}, "PORT is not a port"),
        ({"PLACET_SECRET": SECRET, "PORT": "65536"}, "PORT is not a port"),
    ],
)
def test_wrong_settings_are_named_and_not_shown(environment: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refused:
        from_environment(environment)
    assert "swordfish" not in str(refused.value)
    assert "AAEC" not in str(refused.value)


def test_a_sidecar_has_a_secret() -> None:
    with pytest.raises(SettingsError, match="PLACET_SECRET is not set"):
        Settings((), None, ID)
    assert address({}) == ("127.0.0.1", 8092)


def test_documents_are_json() -> None:
    reply = sidecar().route("GET", "/healthz")
    assert reply is not None
    assert (json.loads(reply.body), reply.headers["content-type"]) == ({"status": "ok"}, "application/json")
