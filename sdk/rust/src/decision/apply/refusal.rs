//! What a denial and a challenge may say.

use super::super::{
    answer::{Challenge, Decision, PolicyError},
    hook::HookType,
    json,
    violation::{Violation, ViolationCode},
};

/// The longest description of an error, in bytes.
const MAX_DESCRIPTION: usize = 512;
/// The longest URI of a page about an error, in bytes.
const MAX_URI: usize = 2048;
/// The longest name of a page, in bytes.
const MAX_NAME: usize = 64;
/// The most values of a list.
const MAX_VALUES: usize = 32;
/// The longest message for a page, in bytes.
const MAX_MESSAGE: usize = 512;

pub(super) fn error(hook: HookType, decision: &Decision, extra: &[String]) -> Result<PolicyError, Violation> {
    let Some(error) = &decision.error else {
        return Err(Violation::schema("/error", "a denial says what the client is told"));
    };
    if !hook.error_codes().contains(&error.code.as_str()) && !extra.contains(&error.code) {
        let allowed = hook.error_codes().join("`, `");
        let detail = format!("`{hook}` may be denied with `{allowed}`");
        return Err(Violation::new(ViolationCode::ErrorCode, "/error/code", detail));
    }
    if let Some(description) = &error.description {
        described("/error/description", description, MAX_DESCRIPTION, true)?;
    }
    if let Some(uri) = &error.uri {
        described("/error/uri", uri, MAX_URI, false)?;
    }
    Ok(error.clone())
}

/// The characters of RFC 6749 section 5.2; a URI has no spaces.
fn described(pointer: &str, text: &str, max: usize, spaces: bool) -> Result<(), Violation> {
    let fits = |byte: u8| match byte {
        b' ' => spaces,
        b'"' | b'\\' => false,
        other => other.is_ascii_graphic(),
    };
    if text.is_empty() || text.len() > max || !text.bytes().all(fits) {
        let detail = format!("this is printable ASCII without `\"` and `\\`, at most {max} bytes");
        return Err(Violation::schema(pointer, detail));
    }
    Ok(())
}

pub(super) fn challenge(hook: HookType, decision: &Decision) -> Result<Challenge, Violation> {
    let Some(challenge) = &decision.challenge else {
        return Err(Violation::schema("/challenge", "a challenge says what is needed"));
    };
    if !hook.challengeable() {
        return Err(Violation::schema("/challenge", format!("`{hook}` knows no challenge")));
    }
    let (message, lists, name) = match challenge {
        Challenge::StepUp { acr_values, amr_values, message, .. } => {
            (message, vec![("acr_values", acr_values), ("amr_values", amr_values)], None)
        }
        Challenge::Consent { scope, message } => (message, vec![("scope", scope)], None),
        Challenge::SelectAccount { message } => (message, Vec::new(), None),
        Challenge::Prompt { name, message, .. } => (message, Vec::new(), Some(name)),
    };
    if message.as_ref().is_some_and(|message| message.len() > MAX_MESSAGE) {
        return Err(Violation::schema("/challenge/message", format!("at most {MAX_MESSAGE} bytes")));
    }
    if let Some((list, _)) = lists.into_iter().find(|(_, values)| values.len() > MAX_VALUES) {
        let pointer = json::below("/challenge", list);
        return Err(Violation::schema(&pointer, format!("at most {MAX_VALUES} values")));
    }
    if let Some(name) = name {
        if !matches!(hook, HookType::InteractionEvaluate | HookType::InteractionApprove) {
            return Err(Violation::schema("/challenge/kind", "no page can be shown here"));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
            let detail = format!("letters, digits, `_`, `-` and `.`, at most {MAX_NAME} of them");
            return Err(Violation::schema("/challenge/name", detail));
        }
    }
    Ok(challenge.clone())
}
