//! What `when` looks at: something that a question to this policy can have.

use placet_sdk::decision::{HookType, can_lead};

use crate::config::PolicyConfig;

pub(super) fn check(policy: &PolicyConfig, wrong: &mut Vec<String>) {
    let pointers = policy.when.iter().flat_map(|matcher| matcher.keys());
    for pointer in pointers.filter(|pointer| pointer.starts_with('/')) {
        if let Some(why) = blind(policy, pointer) {
            wrong.push(format!("when: `{pointer}` {why}"));
        }
    }
}

/// Why a pointer never leads to anything in a question to this policy. A predicate about it would never be true, or always
/// be: the policy would be forgotten, or its condition.
fn blind(policy: &PolicyConfig, pointer: &str) -> Option<String> {
    let mut segments = pointer.split('/').skip(1);
    let (section, member, name) = (segments.next().unwrap_or_default(), segments.next(), segments.next());
    let named = name.map(|name| name.replace("~1", "/").replace("~0", "~"));
    match (section, member, named) {
        ("request", Some("headers"), Some(name)) => {
            let seen = policy.headers.iter().any(|header| header.to_ascii_lowercase() == name);
            return (!seen).then(|| "is no header, in lower case, that `headers` lists".to_owned());
        }
        ("request", Some("headers"), None) if policy.headers.is_empty() => {
            return Some("needs `headers`".to_owned());
        }
        ("client", Some("metadata"), None) if policy.client_metadata.is_empty() => {
            return Some("needs `client_metadata`".to_owned());
        }
        ("client", Some("metadata"), Some(name)) if !policy.client_metadata.contains(&name) => {
            return Some("is not listed in `client_metadata`".to_owned());
        }
        _ => {}
    }
    if !can_lead(pointer) {
        return Some("is in no question".to_owned());
    }
    let of_some = HookType::ALL.iter().any(|hook| hook.section() == section);
    let of_these = policy.types.iter().any(|hook| hook.section() == section);
    (of_some && !of_these).then(|| "is in no question of these types".to_owned())
}
