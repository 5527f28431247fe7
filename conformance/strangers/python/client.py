"""A relying party built on Authlib, the way its integrations for web frameworks build theirs."""

from urllib.parse import parse_qs, urlsplit

from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OpenIDMixin
from authlib.integrations.base_client.framework_integration import FrameworkIntegration
from authlib.integrations.requests_client import OAuth2Session

from stack import REDIRECT_URI


class _Framework(FrameworkIntegration):
    def update_token(self, token, refresh_token=None, access_token=None):
        """Tokens live in the tests alone."""


class RelyingParty(OAuth2Mixin, OpenIDMixin, BaseApp):
    """An app with one registration at one provider."""

    client_cls = OAuth2Session

    def __init__(self, issuer, registration, scope):
        method = registration["token_endpoint_auth_method"]
        super().__init__(
            _Framework("placet"),
            name="placet",
            client_id=registration["client_id"],
            client_secret=registration.get("client_secret"),
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": scope,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": method,
                "revocation_endpoint_auth_method": method,
            },
        )

    def begin(self, **extra):
        """An authorization request: its URL, and what has to be remembered with it."""
        return self.create_authorization_url(REDIRECT_URI, **extra)

    def finish(self, begun, reached):
        """The tokens for the response at `reached`, after the checks of RFC 9700 section 4.4.2 and RFC 9207."""
        response = parameters(reached)
        assert "error" not in response, response
        assert response["state"] == begun["state"]
        assert response["iss"] == self.load_server_metadata()["issuer"]
        return self.exchange(response["code"], begun)

    def exchange(self, code, begun, **changed):
        """The tokens for a code."""
        given = {"redirect_uri": REDIRECT_URI, "code": code, "code_verifier": begun["code_verifier"], **changed}
        return self.fetch_access_token(**given)

    def session(self, token=None):
        """Authlib's HTTP session with the provider's metadata."""
        session = self._get_oauth_client(**self.load_server_metadata())
        session.token = token
        return session

    def endpoint(self, name):
        return self.load_server_metadata()[f"{name}_endpoint"]


def parameters(url):
    """The query of a URL, each parameter once."""
    found = parse_qs(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values()), url
    return {name: values[0] for name, values in found.items()}
