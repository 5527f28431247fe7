use proptest::prelude::*;
use serde_json::json;

use super::*;

const ISSUER: &str = "https://as.example";

fn encode(header: &str, payload: &str) -> String {
    format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

fn refused(compact: &str) -> JwtError {
    parse(compact).expect_err("should be refused")
}

fn check(profile: &VerifyProfile<'_>, typ: Option<&str>, claims: Value) -> Result<(), JwtError> {
    let header = Header { alg: "ES256".to_owned(), kid: None, typ: typ.map(str::to_owned) };
    let Value::Object(claims) = claims else { panic!("not an object") };
    profile.check(&header, &claims, 1_000_000)
}

#[test]
fn a_jwt_is_taken_apart() {
    let compact = encode(r#"{"alg":"ES256","kid":"k1","typ":"at+jwt","x":1}"#, r#"{"iss":"i"}"#);
    let jwt = parse(&compact).expect("sound");
    assert_eq!(jwt.header.alg, "ES256");
    assert_eq!(jwt.header.kid.as_deref(), Some("k1"));
    assert_eq!(jwt.header.typ.as_deref(), Some("at+jwt"));
    assert_eq!(jwt.claims["iss"], "i");
    assert_eq!(format!("{}.{}", jwt.message, jwt.signature), compact);
}

#[test]
fn anything_but_three_parts_of_base64url_is_malformed() {
    let good = encode(r#"{"alg":"ES256"}"#, "{}");
    let (message, _) = good.rsplit_once('.').expect("three parts");
    for bad in [
        String::new(),
        "..".to_owned(),
        message.to_owned(),
        format!("{message}."),
        format!("{message}.c2ln.c2ln"),
        format!("{message}.c2ln="),
        format!("{message}.c2l/"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{message}.{}", "A".repeat(16 * 1024)),
        encode("[]", "{}"),
        encode(r#"{"alg":"ES256"}"#, "7"),
        encode(r#"{"alg":"ES256","alg":"ES256"}"#, "{}"),
        encode(r#"{"alg":"ES256"}"#, r#"{"sub":"a","sub":"b"}"#),
        encode(r#"{"alg":7}"#, "{}"),
        encode(r#"{"typ":"JWT"}"#, "{}"),
    ] {
        assert_eq!(refused(&bad), JwtError::Malformed, "{bad}");
    }
}

#[test]
fn headers_that_choose_the_key_or_the_rules_are_refused() {
    for member in ["crit", "b64", "zip", "jku", "x5u", "x5c", "jwk"] {
        let compact = encode(&format!(r#"{{"alg":"ES256","{member}":null}}"#), "{}");
        assert_eq!(refused(&compact), JwtError::UnsupportedHeader(member));
    }
    for alg in ["none", "None", "NONE"] {
        let compact = encode(&format!(r#"{{"alg":"{alg}"}}"#), "{}");
        assert_eq!(refused(&compact), JwtError::UnsupportedHeader("none"));
    }
}

#[test]
fn an_access_token_has_its_own_type() {
    let profile = VerifyProfile::access_token(ISSUER);
    let claims = json!({"iss": ISSUER, "exp": 2_000_000});
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert_eq!(check(&profile, Some(typ), claims.clone()), Ok(()));
    }
    for typ in [None, Some("JWT"), Some("application/application/at+jwt"), Some("logout+jwt"), Some("")] {
        assert_eq!(check(&profile, typ, claims.clone()), Err(JwtError::WrongType));
    }
}

#[test]
fn an_id_token_hint_may_be_expired_but_is_no_access_token() {
    let profile = VerifyProfile::id_token_hint(ISSUER);
    let claims = json!({"iss": ISSUER, "exp": 1});
    assert_eq!(check(&profile, None, claims.clone()), Ok(()));
    assert_eq!(check(&profile, Some("JWT"), claims.clone()), Ok(()));
    assert_eq!(check(&profile, Some("at+jwt"), claims.clone()), Err(JwtError::WrongType));
    assert_eq!(check(&profile, None, json!({"iss": ISSUER})), Err(JwtError::MissingClaim("exp")));
}

#[test]
fn the_issuer_must_be_the_expected_one() {
    let profile = VerifyProfile::access_token(ISSUER);
    let issued_by = |iss: Value| check(&profile, Some("at+jwt"), json!({"iss": iss, "exp": 2_000_000}));
    assert_eq!(issued_by(json!("https://as.example/")), Err(JwtError::WrongIssuer));
    assert_eq!(issued_by(json!([ISSUER])), Err(JwtError::WrongIssuer));
    assert_eq!(
        check(&profile, Some("at+jwt"), json!({"exp": 2_000_000})),
        Err(JwtError::MissingClaim("iss"))
    );
}

#[test]
fn the_audience_is_one_text_or_a_list() {
    let profile = VerifyProfile { audiences: Some(&["api"]), ..VerifyProfile::access_token(ISSUER) };
    let meant_for =
        |aud: Value| check(&profile, Some("at+jwt"), json!({"iss": ISSUER, "exp": 2_000_000, "aud": aud}));
    assert_eq!(meant_for(json!("api")), Ok(()));
    assert_eq!(meant_for(json!(["other", "api"])), Ok(()));
    assert_eq!(meant_for(json!(["other"])), Err(JwtError::WrongAudience));
    assert_eq!(meant_for(json!([])), Err(JwtError::WrongAudience));
    assert_eq!(meant_for(json!({"api": 1})), Err(JwtError::Malformed));
    let without = check(&profile, Some("at+jwt"), json!({"iss": ISSUER, "exp": 2_000_000}));
    assert_eq!(without, Err(JwtError::MissingClaim("aud")));
}

#[test]
fn times_are_kept_within_the_leeway() {
    let profile = VerifyProfile::access_token(ISSUER);
    let timed = |name: &str, at: Value| {
        let mut claims = json!({"iss": ISSUER, "exp": 2_000_000});
        claims[name] = at;
        check(&profile, Some("at+jwt"), claims)
    };
    assert_eq!(timed("exp", json!(999_941)), Ok(()));
    assert_eq!(timed("exp", json!(999_940)), Err(JwtError::Expired));
    for name in ["iat", "nbf"] {
        assert_eq!(timed(name, json!(1_000_060)), Ok(()));
        assert_eq!(timed(name, json!(1_000_061)), Err(JwtError::NotYetValid));
        assert_eq!(timed(name, json!("1")), Err(JwtError::Malformed));
    }
    assert_eq!(timed("exp", json!(i64::MAX)), Ok(()));
}

#[test]
fn errors_say_what_is_wrong() {
    assert_eq!(JwtError::MissingClaim("exp").to_string(), "the token lacks the claim `exp`");
}

#[test]
fn at_hash_is_the_one_of_the_specification() {
    // OpenID Connect Core appendix A.3 and A.4.
    assert_eq!(half_hash("RS256", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
    assert_eq!(half_hash("RS256", code), "LDktKdoQak3Pk0cnXxCltA");
    assert_eq!(half_hash("ES384", "x").len(), 32);
    assert_eq!(half_hash("EdDSA", "x").len(), 43);
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "[A-Za-z0-9_.=-]{0,64}") {
        let _ = parse(&text);
    }
}
