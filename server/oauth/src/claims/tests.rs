use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::error::ErrorCode;

fn refused(text: &str) -> OAuthError {
    let error = ClaimsRequest::parse(text).expect_err("should be refused");
    assert_eq!(error.code, ErrorCode::InvalidRequest);
    error
}

#[test]
fn the_example_of_the_specification_is_understood() {
    let request = ClaimsRequest::parse(
        r#"{"userinfo": {"given_name": {"essential": true}, "nickname": null,
            "http://example.info/claims/groups": null},
            "id_token": {"auth_time": {"essential": true}, "acr": {"values": ["urn:mace:incommon:iap:silver"]}},
            "verified_claims": 7}"#,
    )
    .expect("sound");
    assert!(request.userinfo["given_name"].essential);
    assert_eq!(request.userinfo["nickname"], ClaimDemand::default());
    assert_eq!(request.userinfo.len(), 3);
    assert_eq!(request.acr(), Some((vec!["urn:mace:incommon:iap:silver".to_owned()], false)));
    assert_eq!(request.sub(), None);
    assert!(!request.is_empty());
    let stored = serde_json::to_string(&request).expect("can be written");
    assert_eq!(serde_json::from_str::<ClaimsRequest>(&stored).expect("can be read"), request);
}

#[test]
fn nothing_asked_is_empty() {
    assert!(ClaimsRequest::parse("{}").expect("sound").is_empty());
    assert!(ClaimsRequest::parse(r#"{"id_token": null}"#).expect("sound").is_empty());
    let stored: ClaimsRequest =
        serde_json::from_str(r#"{"id_token": {"email": null}}"#).expect("can be read");
    assert_eq!(stored.id_token["email"], ClaimDemand::default());
}

#[test]
fn wrong_types_are_refused_with_the_path_of_the_member() {
    for (text, path) in [
        ("[]", "`claims`"),
        (r#"{"id_token": []}"#, "`claims.id_token`"),
        (r#"{"id_token": {"email": true}}"#, "`claims.id_token.email`"),
        (r#"{"id_token": {"email": [true]}}"#, "`claims.id_token.email`"),
        (r#"{"userinfo": {"email": {"essential": 1}}}"#, "`claims.userinfo.email.essential`"),
        (r#"{"userinfo": {"email": {"values": "a"}}}"#, "`claims.userinfo.email.values`"),
        (r#"{"userinfo": {"email": {"purpose": 1}}}"#, "`claims.userinfo.email.purpose`"),
        (r#"{"id_token": {"acr": {"value": 2}}}"#, "`claims.id_token.acr`"),
    ] {
        assert!(refused(text).description.contains(path), "{text}");
    }
}

#[test]
fn text_that_is_too_long_or_ambiguous_is_refused() {
    refused(&format!(r#"{{"x": "{}"}}"#, "y".repeat(8192)));
    refused(r#"{"id_token": {"email": null, "email": {"essential": true}}}"#);
    refused("{} {}");
    refused("");
}

#[test]
fn acr_values_keep_their_order_and_say_whether_they_are_essential() {
    let acr = |text: &str| ClaimsRequest::parse(text).expect("sound").acr();
    let demanded = acr(r#"{"id_token": {"acr": {"essential": true, "value": "b", "values": ["b", "a"]}}}"#);
    assert_eq!(demanded, Some((vec!["b".to_owned(), "a".to_owned()], true)));
    assert_eq!(acr(r#"{"id_token": {"acr": {"essential": true}}}"#), None);
    assert_eq!(acr(r#"{"userinfo": {"acr": {"value": "a"}}}"#), None);
}

#[test]
fn at_most_one_subject_can_be_demanded() {
    let sub = |text: &str| ClaimsRequest::parse(text).expect("sound").sub();
    assert_eq!(sub(r#"{"id_token": {"sub": {"value": "u1"}}}"#), Some("u1".to_owned()));
    assert_eq!(sub(r#"{"userinfo": {"sub": {"values": ["u1"]}}}"#), Some("u1".to_owned()));
    let both = r#"{"userinfo": {"sub": {"value": "u1"}}, "id_token": {"sub": {"value": "u1"}}}"#;
    assert_eq!(sub(both), Some("u1".to_owned()));
    refused(r#"{"userinfo": {"sub": {"value": "u1"}}, "id_token": {"sub": {"value": "u2"}}}"#);
    refused(r#"{"id_token": {"sub": {"values": ["u1", "u2"]}}}"#);
    refused(r#"{"id_token": {"sub": {"value": 1}}}"#);
}

#[test]
fn the_scopes_ask_for_standard_claims_only() {
    for scope in ["profile", "email", "address", "phone"] {
        assert!(!scope_claims(scope).is_empty());
        assert!(scope_claims(scope).iter().all(|claim| STANDARD_CLAIMS.contains(claim)));
    }
    assert!(scope_claims("openid").is_empty());
    assert!(scope_claims("calendar").is_empty());
}

#[test]
fn names_that_occur_twice_are_refused_at_any_depth_and_however_they_are_written() {
    assert!(strict_json(r#"{"a": 1, "a": 1}"#).is_err());
    assert!(strict_json(r#"[{"x": {"a": 1, "\u0061": 2}}]"#).is_err());
    assert!(strict_json(r#"{"a": {"a": 1}, "b": {"a": 1}}"#).is_ok());
    assert!(strict_json_bytes(b"{\"a\": \"\xff\"}").is_err());
}

#[test]
fn nesting_ends_at_32_levels() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(strict_json(&nested(32)).is_ok());
    assert!(strict_json(&nested(33)).is_err());
    assert!(strict_json(&format!("{}1{}", r#"{"a":"#.repeat(33), "}".repeat(33))).is_err());
    assert!(strict_json(&"[".repeat(100_000)).is_err());
}

#[test]
fn numbers_keep_their_kind() {
    assert_eq!(strict_json("[1, -1, 1.5, 18446744073709551615]"), Ok(json!([1, -1, 1.5, u64::MAX])));
    assert!(strict_json("1e999").is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_json_writes_is_read_back(value in any_json()) {
        prop_assert_eq!(strict_json(&value.to_string()), Ok(value));
    }

    #[test]
    fn strict_json_accepts_no_more_than_json(text in "[\\[\\]{}\":,a1 ]{0,16}") {
        if let Ok(value) = strict_json(&text) {
            prop_assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(value));
        }
    }
}
