use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://as.example";

fn jwt(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.AAAA", part(header), part(claims))
}

fn key() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([7; 32]), "use": "sig" })
}

fn header() -> Value {
    json!({ "typ": "oauth-client-attestation+jwt", "alg": "ES256", "kid": "11" })
}

fn claims() -> Value {
    json!({ "sub": "wallet", "iat": NOW - 100, "exp": NOW + 100, "cnf": { "jwk": key() } })
}

fn attested(change: impl FnOnce(&mut Value, &mut Value)) -> Result<(), AttestationError> {
    let (mut header, mut claims) = (header(), claims());
    change(&mut header, &mut claims);
    let text = jwt(&header, &claims);
    Attestation::parse(&text)?.check("wallet", NOW)
}

fn pop(change: impl FnOnce(&mut Value, &mut Value)) -> Result<(), AttestationError> {
    let mut header = json!({ "typ": "oauth-client-attestation-pop+jwt", "alg": "ES256" });
    let mut claims = json!({ "aud": ISSUER, "jti": "1", "iat": NOW });
    change(&mut header, &mut claims);
    let text = jwt(&header, &claims);
    Pop::parse(&text)?.check(ISSUER, NOW, &["ES256", "EdDSA"])
}

#[test]
fn an_attestation_says_which_client_holds_which_key() {
    let text = jwt(&header(), &claims());
    let attestation = Attestation::parse(&text).unwrap();
    assert_eq!(attestation.check("wallet", NOW), Ok(()));
    assert_eq!(attestation.client_id, "wallet");
    assert_eq!(attestation.issuer, None);
    assert_eq!(attestation.jkt, thumbprint(key().as_object().unwrap()).unwrap());
    assert_eq!(named_client(&text).as_deref(), Some("wallet"));
    assert_eq!(named_client("wallet"), None);
}

#[test]
fn the_example_of_the_draft_is_one() {
    let text = jwt(
        &json!({ "typ": "oauth-client-attestation+jwt", "alg": "ES256", "kid": "11" }),
        &json!({
            "sub": "https://client.example.com", "iat": 1_772_487_595, "exp": 2_529_866_394_i64,
            "cnf": { "jwk": {
                "kty": "EC", "use": "sig", "crv": "P-256",
                "x": "VcKVNBZ4IaBAYW3jxM4w3TJFVA7myeUGQyGt-g_yvpQ",
                "y": "f-E-hYE3TAWKwhVv9pej9NABs9SX9XsNO80x57jFTyU",
            } },
        }),
    );
    assert_eq!(Attestation::parse(&text).unwrap().check("https://client.example.com", NOW), Ok(()));
}

#[test]
fn what_is_missing_or_malformed_in_an_attestation_is_named() {
    for (name, wrong) in [
        ("sub", json!(7)),
        ("sub", json!("")),
        ("iss", json!(["x"])),
        ("cnf", json!("key")),
        ("cnf", json!({ "jkt": "x" })),
        ("cnf", json!({ "jwk": "x" })),
        ("cnf", json!({ "jwk": key(), "jku": "https://keys.example" })),
        ("cnf", json!({ "jwk": key(), "jwe": "x" })),
        ("exp", json!("soon")),
        ("exp", json!(1.5)),
        ("iat", json!("now")),
        ("nbf", json!(null)),
    ] {
        assert_eq!(attested(|_, c| c[name] = wrong.clone()), Err(AttestationError::Claim(name)), "{wrong}");
    }
    for name in ["sub", "exp", "cnf"] {
        let without = |c: &mut Value| c.as_object_mut().unwrap().remove(name);
        assert_eq!(attested(|_, c| drop(without(c))), Err(AttestationError::Claim(name)));
    }
    // The time at which it was issued may be left out.
    assert_eq!(attested(|_, c| drop(c.as_object_mut().unwrap().remove("iat"))), Ok(()));
}

#[test]
fn the_key_of_an_instance_is_public_and_of_a_known_kind() {
    let with = |change: fn(&mut Value)| attested(|_, c| change(&mut c["cnf"]["jwk"])).unwrap_err();
    for member in ["d", "k", "p"] {
        let refused = attested(|_, c| c["cnf"]["jwk"][member] = json!("AAAA")).unwrap_err();
        assert_eq!(refused, AttestationError::Key(KeyError::Private), "{member}");
    }
    assert_eq!(with(|k| k["kty"] = json!("oct")), AttestationError::Key(KeyError::Unknown));
    assert_eq!(with(|k| k["x"] = json!("AA")), AttestationError::Key(KeyError::Member("x")));
}

#[test]
fn an_attestation_is_of_its_type_and_brings_no_key_to_check_it_with() {
    for typ in ["JWT", "oauth-client-attestation-pop+jwt", "dpop+jwt", "at+jwt"] {
        assert_eq!(attested(|h, _| h["typ"] = json!(typ)), Err(JwtError::WrongType.into()), "{typ}");
    }
    let without = |h: &mut Value| h.as_object_mut().unwrap().remove("typ");
    assert_eq!(attested(|h, _| drop(without(h))), Err(JwtError::WrongType.into()));
    for member in ["jwk", "jku", "x5u", "x5c", "crit"] {
        let refused = attested(|h, _| h[member] = json!("x"));
        assert!(matches!(refused, Err(AttestationError::Jwt(JwtError::UnsupportedHeader(_)))), "{member}");
    }
    assert!(attested(|h, _| h["alg"] = json!("none")).is_err());
}

#[test]
fn an_attestation_that_is_too_old_is_told_from_one_that_is_wrong() {
    assert_eq!(attested(|_, c| c["exp"] = json!(NOW - 10)), Err(AttestationError::Stale));
    assert_eq!(attested(|_, c| c["exp"] = json!(NOW - 9)), Ok(()));
    assert_eq!(attested(|_, c| c["iat"] = json!(NOW + 11)), Err(JwtError::NotYetValid.into()));
    assert_eq!(attested(|_, c| c["nbf"] = json!(NOW + 11)), Err(JwtError::NotYetValid.into()));
    assert_eq!(attested(|_, c| c["sub"] = json!("other")), Err(AttestationError::Client));
    let text = jwt(&header(), &claims());
    let attestation = Attestation::parse(&text).unwrap();
    assert_eq!(attestation.check_age(90, NOW), Ok(()));
    assert_eq!(attestation.check_age(89, NOW), Err(AttestationError::Stale));
    let mut undated = claims();
    undated.as_object_mut().unwrap().remove("iat");
    let text = jwt(&header(), &undated);
    assert_eq!(Attestation::parse(&text).unwrap().check_age(3600, NOW), Err(AttestationError::Stale));
    let code = |error: &AttestationError| error.refusal(ATTESTATION).code;
    assert_eq!(code(&AttestationError::Stale), ErrorCode::UseFreshAttestation);
    assert_eq!(code(&AttestationError::Client), ErrorCode::InvalidClientAttestation);
}

#[test]
fn a_proof_is_for_one_server_and_for_one_minute() {
    assert_eq!(pop(|_, _| ()), Ok(()));
    assert_eq!(pop(|_, c| c["aud"] = json!([ISSUER])), Ok(()));
    for aud in [
        json!("https://as.example/"),
        json!("https://as.example/token"),
        json!([ISSUER, "https://other.example"]),
        json!([ISSUER, ISSUER]),
        json!([]),
        json!(7),
    ] {
        assert_eq!(pop(|_, c| c["aud"] = aud.clone()), Err(AttestationError::Audience), "{aud}");
    }
    for at in [NOW - 60, NOW + 60] {
        assert_eq!(pop(|_, c| c["iat"] = json!(at)), Ok(()));
    }
    for at in [NOW - 61, NOW + 61, i64::MIN, i64::MAX] {
        assert_eq!(pop(|_, c| c["iat"] = json!(at)), Err(AttestationError::Time), "{at}");
    }
    assert_eq!(pop(|_, c| c["exp"] = json!(NOW)), Err(AttestationError::Time));
    assert_eq!(pop(|_, c| c["nbf"] = json!(NOW + 61)), Err(AttestationError::Time));
}

#[test]
fn what_is_missing_or_malformed_in_a_proof_is_named() {
    for (name, wrong) in [
        ("jti", json!("")),
        ("jti", json!("x".repeat(256))),
        ("jti", json!(7)),
        ("iat", json!("now")),
        ("challenge", json!(7)),
        ("challenge", json!("")),
        ("exp", json!("soon")),
        ("nbf", json!("soon")),
    ] {
        assert_eq!(pop(|_, c| c[name] = wrong.clone()), Err(AttestationError::Claim(name)), "{wrong}");
    }
    for name in ["jti", "iat", "aud"] {
        let without = |c: &mut Value| c.as_object_mut().unwrap().remove(name);
        assert_eq!(pop(|_, c| drop(without(c))), Err(AttestationError::Claim(name)));
    }
    for typ in ["JWT", "oauth-client-attestation+jwt", "dpop+jwt"] {
        assert_eq!(pop(|h, _| h["typ"] = json!(typ)), Err(JwtError::WrongType.into()), "{typ}");
    }
    for alg in ["HS256", "RS256", "ES512"] {
        assert_eq!(pop(|h, _| h["alg"] = json!(alg)), Err(AttestationError::Algorithm(alg.to_owned())));
    }
    assert_eq!(pop(|h, _| h["alg"] = json!("Ed25519")), Ok(()));
}

proptest! {
    #[test]
    fn whatever_is_sent_is_read_or_refused(text in "[ -~]{0,200}") {
        let _ = Attestation::parse(&text);
        let _ = Pop::parse(&text);
        let _ = named_client(&text);
    }
}
