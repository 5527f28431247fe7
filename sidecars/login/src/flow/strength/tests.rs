use placet_sdk::Instant;
use serde_json::{Value, json};

use super::*;

const MFA: &str = "urn:placet:acr:mfa";
const PWD: &str = "urn:placet:acr:pwd";

fn means() -> Means {
    Means {
        password: [PWD, "0", "1"].map(str::to_owned).to_vec(),
        both: vec![MFA.to_owned()],
        vault: None,
        enrolment: true,
        always: false,
    }
}

fn auth(more: Value) -> AuthPrompt {
    let mut prompt = json!({"reasons": [], "attempt": 1, "account": {"mode": "any"}, "create": false});
    let Value::Object(more) = more else { unreachable!() };
    prompt.as_object_mut().unwrap().extend(more);
    serde_json::from_value(prompt).unwrap()
}

fn acr(values: &[&str], essential: bool) -> AuthPrompt {
    auth(json!({"acr": {"values": values, "essential": essential}}))
}

const EVERYBODY: [Second; 3] = [Second::Enrolled, Second::Possible, Second::Missing];

#[test]
fn the_first_demanded_class_that_a_password_satisfies_is_asserted() {
    let demand = acr(&["gold", "1", "0"], true);
    for second in EVERYBODY {
        assert_eq!(need(&demand, &means(), second), Ok(Need::Password(Some("1"))));
        assert_eq!(need(&auth(json!({})), &means(), second), Ok(Need::Password(Some(PWD))));
    }
}

#[test]
fn a_wish_is_answered_honestly_and_a_need_by_the_second_factor_or_not_at_all() {
    for second in EVERYBODY {
        assert_eq!(need(&acr(&["gold"], false), &means(), second), Ok(Need::Password(Some(PWD))));
        assert_eq!(need(&acr(&["gold"], true), &means(), second), Err(Unmet));
        assert_eq!(need(&auth(json!({"amr": {"values": ["pwd", "fpt"]}})), &means(), second), Err(Unmet));
    }
    let (wish, demand) = (acr(&[MFA], false), acr(&[MFA], true));
    assert_eq!(need(&wish, &means(), Second::Enrolled), Ok(Need::Both(MFA)));
    assert_eq!(need(&wish, &means(), Second::Possible), Ok(Need::Password(Some(PWD))));
    assert_eq!(need(&demand, &means(), Second::Enrolled), Ok(Need::Both(MFA)));
    assert_eq!(need(&demand, &means(), Second::Possible), Ok(Need::Both(MFA)));
    assert_eq!(need(&demand, &means(), Second::Missing), Err(Unmet));
}

#[test]
fn the_order_of_the_demand_counts_and_nobody_sets_up_a_second_factor_where_a_password_will_do() {
    let strong_first = acr(&[MFA, PWD], true);
    assert_eq!(need(&strong_first, &means(), Second::Enrolled), Ok(Need::Both(MFA)));
    assert_eq!(need(&strong_first, &means(), Second::Possible), Ok(Need::Password(Some(PWD))));
    assert_eq!(need(&acr(&[PWD, MFA], true), &means(), Second::Enrolled), Ok(Need::Password(Some(PWD))));
}

#[test]
fn demanded_methods_need_both_factors_whatever_the_class() {
    let methods = auth(json!({"amr": {"values": ["otp"]}}));
    assert_eq!(need(&methods, &means(), Second::Enrolled), Ok(Need::Both(MFA)));
    assert_eq!(need(&methods, &means(), Second::Possible), Ok(Need::Both(MFA)));
    assert_eq!(need(&methods, &means(), Second::Missing), Err(Unmet));
    let and_class = auth(json!({"amr": {"values": ["otp"]}, "acr": {"values": [PWD], "essential": true}}));
    assert_eq!(need(&and_class, &means(), Second::Enrolled), Ok(Need::Both(PWD)));
    assert_eq!(need(&and_class, &means(), Second::Possible), Ok(Need::Both(PWD)));
    let other = auth(json!({"amr": {"values": ["mfa"]}, "acr": {"values": ["gold"], "essential": true}}));
    assert_eq!(need(&other, &means(), Second::Enrolled), Err(Unmet));
}

#[test]
fn where_it_is_the_rule_whoever_has_a_second_factor_uses_it() {
    let means = Means { always: true, ..means() };
    assert_eq!(need(&auth(json!({})), &means, Second::Enrolled), Ok(Need::Both(MFA)));
    assert_eq!(need(&acr(&["1"], true), &means, Second::Enrolled), Ok(Need::Both("1")));
    assert_eq!(need(&acr(&["gold"], false), &means, Second::Enrolled), Ok(Need::Both(MFA)));
    for second in [Second::Possible, Second::Missing] {
        assert_eq!(need(&auth(json!({})), &means, second), Ok(Need::Password(Some(PWD))));
    }
}

#[test]
fn what_is_out_of_reach_is_refused_by_its_name() {
    let code = |auth: &AuthPrompt| match refusal(auth, &means()) {
        Answer::Deny(deny) => deny.error,
        _ => None,
    };
    assert_eq!(code(&acr(&["gold"], true)), Some(DenyError::UnmetAuthenticationRequirements));
    assert_eq!(
        code(&acr(&[MFA], true)),
        Some(DenyError::UnmetAuthenticationRequirements),
        "there is no vault"
    );
    assert_eq!(code(&auth(json!({}))), Some(DenyError::AccessDenied));
}

#[test]
fn a_session_that_is_old_or_weak_does_not_suffice() {
    let candidate = Candidate {
        session_id: "ses_1".to_owned(),
        sub: "alice".to_owned(),
        authenticated_at: Instant(1_000),
        acr: Some("1".to_owned()),
        amr: vec!["pwd".to_owned()],
    };
    assert!(suffices(&candidate, &auth(json!({}))));
    assert!(!suffices(&candidate, &auth(json!({"not_before": "1970-01-01T00:20:00Z"}))));
    assert!(!suffices(&candidate, &acr(&["2"], true)));
    assert!(!suffices(&candidate, &auth(json!({"amr": {"values": ["otp"]}}))));
    assert!(!suffices(&candidate, &auth(json!({"reasons": ["answer_insufficient"]}))));
}

#[test]
fn a_second_factor_alone_will_do_where_strength_alone_is_missing() {
    let reasons = |reasons: &[&str]| only_strength(&auth(json!({ "reasons": reasons })));
    assert!(reasons(&["acr_insufficient"]) && reasons(&["policy_step_up", "amr_insufficient"]));
    for other in
        ["max_age_exceeded", "prompt_login", "session_expired", "answer_insufficient", "subject_mismatch"]
    {
        assert!(!reasons(&["acr_insufficient", other]), "{other}");
    }
    assert!(!reasons(&[]));
}
