"""A headless login app, as far as the tests need one: it opens interactions and answers their prompts."""

import secrets
from urllib.parse import urlencode

import requests

from stack import HEADLESS_TOKEN, REDIRECT_URI

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


class Interaction:
    """An open interaction with the binding of its browser."""

    def __init__(self, app, prompt, binding):
        self.app, self.prompt, self.binding = app, prompt, binding

    @property
    def id(self):
        return self.prompt["id"]

    def answer(self, body):
        """Answers the current prompt and goes to the next."""
        answer = self.app.call(
            "PUT",
            f"/interactions/{self.id}/steps/{self.prompt['step']}",
            json=body,
            headers={"Placet-Browser-Binding": self.binding},
        )
        assert answer.status_code == 200, answer.text
        self.prompt = answer.json()
        return self


class HeadlessApp:
    """The app."""

    def __init__(self, api):
        self.api = api
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {HEADLESS_TOKEN}"

    def call(self, method, path, **more):
        return self.session.request(method, self.api + path, timeout=10, **more)

    def open(self, **extra):
        """Opens an interaction for the client `direct`."""
        binding = secrets.token_urlsafe(24)
        query = {
            "response_type": "code",
            "client_id": "direct",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid email",
            "state": "s",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **extra,
        }
        body = {
            "kind": "authorization",
            "request": {"method": "GET", "query": urlencode(query)},
            "browser": {"binding": binding, "sessions": []},
        }
        answer = self.call("POST", "/interactions", json=body)
        assert answer.status_code == 201, answer.text
        assert answer.headers["Location"] == f"/ui/v1/interactions/{answer.json()['id']}"
        return Interaction(self, answer.json(), binding)

    def signed_in(self, sub):
        """Everything that one sign-in leaves behind: a session, a remembered consent, an authorization."""
        interaction = self.open().answer({"type": "auth", "sub": sub})
        interaction.answer({"type": "consent", "accept_all": True, "remember": {"mode": "always"}})
        assert interaction.prompt["response"]["outcome"] == "success", interaction.prompt
        return interaction
