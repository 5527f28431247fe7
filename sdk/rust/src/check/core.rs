//! Level Core.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::{
    Context, Finding,
    compare::differences,
    envelope::{Ceiling, fresh_id},
    round::{Round, again, question},
    sidecar::{Answer, Message},
};
use crate::decision::{DecisionRequest, MAX_DEPTH, ViolationCode};

/// How often an answer may be late before it counts: the machine of a test may be busy.
const LATE: usize = 3;

type Found = (&'static str, Finding);

pub(super) async fn check(context: &Context) -> Vec<Found> {
    let broken = |codes: &[ViolationCode]| {
        let found = context.rounds.iter().filter_map(|round| {
            let violation = round
                .violation(&context.options.error_codes)
                .filter(|violation| codes.contains(&violation.code))?;
            Some(format!("{}: {violation}", round.place()))
        });
        found.collect::<Vec<_>>()
    };
    let mut decisions: Vec<String> = context.rounds.iter().filter_map(no_decision).collect();
    decisions.extend(broken(&[ViolationCode::Schema, ViolationCode::Malformed, ViolationCode::TooLarge]));
    vec![
        ("C1", Finding::of(decisions)),
        ("C2", Finding::of(context.rounds.iter().filter_map(other_id).collect())),
        ("C3", Finding::of(unknown_members(context).await)),
        ("C4", Finding::of(unknown_type(context).await)),
        ("C5", Finding::of(malformed(context).await)),
        ("C6", Finding::of(content_type(context).await)),
        ("C7", Finding::of(broken(&[ViolationCode::Limit]))),
        ("C8", Finding::of(broken(&[ViolationCode::Requires]))),
        ("C9", Finding::of(broken(&[ViolationCode::ErrorCode]))),
        ("C10", Finding::of(methods(context).await)),
        ("C11", Finding::of(late(context).await)),
        ("C12", Finding::of(ambiguous(context).await)),
    ]
}

fn no_decision(round: &Round) -> Option<String> {
    let said = match &round.answer {
        Err(error) => error.clone(),
        Ok(answer) if answer.status != 200 => format!("answered with {}", answer.shown()),
        Ok(answer) if !is_json(answer) => "the answer is not `application/json`".to_owned(),
        Ok(_) => return None,
    };
    Some(format!("{}: {said}", round.place()))
}

fn is_json(answer: &Answer) -> bool {
    let media_type =
        answer.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn other_id(round: &Round) -> Option<String> {
    let said = round.said()?;
    match said["id"].as_str() {
        Some(id) if id == round.request.id => None,
        Some(_) => Some(format!("{}: the answer has another id", round.place())),
        None => Some(format!("{}: the answer has no id", round.place())),
    }
}

/// A decision, and the pointers at which it differs each time.
pub(super) async fn usual(
    context: &Context,
    request: &DecisionRequest,
) -> Result<(Value, BTreeSet<String>), String> {
    let one = context.sidecar.ask(&again(request)).await?;
    let other = context.sidecar.ask(&again(request)).await?;
    let varies = differences(&one.json(), &other.json());
    Ok((one.json(), varies))
}

/// Whether an answer is the usual one; says what is different.
pub(super) fn unusual(answer: &Answer, usual: &(Value, BTreeSet<String>)) -> Option<String> {
    if answer.status != 200 {
        return Some(format!("answered with {}", answer.shown()));
    }
    let (decision, varies) = usual;
    let found = differences(decision, &answer.json());
    let first = found.iter().find(|pointer| !varies.contains(*pointer))?;
    Some(format!("the decision differs at `{first}`"))
}

async fn unknown_members(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    for round in
        context.rounds.iter().filter(|round| round.ceiling == Ceiling::Wide && round.good().is_some())
    {
        let hook = round.request.hook;
        let tried = async {
            let usual = usual(context, &round.request).await?;
            let mut body = serde_json::to_value(&*again(&round.request)).unwrap_or_default();
            let unknown = json!({"a": [1, {"b": null}]});
            for place in ["", "/client", "/request", "/proposal", "/limits", &format!("/{}", hook.section())]
            {
                if let Some(members) = body.pointer_mut(place).and_then(Value::as_object_mut) {
                    members.insert("kit_future".to_owned(), unknown.clone());
                }
            }
            let message = context.sidecar.raw(&body, context.sidecar.budget(hook));
            let answer = context.sidecar.send(message.with("placet-kit-future", "1")).await?;
            Ok::<_, String>(unusual(&answer, &usual))
        };
        if let Some(said) = tried.await.unwrap_or_else(Some) {
            found.push(format!("{hook}: {said}"));
        }
    }
    found
}

/// Sends a message that must be answered with this status; says what happened instead.
pub(super) async fn must(context: &Context, what: &str, message: Message, status: u16) -> Option<String> {
    match context.sidecar.send(message).await {
        Ok(answer) if answer.status == status => None,
        Ok(answer) => Some(format!("{what}: answered with {}, not with {status}", answer.shown())),
        Err(error) => Some(format!("{what}: {error}")),
    }
}

/// A question of the first type, as it should be.
pub(super) fn sound(context: &Context) -> Message {
    match context.types.first().and_then(|hook| question(*hook, Ceiling::Wide).ok()) {
        Some(request) => context.sidecar.message(&request),
        None => context.sidecar.raw(&Value::Null, std::time::Duration::ZERO),
    }
}

async fn unknown_type(context: &Context) -> Vec<String> {
    let mut body: Value = serde_json::from_slice(&sound(context).body).unwrap_or_default();
    (body["type"], body["id"]) = ("kit.unknown".into(), fresh_id().into());
    let message = context.sidecar.raw(&body, std::time::Duration::from_secs(1));
    must(context, "`kit.unknown`", message, 501).await.into_iter().collect()
}

async fn malformed(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    for body in ["{\"type\":", "not JSON", "[1, 2"] {
        let message = Message { body: body.as_bytes().to_vec(), ..sound(context) };
        let message = message.without(&["placet-type", "placet-issuer", "placet-protocol"]);
        let message = message.signed(&context.sidecar.secret, 0);
        found.extend(must(context, &format!("`{body}`"), message, 400).await);
    }
    found
}

/// What readers of JSON understand in different ways, or not at all.
async fn ambiguous(context: &Context) -> Vec<String> {
    let deep = format!("\"kit_deep\":{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    let mut found = Vec::new();
    for (what, member) in [
        ("a name twice", "\"attempt\":2"),
        ("a name twice in an object below", "\"kit_twice\":[{\"a\":1,\"a\":1}]"),
        ("a name twice, once with an escape", "\"kit_twice\":{\"a\":1,\"\\u0061\":1}"),
        ("JSON nested deeper than 32", &deep),
    ] {
        let mut message = sound(context);
        let whole = String::from_utf8_lossy(&message.body).replacen('{', &format!("{{{member},"), 1);
        message.body = whole.into_bytes();
        found.extend(must(context, what, message.signed(&context.sidecar.secret, 0), 400).await);
    }
    found
}

async fn content_type(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    for media_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let message = sound(context).with("content-type", media_type);
        found.extend(must(context, &format!("`{media_type}`"), message, 415).await);
    }
    found
}

async fn methods(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    for method in [Method::GET, Method::HEAD] {
        let url = context.sidecar.endpoint.clone();
        let message = Message { method: method.clone(), url, headers: Vec::new(), body: Vec::new() };
        match context.sidecar.send(message).await {
            Ok(answer) if answer.status == 200 => found.push(format!("{method} is answered with 200")),
            Ok(_) => {}
            Err(error) => found.push(format!("{method}: {error}")),
        }
    }
    found
}

async fn late(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    for round in &context.rounds {
        let Some(first) = round.good() else { continue };
        let budget = context.sidecar.budget(round.request.hook);
        let allowed = budget * 4 / 5;
        let mut took = first.took;
        for _ in 1..LATE {
            if took <= allowed {
                break;
            }
            if let Ok(answer) = context.sidecar.ask(&again(&round.request)).await {
                took = took.min(answer.took);
            }
        }
        if took > allowed {
            let (took, budget) = (took.as_millis(), budget.as_millis());
            found.push(format!("{}: {took} ms of {budget} ms, {LATE} times", round.place()));
        }
    }
    found
}
