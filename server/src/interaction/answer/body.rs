//! Reading an answer: strict JSON, the right type for the prompt, no unknown members.

use placet_oauth::claims::strict_json_bytes;
use placet_sdk::interaction::{Answer, Body};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::with_position;
use crate::{
    interaction::state::State,
    problem::{ApiResult, invalid_answer, problem},
};

/// Reads the answer to the current prompt of a state.
pub(super) fn read(raw: &[u8], state: &State) -> ApiResult<Answer> {
    let value = strict_json_bytes(raw).map_err(|reason| invalid_answer("", "malformed", &reason))?;
    let Value::Object(mut members) = value else {
        return Err(invalid_answer("", "wrong_type", "an object is expected"));
    };
    let Some(Value::String(kind)) = members.remove("type") else {
        return Err(invalid_answer("/type", "missing", "a string is expected"));
    };
    let asked = state.prompt.body.type_name();
    let fits = kind == asked || kind == "deny";
    if !fits || state.prompt.body.is_terminal() {
        let detail = format!("the prompt is `{asked}`, the answer is `{kind}`");
        return Err(with_position(problem(422, "type_mismatch", &detail), state).into());
    }
    let answer = match (kind.as_str(), &state.prompt.body) {
        ("deny", _) => Answer::Deny(member(members)?),
        (_, Body::Auth { .. }) => Answer::Auth(member(members)?),
        (_, Body::Consent { .. }) => Answer::Consent(Box::new(member(members)?)),
        (_, Body::Confirm { .. }) => Answer::Confirm(member(members)?),
        (_, Body::Custom { .. }) => Answer::Custom(member(members)?),
        _ => Answer::UserCode(member(members)?),
    };
    Ok(answer)
}

/// Reads an object of the contract; the error points at the member.
pub(crate) fn member<T: DeserializeOwned>(members: Map<String, Value>) -> ApiResult<T> {
    serde_path_to_error::deserialize(Value::Object(members)).map_err(|e| {
        let pointer = pointer(e.path());
        invalid_answer(&pointer, "invalid", &e.inner().to_string())
    })
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut out, segment| {
        let text = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => return out,
        };
        out.push('/');
        out.push_str(&text.replace('~', "~0").replace('/', "~1"));
        out
    })
}
