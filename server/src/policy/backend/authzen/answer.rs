//! What an AuthZEN decision point answers, as a decision.

use placet_sdk::{
    decision::{Challenge, Decision, Reason, Verdict},
    grant::Object,
};
use serde_json::Value;

use crate::policy::failure::{Failed, FailureCode};

/// The one duty that this server knows.
const STEP_UP: &str = "step-up";

/// The members of an object.
pub(super) fn object(value: Value) -> Option<Object> {
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// An answer has a decision that is true or false.
pub(super) fn checked(answer: Value) -> Result<Value, Failed> {
    if answer["decision"].is_boolean() {
        Ok(answer)
    } else {
        Err(Failed::new(FailureCode::Schema, "an answer has no `decision`"))
    }
}

/// Whether an answer is yes.
pub(super) fn is_true(answer: &Value) -> bool {
    answer["decision"] == true
}

/// What a no leads to: a stronger authentication if that is asked for, else a denial.
pub(super) fn refusal(id: &str, answer: &Value, accept_context: bool) -> Decision {
    let context = &answer["context"];
    let acr = strings(&context["acr_values"]);
    if accept_context && !acr.is_empty() {
        return Decision::challenge(id, step_up(acr, None));
    }
    let duties = context["obligations"].as_array().into_iter().flatten();
    if let Some(duty) = duties.into_iter().find(|duty| name_of(duty) == STEP_UP) {
        return Decision::challenge(id, demanded(duty));
    }
    let mut decision = Decision::deny(id, "access_denied");
    // Reasons are for the log alone.
    if let Some(code) = context["reason"].as_str().or(context["id"].as_str()) {
        let code = code.chars().take(128).collect();
        decision.reason = Some(Reason { code, detail: None });
    }
    decision
}

/// A yes may come with duties. The one that is known is `step-up`; with any other, the yes does not count.
pub(super) fn obligations(decision: &mut Decision, answers: &[Value]) -> Result<(), Failed> {
    for answer in answers.iter().filter(|answer| is_true(answer)) {
        let duties = match &answer["context"]["obligations"] {
            Value::Null => continue,
            Value::Array(duties) => duties,
            _ => return Err(Failed::new(FailureCode::Schema, "`obligations` is no list")),
        };
        for duty in duties {
            let name = name_of(duty);
            if name != STEP_UP {
                *decision = Decision::deny(&decision.id, "access_denied");
                decision.reason = Some(Reason {
                    code: "unknown_obligation".to_owned(),
                    detail: Some(name.chars().take(128).collect()),
                });
                return Ok(());
            }
            decision.set = None;
            decision.decision = Verdict::Challenge;
            decision.challenge = Some(demanded(duty));
        }
    }
    Ok(())
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn name_of(duty: &Value) -> &str {
    duty["id"].as_str().or(duty["type"].as_str()).unwrap_or_default()
}

fn demanded(duty: &Value) -> Challenge {
    let attributes = if duty["attributes"].is_object() { &duty["attributes"] } else { duty };
    step_up(strings(&attributes["acr_values"]), attributes["max_age"].as_u64())
}

fn step_up(acr_values: Vec<String>, max_age: Option<u64>) -> Challenge {
    Challenge::StepUp { acr_values, amr_values: Vec::new(), max_age, message: None }
}

/// The ids of the resources that a search found. A search with more pages than one is not complete.
pub(super) fn ids(answer: &Value) -> Result<Value, Failed> {
    let wrong = |detail: &str| Failed::new(FailureCode::Schema, detail);
    let results = answer["results"].as_array().ok_or_else(|| wrong("a search has no `results`"))?;
    let more = answer["page"]["next_token"].as_str().or(answer["next_token"].as_str());
    if more.is_some_and(|token| !token.is_empty()) {
        return Err(Failed::new(FailureCode::TooLarge, "a search found more than fits one page"));
    }
    let ids = results.iter().map(|found| found["id"].as_str().map(Value::from));
    ids.collect::<Option<Vec<Value>>>().map(Value::from).ok_or_else(|| wrong("a resource has no `id`"))
}
