//! What a password proves, against what is demanded.

use placet_sdk::interaction::{Answer, AuthPrompt, AuthReason, Candidate, DenyAnswer, DenyError, Reason};

/// What a password cannot prove.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unmet;

/// The class that a password sign-in asserts: the first demanded one that it satisfies.
pub(super) fn acr<'a>(auth: &AuthPrompt, ours: &'a [String]) -> Result<Option<&'a str>, Unmet> {
    if auth.amr.as_ref().is_some_and(|demand| demand.values.iter().any(|method| method != "pwd")) {
        return Err(Unmet);
    }
    let default = ours.first().map(String::as_str);
    let Some(demand) = auth.acr.as_ref().filter(|demand| !demand.values.is_empty()) else {
        return Ok(default);
    };
    let met = demand.values.iter().find_map(|wanted| ours.iter().find(|own| *own == wanted));
    match met {
        Some(class) => Ok(Some(class)),
        None if demand.essential => Err(Unmet),
        None => Ok(default),
    }
}

/// The answer of a user who does not go on: it names the demand if that is the reason.
pub(super) fn refusal(auth: &AuthPrompt, ours: &[String]) -> Answer {
    if acr(auth, ours).is_ok() {
        return super::declined();
    }
    Answer::Deny(DenyAnswer {
        error: Some(DenyError::UnmetAuthenticationRequirements),
        error_description: Some("the demanded authentication is not available".to_owned()),
        reason: Some(Reason { code: "password_only".to_owned(), detail: None }),
    })
}

/// Whether the session of an account answers the demand as it is, without a password.
pub(super) fn suffices(candidate: &Candidate, auth: &AuthPrompt) -> bool {
    let again = [
        AuthReason::AnswerInsufficient,
        AuthReason::PromptLogin,
        AuthReason::AcrInsufficient,
        AuthReason::AmrInsufficient,
        AuthReason::PolicyStepUp,
    ];
    let fresh = auth.not_before.is_none_or(|limit| candidate.authenticated_at >= limit);
    let strong = auth.acr.as_ref().is_none_or(|demand| {
        !demand.essential || candidate.acr.as_ref().is_some_and(|acr| demand.values.contains(acr))
    });
    let methods =
        auth.amr.as_ref().is_none_or(|demand| demand.values.iter().all(|m| candidate.amr.contains(m)));
    fresh && strong && methods && !auth.reasons.iter().any(|reason| again.contains(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use placet_sdk::Instant;
    use serde_json::{Value, json};

    fn ours() -> Vec<String> {
        ["urn:placet:acr:pwd", "0", "1"].map(str::to_owned).to_vec()
    }

    fn auth(more: Value) -> AuthPrompt {
        let mut prompt = json!({"reasons": [], "attempt": 1, "account": {"mode": "any"}, "create": false});
        let Value::Object(more) = more else { unreachable!() };
        prompt.as_object_mut().unwrap().extend(more);
        serde_json::from_value(prompt).unwrap()
    }

    #[test]
    fn the_first_demanded_class_that_a_password_satisfies_is_asserted() {
        let demand = auth(json!({"acr": {"values": ["mfa", "1", "0"], "essential": true}}));
        assert_eq!(acr(&demand, &ours()), Ok(Some("1")));
        assert_eq!(acr(&auth(json!({})), &ours()), Ok(Some("urn:placet:acr:pwd")));
    }

    #[test]
    fn a_voluntary_demand_is_answered_honestly_and_an_essential_one_not_at_all() {
        let voluntary = auth(json!({"acr": {"values": ["mfa"], "essential": false}}));
        assert_eq!(acr(&voluntary, &ours()), Ok(Some("urn:placet:acr:pwd")));
        let essential = auth(json!({"acr": {"values": ["mfa"], "essential": true}}));
        assert_eq!(acr(&essential, &ours()), Err(Unmet));
        assert_eq!(acr(&auth(json!({"amr": {"values": ["pwd", "otp"]}})), &ours()), Err(Unmet));
        let Answer::Deny(deny) = refusal(&essential, &ours()) else { panic!() };
        assert_eq!(deny.error, Some(DenyError::UnmetAuthenticationRequirements));
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
        assert!(!suffices(&candidate, &auth(json!({"acr": {"values": ["2"], "essential": true}}))));
        assert!(!suffices(&candidate, &auth(json!({"amr": {"values": ["otp"]}}))));
        assert!(!suffices(&candidate, &auth(json!({"reasons": ["answer_insufficient"]}))));
    }
}
