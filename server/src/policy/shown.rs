//! What a policy is shown of a question: no more than it needs.

pub(super) use placet_sdk::decision::project;
use serde_json::Value;

/// What is left out of questions whose answers are kept, unless it is needed by name: it would make each of them
/// another question.
const FLEETING: [&str; 3] = ["/request/remote", "/request/user_agent", "/session/id"];

/// Takes away what would make each question another one.
pub(super) fn steady(request: &mut Value, needs: Option<&[String]>) {
    for pointer in FLEETING {
        let named = needs.is_some_and(|needs| {
            needs.iter().any(|need| need == pointer || need.starts_with(&format!("{pointer}/")))
        });
        if !named {
            remove(request, pointer);
        }
    }
}

/// Removes what a pointer leads to.
pub(super) fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    if let Some(Value::Object(members)) = value.pointer_mut(parent) {
        members.remove(&name.replace("~1", "/").replace("~0", "~"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> Value {
        json!({
            "protocol": "1.0", "id": "dec_1", "type": "grant.refresh_token", "time": "2026-11-23T09:00:00Z",
            "deadline": "2026-11-23T09:00:01Z", "mode": "enforce", "attempt": 1, "issuer": "https://as.example",
            "chain": { "policy": "p", "position": 1, "of": 1 },
            "client": { "client_id": "web", "name": "Books", "data": { "tier": "gold", "owner": "x" } },
            "subject": { "sub": "alice", "type": "user", "source": "authorization", "claims": { "a": 1 } },
            "session": { "id": "ses_1", "sub": "alice", "acr": "1" },
            "request": { "endpoint": "token", "remote": { "ip": "192.0.2.1" }, "user_agent": "x" },
            "proposal": { "grant": { "scope": ["a"] } }, "limits": {}, "requires": ["/grant/scope"],
        })
    }

    #[test]
    fn what_differs_from_request_to_request_is_shown_only_by_name_where_answers_are_kept() {
        let mut shown = request();
        steady(&mut shown, None);
        assert_eq!(shown["request"], json!({ "endpoint": "token" }));
        assert_eq!(shown["session"], json!({ "sub": "alice", "acr": "1" }));
        let mut shown = request();
        steady(&mut shown, Some(&["/request/remote/ip".to_owned()]));
        assert_eq!(shown["request"], json!({ "endpoint": "token", "remote": { "ip": "192.0.2.1" } }));
    }
}
