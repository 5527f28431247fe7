use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;

/// The proofs of RFC 9449 sections 4.1 and 7.1: their common header, and the rest of each.
const HEADER: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0\
    VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1J\
    EQSIsImNydiI6IlAtMjU2In19";
const AT_TOKEN: &str = "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wb\
    GUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNy\
    JK70nfbV37xRZT3Lg";
const AT_RESOURCE: &str = "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leG\
    FtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1O\
    UlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

/// A key, and a request at which everything fits.
fn key() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    })
}

fn header() -> Value {
    json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key() })
}

fn claims() -> Value {
    json!({ "jti": "j1", "htm": "POST", "htu": "https://server.example.com/token", "iat": 1_562_262_616 })
}

fn compact(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(header), part(claims))
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}

fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member);
    object
}

fn refused(header: &Value, claims: &Value) -> ProofError {
    Proof::parse(&compact(header, claims)).expect_err("should be refused")
}

fn check(claims: &Value, change: impl FnOnce(&mut Expected<'_>)) -> Result<(), ProofError> {
    check_with(claims, None, change)
}

fn check_with(
    claims: &Value,
    token: Option<&Secret>,
    change: impl FnOnce(&mut Expected<'_>),
) -> Result<(), ProofError> {
    let targets = ["https://server.example.com/token".to_owned()];
    let mut expected = Expected {
        method: "POST",
        targets: &targets,
        algorithms: &["ES256", "EdDSA"],
        now: 1_562_262_616,
        access_token: token,
    };
    change(&mut expected);
    Proof::parse(&compact(&header(), claims)).unwrap().check(&expected)
}

#[test]
fn the_proofs_of_the_specification_are_read() {
    let text = format!("{HEADER}.{AT_TOKEN}");
    let proof = Proof::parse(&text).unwrap();
    assert_eq!(proof.jkt.as_str(), JKT);
    assert_eq!((proof.jti.as_str(), proof.issued_at), ("-BwC3ESc6acc2lTc", 1_562_262_616));
    assert_eq!(proof.target, "https://server.example.com/token");
    let mut expected = Expected {
        method: "POST",
        targets: &["https://server.example.com/token".to_owned()],
        algorithms: &["ES256"],
        now: 1_562_262_616,
        access_token: None,
    };
    assert_eq!(proof.check(&expected), Ok(()));

    let text = format!("{HEADER}.{AT_RESOURCE}");
    let proof = Proof::parse(&text).unwrap();
    let token = Secret::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
    let targets = ["https://resource.example.org/protectedresource".to_owned()];
    expected = Expected {
        method: "GET",
        targets: &targets,
        now: 1_562_262_618,
        access_token: Some(&token),
        ..expected
    };
    assert_eq!(proof.check(&expected), Ok(()));
    let other = Secret::new("another");
    let expected = Expected { access_token: Some(&other), ..expected };
    assert_eq!(proof.check(&expected), Err(ProofError::AccessToken));
}

#[test]
fn the_thumbprint_is_that_of_rfc_7638() {
    let rsa = json!({
        "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
              FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c\
              7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF4\
              4-csFCur-kEgU8awapJzKnqDKgw",
    });
    let of = |key: &Value| thumbprint(key.as_object().unwrap()).unwrap().to_string();
    assert_eq!(of(&rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    // RFC 8037 appendix A.3.
    let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert_eq!(of(&okp), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    // What is said about a key is no part of it.
    let about = json!({ "kid": "1", "use": "sig", "alg": "ES256", "key_ops": ["verify"], "ext": true });
    let mut told = key();
    told.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
    assert_eq!(of(&told), JKT);
}

#[test]
fn a_key_is_public_of_a_known_kind_and_written_in_one_way() {
    let of = |key: Value| thumbprint(key.as_object().unwrap());
    for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert_eq!(of(with(key(), secret, "AA".into())), Err(KeyError::Private), "{secret}");
    }
    assert_eq!(of(json!({ "kty": "oct", "k": "AAAA" })), Err(KeyError::Private));
    for kind in [
        json!({}),
        json!({ "kty": "oct" }),
        json!({ "kty": "RSA", "crv": "P-256" }),
        with(key(), "crv", "P-521".into()),
        with(key(), "crv", "secp256k1".into()),
        with(key(), "crv", 7.into()),
        without(key(), "crv"),
        json!({ "kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
    ] {
        assert_eq!(of(kind.clone()), Err(KeyError::Unknown), "{kind}");
    }
    let padded = URL_SAFE_NO_PAD.encode([&[0][..], &[7; 32][..]].concat());
    for x in [json!(null), json!(7), json!(""), json!("AA"), json!("l8tF="), padded.clone().into()] {
        assert_eq!(of(with(key(), "x", x.clone())), Err(KeyError::Member("x")), "{x}");
    }
    assert_eq!(of(without(key(), "y")), Err(KeyError::Member("y")));
    for n in [padded.as_str(), ""] {
        assert_eq!(of(json!({ "kty": "RSA", "n": n, "e": "AQAB" })), Err(KeyError::Member("n")));
    }
    assert_eq!(of(json!({ "kty": "RSA", "n": "AQAB", "e": "AAEAAQ" })), Err(KeyError::Member("e")));
    for extra in ["x5u", "x5c", "x5t", "nonsense"] {
        assert_eq!(of(with(key(), extra, "https://evil.example".into())), Err(KeyError::Extra), "{extra}");
    }
}

#[test]
fn a_proof_says_what_it_is_and_lets_nobody_choose_the_rules() {
    for typ in ["JWT", "at+jwt", "dpop", "", "application/dpop"] {
        let refused = refused(&with(header(), "typ", typ.into()), &claims());
        assert_eq!(refused, JwtError::WrongType.into(), "{typ}");
    }
    assert_eq!(refused(&without(header(), "typ"), &claims()), JwtError::WrongType.into());
    for member in ["crit", "b64", "zip", "jku", "x5u", "x5c"] {
        let refused = refused(&with(header(), member, json!(null)), &claims());
        assert_eq!(refused, JwtError::UnsupportedHeader(member).into());
    }
    assert_eq!(
        refused(&with(header(), "alg", "none".into()), &claims()),
        JwtError::UnsupportedHeader("none").into()
    );
    for key in [json!(null), json!("x"), json!([key()])] {
        assert_eq!(refused(&with(header(), "jwk", key), &claims()), JwtError::MissingKey.into());
    }
    assert_eq!(refused(&without(header(), "jwk"), &claims()), JwtError::MissingKey.into());
    assert_eq!(Proof::parse("x").unwrap_err(), JwtError::Malformed.into());
    assert_eq!(Proof::parse(&"x".repeat(8193)).unwrap_err(), ProofError::TooLong);
}

#[test]
fn what_a_proof_has_to_say_is_there_and_of_the_right_type() {
    for name in ["jti", "htm", "htu", "iat"] {
        assert_eq!(refused(&header(), &without(claims(), name)), ProofError::Claim(name));
        assert_eq!(refused(&header(), &with(claims(), name, json!([]))), ProofError::Claim(name));
    }
    for (name, value) in [
        ("jti", json!("")),
        ("jti", json!("x".repeat(256))),
        ("nonce", json!("")),
        ("nonce", json!(7)),
        ("nonce", json!("x".repeat(256))),
        ("ath", json!(7)),
        ("iat", json!("1562262616")),
        ("iat", json!(1_562_262_616.5)),
        ("htu", json!("/token")),
        ("htu", json!("ftp://server.example.com/token")),
        ("htu", json!("https://me@server.example.com/token")),
    ] {
        assert_eq!(
            refused(&header(), &with(claims(), name, value.clone())),
            ProofError::Claim(name),
            "{value}"
        );
    }
    let noted = with(claims(), "nonce", "n".into());
    assert_eq!(Proof::parse(&compact(&header(), &noted)).unwrap().nonce.as_deref(), Some("n"));
}

#[test]
fn a_proof_is_good_for_one_method_at_one_url_for_a_minute() {
    assert_eq!(check(&claims(), |_| {}), Ok(()));
    for method in ["GET", "post", "POST "] {
        assert_eq!(check(&with(claims(), "htm", method.into()), |_| {}), Err(ProofError::Method));
    }
    for url in [
        "https://server.example.com/userinfo",
        "https://other.example/token",
        "http://server.example.com/token",
    ] {
        assert_eq!(check(&with(claims(), "htu", url.into()), |_| {}), Err(ProofError::Target), "{url}");
    }
    for (past, outcome) in
        [(60, Ok(())), (61, Err(ProofError::Time)), (-60, Ok(())), (-61, Err(ProofError::Time))]
    {
        assert_eq!(check(&claims(), |expected| expected.now += past), outcome, "{past}");
    }
    for iat in [i64::MIN, i64::MAX, 0] {
        assert_eq!(check(&with(claims(), "iat", iat.into()), |_| {}), Err(ProofError::Time));
    }
    assert_eq!(
        check(&claims(), |expected| expected.algorithms = &["PS256"]),
        Err(ProofError::Algorithm("ES256".to_owned()))
    );
}

#[test]
fn at_a_resource_a_proof_is_for_one_access_token() {
    let token = Secret::new("the-token");
    let hash = access_token_hash(&token);
    for (ath, outcome) in [
        (Some(hash.as_str()), Ok(())),
        (Some("x"), Err(ProofError::AccessToken)),
        (None, Err(ProofError::AccessToken)),
    ] {
        let claims = ath.map_or_else(claims, |ath| with(claims(), "ath", ath.into()));
        assert_eq!(check_with(&claims, Some(&token), |_| {}), outcome, "{ath:?}");
    }
}

#[test]
fn urls_are_compared_in_their_normal_form() {
    let same = "https://as.example/token";
    for url in [
        "https://as.example/token",
        "HTTPS://AS.Example/token",
        "https://as.example:443/token",
        "https://as.example/token?a=b",
        "https://as.example/token#x",
        "https://as.example/token?a=b#x",
        "https://as.example/%74ok%65n",
        "https://as.example/x/../token",
        "https://as.example/./token",
    ] {
        assert_eq!(normal_target(url).as_deref(), Some(same), "{url}");
    }
    for url in [
        "https://as.example/token/",
        "https://as.example/Token",
        "https://as.example:8443/token",
        "http://as.example/token",
        "https://as.example./token",
        "https://as.example/token%2F",
        "https://as.example",
    ] {
        assert_ne!(normal_target(url).as_deref().expect("a URL"), same, "{url}");
    }
    assert_eq!(normal_target("https://as.example/a%2fb%7e").as_deref(), Some("https://as.example/a%2Fb~"));
    assert_eq!(normal_target("http://127.0.0.1:8080/x").as_deref(), Some("http://127.0.0.1:8080/x"));
    for url in [
        "",
        "token",
        "//as.example/token",
        "https:/as.example/token",
        "https://user@as.example/token",
        "https://as.example\\token",
        "https://as.example/to ken",
        "https://as.example/%zz",
        "ftp://as.example/token",
        &format!("https://as.example/{}", "x".repeat(2048)),
    ] {
        assert_eq!(normal_target(url), None, "{url}");
    }
}
