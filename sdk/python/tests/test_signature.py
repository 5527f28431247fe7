from __future__ import annotations

import pytest

from placet.signature import Secret, headers, verify

TEXT = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRET = Secret(TEXT)
OTHER = Secret("whsec_HxweHRobGBkWFxQVEhMQEQ4PDA0KCwgJBgcEBQIDAAE=")
ID = "dec_01JD9YF6M1ZC8W3K4T7HQRB2XS"
NOW = 1795428300
BODY = b'{"id":"dec_01JD9YF6M1ZC8W3K4T7HQRB2XS","type":"claims.source"}'
SIGNATURE = "v1,9CDPlWwW7bNn5k9BFTBXsHIKWocovQ9uz8vERvGNApg="
SENT = {"webhook-id": ID, "webhook-timestamp": str(NOW), "webhook-signature": SIGNATURE}


def test_the_published_example_is_reproduced_and_verifies() -> None:
    assert headers(SECRET, ID, NOW, BODY) == SENT
    assert verify([SECRET], SENT, BODY, NOW)


@pytest.mark.parametrize("signature", [f"v1,AAAA {SIGNATURE}", f"{SIGNATURE} v1,AAAA", f"v1a,x {SIGNATURE}"])
def test_any_of_several_signatures_by_any_of_several_secrets_is_enough(signature: str) -> None:
    sent = {**SENT, "webhook-signature": signature}
    assert verify([SECRET], sent, BODY, NOW)
    assert verify([OTHER, SECRET], sent, BODY, NOW)
    assert not verify([OTHER], sent, BODY, NOW)
    assert not verify([], sent, BODY, NOW)


def test_only_a_few_signatures_are_looked_at() -> None:
    late = "v1,AAAA " * 8 + SIGNATURE
    assert not verify([SECRET], {**SENT, "webhook-signature": late}, BODY, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "dec_2"},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-timestamp": f"0{NOW}"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": SIGNATURE.removeprefix("v1,")},
        {"webhook-signature": SIGNATURE[:-2]},
        {"webhook-signature": "v1,é\u20ac"},
        {"webhook-signature": ""},
    ],
)
def test_an_altered_header_breaks_the_signature(changed: dict[str, str]) -> None:
    assert not verify([SECRET], {**SENT, **changed}, BODY, NOW)


def test_an_altered_body_breaks_the_signature() -> None:
    assert not verify([SECRET], SENT, BODY + b" ", NOW)


@pytest.mark.parametrize(("off", "holds"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_holds_for_five_minutes_in_either_direction(off: int, holds: bool) -> None:
    assert verify([SECRET], SENT, BODY, NOW + off) is holds


@pytest.mark.parametrize("identifier", ["", "dec_1.2", "dec 1", "dec_é", "x" * 129])
def test_an_id_that_could_be_read_in_two_ways_is_refused_even_if_signed(identifier: str) -> None:
    assert not verify([SECRET], headers(SECRET, identifier, NOW, BODY), BODY, NOW)


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "+1", "1.5", "٣", "9" * 20])
def test_a_timestamp_is_seconds(timestamp: str) -> None:
    assert not verify([SECRET], {**SENT, "webhook-timestamp": timestamp}, BODY, NOW)


@pytest.mark.parametrize("text", ["", TEXT.removeprefix("whsec_"), "whsec_%%%", "whsec_AAECAwQFBgcICQ=="])
def test_what_is_no_secret_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="a secret") as refused:
        Secret(text)
    assert not text or text not in str(refused.value)


def test_a_secret_is_never_shown_and_needs_no_padding() -> None:
    assert "AAEC" not in repr(SECRET) + str(SECRET)
    assert Secret(TEXT.rstrip("=")).equals(SECRET)
    assert not OTHER.equals(SECRET)
