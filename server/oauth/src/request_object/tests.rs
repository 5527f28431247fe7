use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;

const NOW: i64 = 1_000_000;

fn compact(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

fn claims() -> Value {
    json!({
        "iss": "app", "aud": "https://as.example", "client_id": "app", "exp": NOW + 60, "nbf": NOW, "scope": "openid",
    })
}

fn rules() -> Rules<'static> {
    Rules {
        issuer: "https://as.example",
        client_id: "app",
        explicit_type: false,
        expires: true,
        max_lifetime: None,
    }
}

fn check(rules: &Rules<'_>, header: &Value, claims: &Value) -> Result<(), String> {
    let signature = if header["alg"] == "none" { "" } else { "c2ln" };
    let text = compact(header, claims, signature);
    let object = RequestObject::parse(&text).map_err(|error| error.description)?;
    rules.check(&object, NOW).map_err(|error| {
        assert_eq!(error.code, ErrorCode::InvalidRequestObject);
        error.description
    })
}

fn refuses(claims: &Value, why: &str) {
    let said = check(&rules(), &json!({ "alg": "ES256" }), claims).expect_err(why);
    assert!(said.contains(why), "`{said}` does not say `{why}`");
}

fn with(member: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().expect("an object").remove(member)),
        value => claims[member] = value,
    }
    claims
}

#[test]
fn a_sound_object_is_accepted() {
    for typ in
        [json!("oauth-authz-req+jwt"), json!("application/oauth-authz-req+jwt"), json!("JWT"), json!("jwt")]
    {
        assert_eq!(check(&rules(), &json!({ "alg": "ES256", "typ": typ }), &claims()), Ok(()), "{typ}");
    }
    assert_eq!(check(&rules(), &json!({ "alg": "ES256" }), &claims()), Ok(()));
    let several = with("aud", json!(["https://other.example", "https://as.example"]));
    assert_eq!(check(&rules(), &json!({ "alg": "ES256" }), &several), Ok(()));
}

#[test]
fn it_must_be_from_the_client_for_this_server_and_for_now() {
    for (member, value, why) in [
        ("iss", Value::Null, "lacks the claim `iss`"),
        ("iss", json!("other"), "another issuer"),
        ("iss", json!(["app"]), "another issuer"),
        ("aud", Value::Null, "lacks the claim `aud`"),
        ("aud", json!("https://as.example/"), "another audience"),
        ("aud", json!(["https://other.example"]), "another audience"),
        ("aud", json!(7), "malformed"),
        ("client_id", Value::Null, "lacks the claim `client_id`"),
        ("client_id", json!("other"), "`client_id` other than"),
        ("exp", Value::Null, "lacks the claim `exp`"),
        ("exp", json!(NOW - 10), "expired"),
        ("exp", json!("soon"), "malformed"),
        ("nbf", json!(NOW + 11), "not valid yet"),
        ("iat", json!(NOW + 11), "not valid yet"),
        ("iat", json!(1.5), "malformed"),
    ] {
        refuses(&with(member, value), why);
    }
    for (member, value) in [("exp", json!(NOW - 9)), ("nbf", json!(NOW + 10)), ("nbf", Value::Null)] {
        assert_eq!(check(&rules(), &json!({ "alg": "ES256" }), &with(member, value)), Ok(()), "{member}");
    }
}

#[test]
fn another_kind_of_jwt_is_refused_by_its_type() {
    for typ in ["at+jwt", "dpop+jwt", "client-authentication+jwt", "application/x/oauth-authz-req+jwt"] {
        let said = check(&rules(), &json!({ "alg": "ES256", "typ": typ }), &claims()).expect_err(typ);
        assert!(said.contains("type"), "{said}");
    }
    let strict = Rules { explicit_type: true, ..rules() };
    for header in [json!({ "alg": "ES256" }), json!({ "alg": "ES256", "typ": "JWT" })] {
        assert!(check(&strict, &header, &claims()).is_err(), "{header}");
    }
    assert_eq!(check(&strict, &json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt" }), &claims()), Ok(()));
}

#[test]
fn a_bound_on_its_life_asks_from_when_on_it_is_good() {
    let bounded = Rules { max_lifetime: Some(3600), expires: false, ..rules() };
    let header = json!({ "alg": "ES256" });
    for (member, value, why) in [
        ("exp", Value::Null, "lacks the claim `exp`"),
        ("nbf", Value::Null, "lacks the claim `nbf`"),
        ("nbf", json!(NOW - 3611), "seconds ago"),
        ("exp", json!(NOW + 3601), "good for more than"),
    ] {
        let said = check(&bounded, &header, &with(member, value)).expect_err(why);
        assert!(said.contains(why), "`{said}` does not say `{why}`");
    }
    assert_eq!(check(&bounded, &header, &with("exp", json!(NOW + 3600))), Ok(()));
    let early = json!({
        "iss": "app", "aud": "https://as.example", "client_id": "app", "nbf": NOW - 3600, "exp": NOW,
    });
    assert_eq!(check(&bounded, &header, &early), Ok(()));
    let endless = Rules { expires: false, ..rules() };
    assert_eq!(check(&endless, &header, &with("exp", Value::Null)), Ok(()));
}

#[test]
fn what_nobody_signed_need_not_say_who_issued_it_and_must_not_lie_about_it() {
    let header = json!({ "alg": "none" });
    assert_eq!(check(&rules(), &header, &json!({ "client_id": "app" })), Ok(()));
    for claims in [
        json!({ "client_id": "other" }),
        json!({ "client_id": "app", "iss": "other" }),
        json!({ "client_id": "app", "aud": "https://other.example" }),
        json!({ "client_id": "app", "exp": NOW - 60 }),
    ] {
        assert!(check(&rules(), &header, &claims).is_err(), "{claims}");
    }
    assert!(RequestObject::parse(&compact(&header, &claims(), "c2ln")).is_err(), "none with a signature");
    assert!(RequestObject::parse(&compact(&json!({ "alg": "ES256" }), &claims(), "")).is_err());
    for alg in ["None", "NONE", "nOnE"] {
        assert!(RequestObject::parse(&compact(&json!({ "alg": alg }), &claims(), "")).is_err(), "{alg}");
    }
}

#[test]
fn headers_that_choose_the_key_are_refused_signed_or_not() {
    for alg in ["ES256", "none"] {
        for member in ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip"] {
            let signature = if alg == "none" { "" } else { "c2ln" };
            let text = compact(&json!({ "alg": alg, member: "x" }), &claims(), signature);
            let error = RequestObject::parse(&text).expect_err(member);
            assert!(error.description.contains(member), "{}", error.description);
        }
    }
}

#[test]
fn it_may_have_64_kib_and_no_more() {
    let of = |bytes: usize| {
        let text = compact(&json!({ "alg": "ES256" }), &json!({ "state": "x".repeat(bytes) }), "c2ln");
        (text.len(), RequestObject::parse(&text).is_ok())
    };
    for (length, read) in (49_100..49_140).map(of) {
        assert_eq!(read, length <= MAX_REQUEST_OBJECT, "{length}");
    }
    assert!(of(49_100).0 <= MAX_REQUEST_OBJECT && of(49_139).0 > MAX_REQUEST_OBJECT);
}

fn read(claims: &Value) -> Result<Vec<(String, String)>, String> {
    parameters(claims.as_object().expect("an object")).map_err(|error| error.description)
}

#[test]
fn claims_become_the_parameters_that_would_be_sent_otherwise() {
    let found = read(&json!({
        "iss": "app", "sub": "app", "aud": "as", "exp": 1, "nbf": 1, "iat": 1, "jti": "1",
        "scope": "openid", "max_age": 60, "flag": true,
        "claims": { "userinfo": { "email": null } },
        "authorization_details": [{ "type": "t" }],
        "resource": ["https://a.example", "https://b.example"],
    }))
    .expect("sound claims");
    let expected = [
        ("authorization_details", r#"[{"type":"t"}]"#),
        ("claims", r#"{"userinfo":{"email":null}}"#),
        ("flag", "true"),
        ("max_age", "60"),
        ("resource", "https://a.example"),
        ("resource", "https://b.example"),
        ("scope", "openid"),
    ];
    let mut found: Vec<_> = found.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(read(&json!({ "resource": "https://a.example" })).expect("one").len(), 1);
}

#[test]
fn a_request_within_the_request_and_null_are_refused() {
    for claims in [
        json!({ "request": "a.b.c" }),
        json!({ "request_uri": "https://a.example" }),
        json!({ "request": null }),
        json!({ "scope": null }),
        json!({ "resource": [7] }),
    ] {
        assert!(read(&claims).is_err(), "{claims}");
    }
}
