"""The programs run once for all tests; every test has a browser and clients of its own."""

import signal

import pytest
import requests

from browser import Browser
from client import RelyingParty
from stack import REDIRECT_URI, Stack

# Whoever ends the run early leaves neither programs nor their folders behind.
signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", 143))

SCOPE = "openid profile email offline_access"


@pytest.fixture(scope="session")
def stack():
    running = Stack()
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture
def browser():
    return Browser()


@pytest.fixture
def register(stack):
    """Registers a client dynamically (RFC 7591) and gives the relying party."""

    def made(scope=SCOPE, **metadata):
        discovered = requests.get(f"{stack.issuer}/.well-known/openid-configuration", timeout=10).json()
        asked = {
            "client_name": "Authlib",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
            "scope": scope,
            "post_logout_redirect_uris": ["https://client.example/bye"],
            **metadata,
        }
        answer = requests.post(discovered["registration_endpoint"], json=asked, timeout=10)
        assert answer.status_code == 201, answer.text
        registration = answer.json()
        for name, value in asked.items():
            assert registration[name] == value, name
        return RelyingParty(stack.issuer, registration, scope)

    return made


@pytest.fixture
def party(register):
    return register()
