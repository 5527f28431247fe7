//! Level Security.

use super::{
    Context, Finding,
    core::{must, sound},
    envelope::fresh_id,
    sidecar::Message,
    tls,
};
use crate::{
    clock,
    decision::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP},
    signature::{Secret, SignedHeaders, verify},
};

/// How far a clock is off that nobody believes, in seconds.
const OFF: i64 = 600;
/// What turns the secret into another one.
const OTHER: u8 = 0x5a;

type Found = (&'static str, Finding);

pub(super) async fn check(context: &Context) -> Vec<Found> {
    vec![
        ("S1", Finding::of(unsigned(context).await)),
        ("S2", Finding::of(wrong_signature(context).await)),
        ("S3", Finding::of(wrong_time(context).await)),
        ("S4", Finding::of(altered(context).await)),
        ("S5", Finding::of(two_signatures(context).await)),
        ("S6", signed_answers(context)),
        ("S9", old_tls(context).await),
        ("S10", Finding::of(other_headers(context).await)),
    ]
}

/// What was seen in all answers of the run.
pub(super) fn noted(context: &Context) -> Vec<Found> {
    let noted = context.sidecar.noted();
    vec![("S7", Finding::of(noted.redirects)), ("S8", Finding::of(noted.leaks))]
}

/// A secret that is not the sidecar's.
fn another(secret: &Secret) -> Secret {
    let bytes: Vec<u8> = secret.bytes().iter().map(|byte| byte ^ OTHER).collect();
    // It has as many bytes as the one before.
    Secret::from_bytes(bytes).unwrap_or_else(|_| secret.clone())
}

async fn unsigned(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    for (what, without) in [
        ("none of the three headers", &[HEADER_ID, HEADER_TIMESTAMP, HEADER_SIGNATURE][..]),
        ("no signature", &[HEADER_SIGNATURE]),
    ] {
        found.extend(must(context, what, sound(context).without(without), 401).await);
    }
    let empty = sound(context).with(HEADER_SIGNATURE, "v1,");
    found.extend(must(context, "an empty signature", empty, 401).await);
    found
}

async fn wrong_signature(context: &Context) -> Vec<String> {
    let message = sound(context).signed(&another(&context.sidecar.secret), 0);
    must(context, "another secret", message, 401).await.into_iter().collect()
}

async fn wrong_time(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    for (what, off) in [("ten minutes ago", -OFF), ("in ten minutes", OFF)] {
        found.extend(must(context, what, sound(context).signed(&context.sidecar.secret, off), 401).await);
    }
    found
}

async fn altered(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    let value = sound(context);
    let body = String::from_utf8_lossy(&value.body).replace("\"attempt\":1", "\"attempt\":2").into_bytes();
    found.extend(must(context, "another value", Message { body, ..value }, 401).await);
    // The same JSON in other bytes: who writes the body anew before verifying it accepts this.
    let mut spaced = sound(context);
    spaced.body.push(b' ');
    found.extend(must(context, "a space more", spaced, 401).await);
    found
}

async fn two_signatures(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    for right_first in [true, false] {
        let message = sound(context);
        let right = message.header(HEADER_SIGNATURE).unwrap_or_default().to_owned();
        let wrong = message.clone().signed(&another(&context.sidecar.secret), 0);
        let wrong = wrong.header(HEADER_SIGNATURE).unwrap_or_default().to_owned();
        let (what, both) = if right_first {
            ("the first signature is right", format!("{right} {wrong}"))
        } else {
            ("the second signature is right", format!("{wrong} {right}"))
        };
        found.extend(must(context, what, message.with(HEADER_SIGNATURE, both), 200).await);
    }
    found
}

fn signed_answers(context: &Context) -> Finding {
    let declared = context.discovered.document().is_some_and(|document| document.auth.signed_response);
    let Some(secret) = &context.options.response_secret else {
        return Finding::skipped(if declared {
            "answers are signed, but the kit was not told their secret"
        } else {
            "answers are not signed"
        });
    };
    let now = clock::now();
    let mut found = Vec::new();
    for round in &context.rounds {
        let Some(answer) = round.good() else { continue };
        let signed = SignedHeaders::read(|name| answer.headers.get(name)?.to_str().ok());
        let said = match signed {
            Err(error) => error.to_string(),
            Ok(signed)
                if verify(std::slice::from_ref(&context.sidecar.secret), &signed, &answer.body, now)
                    .is_ok() =>
            {
                "the answer is signed with the secret of the requests".to_owned()
            }
            Ok(signed) if signed.id != round.request.id => {
                "`webhook-id` is not that of the request".to_owned()
            }
            Ok(signed) => match verify(std::slice::from_ref(secret), &signed, &answer.body, now) {
                Ok(()) => continue,
                Err(error) => error.to_string(),
            },
        };
        found.push(format!("{}: {said}", round.place()));
    }
    Finding::of(found)
}

async fn old_tls(context: &Context) -> Finding {
    let Some(url) = reqwest::Url::parse(&context.sidecar.endpoint).ok().filter(|url| url.scheme() == "https")
    else {
        return Finding::skipped("the URL is not https");
    };
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Finding::skipped("the URL names no host");
    };
    match tls::agrees_to_tls_1_1(host.trim_matches(['[', ']']), port).await {
        Ok(false) => Finding::Passed,
        Ok(true) => Finding::Failed(vec!["TLS 1.1 is agreed to".to_owned()]),
        Err(error) => Finding::Failed(vec![error.to_string()]),
    }
}

async fn other_headers(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    let other_type = if context.types.first().is_some_and(|hook| hook.as_str() == "logout.evaluate") {
        "claims.source"
    } else {
        "logout.evaluate"
    };
    let other_id = sound(context).with(HEADER_ID, fresh_id()).signed(&context.sidecar.secret, 0);
    for (what, message) in [
        ("another `Placet-Type`", sound(context).with("placet-type", other_type)),
        ("another `Placet-Issuer`", sound(context).with("placet-issuer", "https://other.example")),
        ("another `Placet-Protocol`", sound(context).with("placet-protocol", "1.9")),
        ("a `Placet-Tenant` of none", sound(context).with("placet-tenant", "other")),
        ("another `webhook-id`", other_id),
    ] {
        found.extend(must(context, what, message, 400).await);
    }
    found
}
