"""joserfc reads what Placet signs and encrypts to a client, and encrypts to Placet."""

import pytest
import requests
from joserfc import jwe, jwt
from joserfc.jwe import JWERegistry
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from client import parameters
from stack import REDIRECT_URI, RESOURCE, RESOURCE_KEY, RESOURCE_SECRET

CURVE = ECKey.generate_key("P-256", {"kid": "curve", "use": "enc"}, auto_kid=False)
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "enc"}, auto_kid=False)
JWKS = {"keys": [key.as_dict(private=False) for key in (CURVE, RSA)]}


def signed_in(party, browser, **extra):
    begun = party.begin(prompt="consent", **extra)
    return party.finish(begun, browser.sign_in(begun["url"], REDIRECT_URI)), begun


def opened(token, key, alg, enc):
    found = jwe.decrypt_compact(token, key, registry=JWERegistry(algorithms=[alg, enc]))
    assert (found.protected["alg"], found.protected["enc"]) == (alg, enc)
    assert found.protected["cty"] == "JWT"
    return found.plaintext.decode()


def verified(party, token, alg, typ):
    keys = KeySet.import_key_set(party.fetch_jwk_set())
    found = jwt.decode(token, keys, algorithms=[alg])
    assert found.header["typ"] == typ
    assert found.claims["iss"] == party.load_server_metadata()["issuer"]
    assert found.claims["aud"] in (party.client_id, [party.client_id])
    return found.claims


def test_a_client_gets_everything_signed_and_encrypted(register, browser):
    """OpenID Connect Core sections 5.3.2 and 10.2, RFC 9701."""
    party = register(
        jwks=JWKS,
        id_token_signed_response_alg="ES256",
        id_token_encrypted_response_alg="ECDH-ES+A256KW",
        id_token_encrypted_response_enc="A256GCM",
        userinfo_signed_response_alg="PS256",
        userinfo_encrypted_response_alg="RSA-OAEP-256",
        introspection_signed_response_alg="RS256",
        introspection_encrypted_response_alg="ECDH-ES",
        introspection_encrypted_response_enc="A128CBC-HS256",
    )
    token, begun = signed_in(party, browser)
    inside = opened(token["id_token"], CURVE, "ECDH-ES+A256KW", "A256GCM")
    user = verified(party, inside, "ES256", "JWT")
    assert (user["sub"], user["nonce"]) == ("alice", begun["nonce"])

    session = party.session(token)
    answer = session.get(party.endpoint("userinfo"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jwt")
    inside = opened(answer.text, RSA, "RSA-OAEP-256", "A128CBC-HS256")
    assert verified(party, inside, "PS256", "JWT")["sub"] == "alice"

    wanted = "application/token-introspection+jwt"
    answer = party.session().introspect_token(
        party.endpoint("introspection"), token=token["access_token"], headers={"Accept": wanted}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, wanted)
    inside = opened(answer.text, CURVE, "ECDH-ES", "A128CBC-HS256")
    said = verified(party, inside, "RS256", "token-introspection+jwt")
    assert said["token_introspection"]["active"] is True
    assert said["token_introspection"]["sub"] == "alice"
    assert "sub" not in said and "exp" not in said


def test_a_resource_alone_reads_its_access_tokens(party, browser):
    """RFC 9068 inside of RFC 7516."""
    token, _ = signed_in(party, browser, resource=RESOURCE)
    again = party.session(token).refresh_token(party.endpoint("token"), token["refresh_token"])
    keys = KeySet.import_key_set(party.fetch_jwk_set())

    def asked_by_its_server(presented):
        answer = requests.post(
            party.endpoint("introspection"), auth=("vault", RESOURCE_SECRET), data={"token": presented}, timeout=10
        )
        return answer.json()

    for access_token in (token["access_token"], again["access_token"]):
        inside = opened(access_token, RESOURCE_KEY, "ECDH-ES+A128KW", "A256CBC-HS512")
        found = jwt.decode(inside, keys, algorithms=["EdDSA"])
        assert (found.header["typ"], found.claims["aud"], found.claims["sub"]) == ("at+jwt", RESOURCE, "alice")
        assert asked_by_its_server(access_token)["sub"] == "alice"
        assert asked_by_its_server(inside) == {"active": False}
        own = party.session().introspect_token(party.endpoint("introspection"), token=access_token).json()
        assert own["active"] is True and "sub" not in own


@pytest.mark.parametrize(("kty", "alg", "enc"), [("EC", "ECDH-ES+A128KW", "A128GCM"), ("RSA", "RSA-OAEP", "A256CBC-HS512")])
def test_a_hint_can_be_encrypted_to_placet(party, browser, kty, alg, enc):
    """OpenID Connect Core section 3.1.2.1."""
    token, _ = signed_in(party, browser)
    keys = party.fetch_jwk_set()["keys"]
    (key,) = [key for key in keys if key["use"] == "enc" and key["kty"] == kty]
    key = {"EC": ECKey, "RSA": RSAKey}[kty].import_key(key)
    header = {"alg": alg, "enc": enc, "cty": "JWT", "kid": key.kid}
    hint = jwe.encrypt_compact(header, token["id_token"], key, registry=JWERegistry(algorithms=[alg, enc]))
    begun = party.begin(prompt="none", id_token_hint=hint)
    assert "code" in parameters(browser.sign_in(begun["url"], REDIRECT_URI))
    begun = party.begin(prompt="none", id_token_hint=f"{hint[:-4]}AAAA")
    assert parameters(browser.sign_in(begun["url"], REDIRECT_URI))["error"] == "invalid_request"


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_an_id_token_can_be_signed_with_the_client_secret(register, browser, alg):
    """OpenID Connect Core section 10.1."""
    party = register(id_token_signed_response_alg=alg)
    token, _ = signed_in(party, browser)
    # joserfc warns of a secret that is shorter than the hash.
    found = jwt.decode(token["id_token"], OctKey.import_key(party.client_secret), algorithms=[alg])
    assert found.claims["sub"] == "alice"
