"""Authlib signs people in with Placet, and Placet keeps it from what it must not do."""

import base64
import json

import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc.errors import InvalidClaimError
from joserfc.jwk import KeySet

from browser import Browser
from client import parameters
from stack import REDIRECT_URI


def signed_in(party, browser, **extra):
    """Tokens after a sign-in, and the request they came from."""
    begun = party.begin(prompt="consent", **extra)
    return party.finish(begun, browser.sign_in(begun["url"], REDIRECT_URI)), begun


def code_for(party, browser):
    begun = party.begin(prompt="consent")
    return parameters(browser.sign_in(begun["url"], REDIRECT_URI))["code"], begun


def introspected(party, token):
    answer = party.session().introspect_token(party.endpoint("introspection"), token=token)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(code, call):
    with pytest.raises(OAuthError) as caught:
        call()
    assert caught.value.error == code, caught.value


def test_discovery_is_what_authlib_says_a_provider_must_tell(stack):
    """OpenID Connect Discovery section 4."""
    document = requests.get(get_well_known_url(stack.issuer, external=True), timeout=10).json()
    assert document["issuer"] == stack.issuer
    # Authlib wants every URL to be https, which a server on localhost does not have.
    secured = {
        name: value.replace("http://", "https://") if isinstance(value, str) else value
        for name, value in document.items()
    }
    OpenIDProviderMetadata(secured).validate()


def test_the_key_set_holds_public_keys_that_authlib_can_use(party):
    metadata = party.load_server_metadata()
    keys = party.fetch_jwk_set()
    assert all("d" not in key and "k" not in key and key["kid"] for key in keys["keys"])
    imported = KeySet.import_key_set(keys)
    signing = {key["alg"] for key in keys["keys"] if key["use"] == "sig"}
    assert signing and signing <= set(metadata["id_token_signing_alg_values_supported"])
    assert len(imported.keys) == len(keys["keys"])


def test_a_person_signs_in_with_pkce_and_the_id_token_is_accepted(party, browser):
    """OpenID Connect Core section 3.1, RFC 7636."""
    token, begun = signed_in(party, browser)
    assert token["token_type"].lower() == "bearer"
    user = party.parse_id_token(token, nonce=begun["nonce"])
    assert user["sub"] == "alice"
    assert user["iss"] == party.load_server_metadata()["issuer"]
    assert user["aud"] in (party.client_id, [party.client_id])
    assert user["at_hash"]


def test_an_id_token_for_another_nonce_is_seen_through(party, browser):
    token, _ = signed_in(party, browser)
    with pytest.raises(InvalidClaimError):
        party.parse_id_token(token, nonce="another")


@pytest.mark.parametrize("alg", ["EdDSA", "RS256", "ES256"])
def test_id_tokens_are_signed_as_registered(register, browser, alg):
    party = register(id_token_signed_response_alg=alg)
    assert alg in party.load_server_metadata()["id_token_signing_alg_values_supported"]
    token, begun = signed_in(party, browser)
    header = token["id_token"].split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["alg"] == alg
    assert party.parse_id_token(token, nonce=begun["nonce"])["sub"] == "alice"


def test_max_age_comes_back_as_auth_time(party, browser):
    token, begun = signed_in(party, browser, max_age=300)
    user = party.parse_id_token(token, nonce=begun["nonce"])
    assert isinstance(user["auth_time"], int)
    assert 0 <= user["iat"] - user["auth_time"] <= 300


def test_the_second_sign_in_asks_nothing(register, browser):
    """Single sign-on: another client of the same browser gets its answer without the login page."""
    first, second = register(), register(scope="openid")
    signed_in(first, browser)
    begun = second.begin()
    reached = browser.get(begun["url"], REDIRECT_URI)
    assert "/login" not in reached
    if not reached.startswith(REDIRECT_URI):
        reached = browser.submit(REDIRECT_URI, action="allow")
    assert second.finish(begun, reached)["id_token"]


def test_prompt_none_without_a_session_needs_a_login(party, browser):
    """OpenID Connect Core section 3.1.2.6."""
    begun = party.begin(prompt="none")
    response = parameters(browser.get(begun["url"], REDIRECT_URI))
    assert response["error"] == "login_required"
    assert response["state"] == begun["state"]


def test_a_person_who_declines_goes_back_with_access_denied(party, browser):
    """RFC 6749 section 4.1.2.1."""
    begun = party.begin(prompt="consent")
    browser.get(begun["url"], REDIRECT_URI)
    browser.submit(REDIRECT_URI, username="alice", password="wonderland", action="sign-in")
    response = parameters(browser.submit(REDIRECT_URI, action="deny"))
    assert response["error"] == "access_denied"
    assert response["state"] == begun["state"]


def test_a_wrong_password_lets_nobody_in(party, browser):
    browser.get(party.begin()["url"], REDIRECT_URI)
    reached = browser.submit(REDIRECT_URI, username="alice", password="looking-glass", action="sign-in")
    assert not reached.startswith(REDIRECT_URI)
    assert browser.form().names >= {"username", "password"}


def test_userinfo_gives_what_was_granted(party, browser):
    """OpenID Connect Core section 5.3."""
    token, _ = signed_in(party, browser)
    user = party.userinfo(token=token)
    assert user["sub"] == "alice"
    assert "@" in user["email"]
    assert user["name"]


def test_userinfo_keeps_what_was_not_granted(register, browser):
    party = register(scope="openid")
    token, _ = signed_in(party, browser)
    assert set(party.userinfo(token=token)) == {"sub"}


def test_userinfo_refuses_a_token_that_is_none(party):
    answer = requests.get(
        party.endpoint("userinfo"), headers={"Authorization": "Bearer not-a-token"}, timeout=10
    )
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_refresh_token_gives_new_tokens(party, browser):
    """RFC 6749 section 6."""
    token, _ = signed_in(party, browser)
    new = party.session(token).refresh_token(party.endpoint("token"))
    assert new["access_token"] != token["access_token"]
    assert party.userinfo(token=new)["sub"] == "alice"


def test_a_refresh_token_can_ask_for_less_and_not_for_more(party, browser):
    token, _ = signed_in(party, browser)
    session = party.session(token)
    less = session.refresh_token(party.endpoint("token"), scope="openid")
    assert set(party.userinfo(token=less)) == {"sub"}
    refresh = less.get("refresh_token", token["refresh_token"])
    refused(
        "invalid_scope",
        lambda: party.session().refresh_token(
            party.endpoint("token"), refresh_token=refresh, scope="openid address"
        ),
    )


def test_a_refresh_token_is_its_clients_own(register, browser):
    owner, thief = register(), register()
    token, _ = signed_in(owner, browser)
    refused(
        "invalid_grant",
        lambda: thief.session().refresh_token(
            thief.endpoint("token"), refresh_token=token["refresh_token"]
        ),
    )
    assert owner.session(token).refresh_token(owner.endpoint("token"))["access_token"]


def test_introspection_tells_the_truth(party, browser):
    """RFC 7662."""
    token, _ = signed_in(party, browser)
    facts = introspected(party, token["access_token"])
    assert facts["active"] is True
    assert facts["client_id"] == party.client_id
    assert facts["sub"] == "alice"
    assert set(facts["scope"].split()) == set(token["scope"].split())
    assert introspected(party, "not-a-token") == {"active": False}


def test_introspection_says_nothing_about_the_tokens_of_others(register, browser):
    owner, stranger = register(), register()
    token, _ = signed_in(owner, browser)
    assert introspected(stranger, token["access_token"]) == {"active": False}


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_revoked_token_is_over(party, browser, kind):
    """RFC 7009."""
    token, _ = signed_in(party, browser)
    answer = party.session().revoke_token(party.endpoint("revocation"), token=token[kind])
    assert answer.status_code == 200
    assert introspected(party, token[kind]) == {"active": False}


def test_revoking_a_refresh_token_ends_the_tokens_of_the_grant(party, browser):
    """RFC 7009 section 2.1."""
    token, _ = signed_in(party, browser)
    party.session().revoke_token(party.endpoint("revocation"), token=token["refresh_token"])
    refused("invalid_grant", lambda: party.session(token).refresh_token(party.endpoint("token")))
    assert introspected(party, token["access_token"]) == {"active": False}


def test_an_app_signs_the_person_out(party, browser):
    """OpenID Connect RP-Initiated Logout."""
    token, _ = signed_in(party, browser)
    leaving = party.create_logout_url("https://client.example/bye", id_token_hint=token["id_token"])
    reached = browser.get(leaving["url"], "https://client.example/bye")
    if not reached.startswith("https://client.example/bye"):
        assert "/logout" in reached
        reached = browser.submit("https://client.example/bye", action="confirm")
    assert parameters(reached) == {"state": leaving["state"]}
    response = parameters(browser.get(party.begin(prompt="none")["url"], REDIRECT_URI))
    assert response["error"] == "login_required"


def test_nobody_is_sent_to_an_unregistered_address_after_logout(party, browser):
    token, _ = signed_in(party, browser)
    leaving = party.create_logout_url("https://evil.example/bye", id_token_hint=token["id_token"])
    reached = browser.get(leaving["url"], "https://evil.example")
    assert not reached.startswith("https://evil.example")
    assert browser.response.status_code == 400


def test_a_code_is_worth_nothing_with_another_verifier(party, browser):
    """RFC 7636 section 4.6."""
    code, begun = code_for(party, browser)
    refused("invalid_grant", lambda: party.exchange(code, begun, code_verifier="a" * 43))


def test_a_code_is_worth_nothing_without_its_verifier(party, browser):
    code, _ = code_for(party, browser)
    session = party.session()
    session.redirect_uri = REDIRECT_URI
    with pytest.raises(OAuthError) as caught:
        session.fetch_token(party.endpoint("token"), code=code)
    assert caught.value.error in ("invalid_grant", "invalid_request")


def test_a_code_is_worth_nothing_with_another_redirect_uri(register, browser):
    """RFC 6749 section 4.1.3."""
    party = register(redirect_uris=[REDIRECT_URI, "https://client.example/other"])
    code, begun = code_for(party, browser)
    refused(
        "invalid_grant", lambda: party.exchange(code, begun, redirect_uri="https://client.example/other")
    )


def test_a_code_is_worth_nothing_to_another_client(register, browser):
    """RFC 6749 section 4.1.3."""
    owner, thief = register(), register()
    code, begun = code_for(owner, browser)
    refused("invalid_grant", lambda: thief.exchange(code, begun))


def test_a_replayed_code_ends_the_tokens_it_gave(party, browser):
    """RFC 6749 section 4.1.2."""
    code, begun = code_for(party, browser)
    token = party.exchange(code, begun)
    assert introspected(party, token["access_token"])["active"] is True
    refused("invalid_grant", lambda: party.exchange(code, begun))
    assert introspected(party, token["access_token"]) == {"active": False}
    refused("invalid_grant", lambda: party.session(token).refresh_token(party.endpoint("token")))


def test_a_wrong_secret_is_no_client(party):
    """RFC 6749 section 5.2."""
    answer = requests.post(
        party.endpoint("token"),
        data={"grant_type": "refresh_token", "refresh_token": "none"},
        auth=(party.client_id, "not-the-secret"),
        timeout=10,
    )
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("parameter", ["redirect_uri", "client_id"])
def test_a_request_that_cannot_be_answered_safely_ends_on_a_page(party, parameter):
    """RFC 6749 section 4.1.2.1: never a redirect to an address nobody registered."""
    wrong = {"redirect_uri": REDIRECT_URI + "/more", "client_id": "nobody"}[parameter]
    query = {
        "response_type": "code",
        "client_id": party.client_id,
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "state": "s",
        **{parameter: wrong},
    }
    answer = requests.get(
        party.endpoint("authorization"), params=query, allow_redirects=False, timeout=10
    )
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert answer.headers["Content-Type"].startswith("text/html")


def test_public_clients_need_pkce(register, browser):
    """RFC 9700 section 2.1.1."""
    party = register(token_endpoint_auth_method="none")
    token, begun = signed_in(party, browser)
    assert party.parse_id_token(token, nonce=begun["nonce"])["sub"] == "alice"
    query = {
        "response_type": "code",
        "client_id": party.client_id,
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "state": "s",
    }
    request = requests.Request("GET", party.endpoint("authorization"), params=query).prepare()
    response = parameters(Browser().get(request.url, REDIRECT_URI))
    assert response["error"] == "invalid_request"


def test_nobody_registers_themselves_more_than_the_operator_allows(stack, party):
    """What a registration may ask for is the operator's to bound."""
    registration = party.endpoint("registration")
    for asked in (
        {"grant_types": ["client_credentials"], "redirect_uris": []},
        {"scope": "openid ui", "redirect_uris": [REDIRECT_URI]},
        {"scope": "openid admin", "redirect_uris": [REDIRECT_URI]},
        {"redirect_uris": ["javascript:alert(1)"]},
    ):
        answer = requests.post(registration, json=asked, timeout=10)
        if answer.status_code == 201:
            given = answer.json()
            assert "client_credentials" not in given["grant_types"], asked
            assert not {"ui", "admin"} & set(given.get("scope", "").split()), asked
            assert "javascript:alert(1)" not in given["redirect_uris"], asked
        else:
            assert answer.status_code == 400, answer.text
            assert answer.json()["error"] in ("invalid_client_metadata", "invalid_redirect_uri")
