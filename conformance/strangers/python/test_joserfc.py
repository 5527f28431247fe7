"""Encrypted tokens between joserfc and the crate `placet-jose`, both ways, for every pair of algorithms."""

import json
import os
import pathlib
import subprocess

import pytest
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from stack import ROOT

TEXT = "Grüße an alice"
ENCRYPTIONS = {
    "A128GCM": 128,
    "A192GCM": 192,
    "A256GCM": 256,
    "A128CBC-HS256": 256,
    "A192CBC-HS384": 384,
    "A256CBC-HS512": 512,
}
AGREEMENT = ["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"]
SHARED = {"A128KW": 128, "A192KW": 192, "A256KW": 256, "A128GCMKW": 128, "A192GCMKW": 192, "A256GCMKW": 256}

RSA = RSAKey.generate_key(2048)
CURVES = {curve: ECKey.generate_key(curve) for curve in ["P-256", "P-384", "P-521"]}
CURVES["X25519"] = OKPKey.generate_key("X25519")

PAIRS = [("RSA-OAEP", RSA), ("RSA-OAEP-256", RSA)]
PAIRS += [(alg, key) for alg in AGREEMENT for key in CURVES.values()]
PAIRS += [(alg, OctKey.generate_key(bits)) for alg, bits in SHARED.items()]
PAIRS = [(alg, enc, key) for alg, key in PAIRS for enc in ENCRYPTIONS]
PAIRS += [("dir", enc, OctKey.generate_key(bits)) for enc, bits in ENCRYPTIONS.items()]


class Other:
    """The other end: a process that answers each line with a line."""

    def __init__(self):
        folder = pathlib.Path(os.environ.get("PLACET_BIN_DIR", ROOT / "target" / "debug"))
        self.process = subprocess.Popen(
            [folder / "examples" / "jwe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0
        self.process.stdout.close()


@pytest.fixture(scope="module")
def other():
    running = Other()
    yield running
    running.stop()


def named(value):
    return value if isinstance(value, str) else value.as_dict(private=False).get("crv", value.key_type)


def public(key):
    return key.as_dict(private=isinstance(key, OctKey))


def private(key):
    return key.as_dict(private=True)


@pytest.mark.parametrize(("alg", "enc", "key"), PAIRS, ids=named)
def test_each_reads_what_the_other_encrypts(other, alg, enc, key):
    registry = JWERegistry(algorithms=[alg, enc])
    token = other.ask(encrypt=TEXT, key=public(key), alg=alg, enc=enc)["token"]
    opened = jwe.decrypt_compact(token, key, registry=registry)
    assert opened.plaintext.decode() == TEXT
    assert opened.protected["alg"] == alg and opened.protected["enc"] == enc

    token = jwe.encrypt_compact({"alg": alg, "enc": enc}, TEXT, key, registry=registry)
    assert other.ask(decrypt=token, key=private(key), alg=alg, enc=enc) == {"plaintext": TEXT}


@pytest.mark.parametrize(("alg", "enc", "key"), PAIRS, ids=named)
def test_both_refuse_what_was_altered(other, alg, enc, key):
    registry = JWERegistry(algorithms=[alg, enc])
    token = other.ask(encrypt=TEXT, key=public(key), alg=alg, enc=enc)["token"]
    head, _, tag = token.rpartition(".")
    altered = f"{head}.{'B' if tag[0] == 'A' else 'A'}{tag[1:]}"
    assert other.ask(decrypt=altered, key=private(key), alg=alg, enc=enc) == {
        "error": "the token cannot be decrypted"
    }
    with pytest.raises((JoseError, ValueError)):
        jwe.decrypt_compact(altered, key, registry=registry)


@pytest.mark.parametrize("enc", ENCRYPTIONS)
def test_the_parties_of_an_agreement_may_be_named(other, enc):
    key = CURVES["P-256"]
    protected = {"alg": "ECDH-ES", "enc": enc, "apu": "QWxpY2U", "apv": "Qm9i"}
    token = jwe.encrypt_compact(protected, TEXT, key, registry=JWERegistry(algorithms=["ECDH-ES", enc]))
    assert other.ask(decrypt=token, key=private(key), alg="ECDH-ES", enc=enc) == {"plaintext": TEXT}


def test_what_joserfc_compresses_is_refused(other):
    key = OctKey.generate_key(128)
    registry = JWERegistry(algorithms=["dir", "A128GCM", "DEF"])
    token = jwe.encrypt_compact({"alg": "dir", "enc": "A128GCM", "zip": "DEF"}, TEXT, key, registry=registry)
    answer = other.ask(decrypt=token, key=private(key), alg="dir", enc="A128GCM")
    assert answer == {"error": "the token cannot be decrypted"}
