//! Whether an answer is one: strict JSON, the right type for the prompt, within what the prompt offers.

mod grant;

use placet_sdk::{
    Instant,
    decision::strict_json,
    grant::Object,
    interaction::{
        Answer, AuthAnswer, Body, ConfirmAnswer, ConsentAnswer, CustomAnswer, DenyAnswer, Prompt,
        RememberMode, SessionAction,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Capabilities, Run};
use crate::problem::{Outcome, invalid_answer, problem};

/// Clocks may differ by so much, in seconds.
const SKEW: i64 = 60;
/// The longest subject, in characters.
const MAX_SUB: usize = 255;
/// Session claims, in bytes of JSON.
const MAX_CLAIMS: usize = 32 * 1024;
/// Other free objects, in bytes of JSON.
const MAX_DATA: usize = 8 * 1024;

/// Reads an answer to a prompt.
pub(super) fn read(raw: &[u8], prompt: &Prompt) -> Outcome<Answer> {
    let value = strict_json(raw).map_err(|broken| invalid_answer("", "malformed", &broken.detail))?;
    let Value::Object(mut members) = value else {
        return Err(invalid_answer("", "wrong_type", "an object is expected"));
    };
    let Some(Value::String(kind)) = members.remove("type") else {
        return Err(invalid_answer("/type", "missing", "a string is expected"));
    };
    let asked = prompt.body.type_name();
    if (kind != asked && kind != "deny") || prompt.body.is_terminal() {
        let detail = format!("the prompt is `{asked}`, the answer is `{kind}`");
        return Err(problem(422, "type_mismatch", &detail).into());
    }
    Ok(match (kind.as_str(), &prompt.body) {
        ("deny", _) => Answer::Deny(object(members)?),
        (_, Body::Auth { .. }) => Answer::Auth(object(members)?),
        (_, Body::Consent { .. }) => Answer::Consent(Box::new(object(members)?)),
        (_, Body::Confirm { .. }) => Answer::Confirm(object(members)?),
        (_, Body::Custom { .. }) => Answer::Custom(object(members)?),
        _ => Answer::UserCode(object(members)?),
    })
}

/// Reads an object of the contract; the error points at the member.
pub(crate) fn object<T: DeserializeOwned>(members: Map<String, Value>) -> Outcome<T> {
    serde_path_to_error::deserialize(Value::Object(members)).map_err(|e| {
        let pointer = pointer(e.path());
        invalid_answer(&pointer, "invalid", &e.inner().to_string())
    })
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |out, segment| {
        let text = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => return out,
        };
        format!("{out}/{}", text.replace('~', "~0").replace('/', "~1"))
    })
}

/// Checks what an answer says against the prompt of its run.
pub(super) fn check(answer: &Answer, run: &Run, may: &Capabilities, now: Instant) -> Outcome<()> {
    match (answer, &run.prompt.body) {
        (Answer::Deny(denial), _) => deny(denial),
        (Answer::Auth(answer), Body::Auth { .. }) => auth(answer, run, now),
        (Answer::Consent(answer), Body::Consent { consent }) => {
            remember(answer)?;
            grant::check(answer, consent, &run.prompt, may)
        }
        (Answer::Custom(answer), Body::Custom { custom }) => page(answer, &custom.name),
        (Answer::Confirm(ConfirmAnswer { scope: Some(scope), .. }), Body::Confirm { confirm })
            if !confirm.choices.contains(scope) =>
        {
            Err(invalid_answer("/scope", "not_offered", "the prompt did not offer this scope"))
        }
        _ => Ok(()),
    }
}

fn deny(denial: &DenyAnswer) -> Outcome<()> {
    let text = denial.error_description.as_deref().unwrap_or_default();
    if text.len() > 512 || !text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)) {
        let detail = "at most 512 characters that RFC 6749 section 5.2 allows";
        return Err(invalid_answer("/error_description", "charset", detail));
    }
    Ok(())
}

fn is_subject(sub: &str) -> bool {
    (1..=MAX_SUB).contains(&sub.chars().count()) && !sub.chars().any(char::is_control)
}

fn auth(answer: &AuthAnswer, run: &Run, now: Instant) -> Outcome<()> {
    if !is_subject(&answer.sub) {
        return Err(invalid_answer("/sub", "invalid", "1 to 255 characters without control characters"));
    }
    if answer.authenticated_at.is_some_and(|at| at > now.plus(SKEW)) {
        let detail = "an authentication cannot lie in the future";
        return Err(invalid_answer("/authenticated_at", "future", detail));
    }
    let session = &answer.session;
    sized("/session/claims", session.claims.as_ref(), MAX_CLAIMS)?;
    sized("/session/data", session.data.as_ref(), MAX_DATA)?;
    match (session.action, &session.id) {
        (SessionAction::Reuse, Some(id)) => match run.owner_of(id) {
            None => Err(invalid_answer("/session/id", "wrong_session", "not a session of this browser")),
            Some(sub) if sub != answer.sub => {
                Err(invalid_answer("/session/id", "wrong_session", "not a live session of this subject"))
            }
            Some(_) => Ok(()),
        },
        (SessionAction::Reuse, None) => {
            Err(invalid_answer("/session/id", "wrong_session", "not a session of this browser"))
        }
        (_, Some(_)) => Err(invalid_answer("/session/id", "unexpected", "only `reuse` names a session")),
        _ => Ok(()),
    }
}

impl Run {
    /// Whose session this is, if it is one of this browser.
    fn owner_of(&self, id: &str) -> Option<&str> {
        let own = self.prompt.session.iter().map(|s| (&s.id, &s.sub));
        let candidates = match &self.prompt.body {
            Body::Auth { auth } => auth.account.candidates.as_slice(),
            _ => &[],
        };
        let others = candidates.iter().map(|c| (&c.session_id, &c.sub));
        own.chain(others).find(|(known, _)| *known == id).map(|(_, sub)| sub.as_str())
    }
}

fn remember(answer: &ConsentAnswer) -> Outcome<()> {
    match &answer.remember {
        Some(remember) if (remember.mode == RememberMode::For) != remember.lifetime.is_some() => {
            let detail = "`lifetime` belongs to the mode `for`, and only there";
            Err(invalid_answer("/remember/lifetime", "invalid", detail))
        }
        _ => Ok(()),
    }
}

fn page(answer: &CustomAnswer, asked: &str) -> Outcome<()> {
    if answer.name != asked {
        return Err(invalid_answer("/name", "wrong_page", "the prompt asks for another page"));
    }
    sized("/result", Some(&answer.result), MAX_DATA)
}

fn sized(pointer: &str, object: Option<&Object>, limit: usize) -> Outcome<()> {
    let size = object.map_or(0, |o| serde_json::to_vec(o).map_or(usize::MAX, |bytes| bytes.len()));
    if size > limit {
        return Err(invalid_answer(pointer, "too_large", &format!("at most {limit} bytes of JSON")));
    }
    Ok(())
}
