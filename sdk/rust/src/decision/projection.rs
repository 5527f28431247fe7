//! What of a request a sidecar is shown.

use serde_json::Value;

use super::request::DecisionRequest;
use crate::grant::Object;

/// The members that every sidecar is sent.
const MANDATORY: [&str; 14] = [
    "protocol", "id", "type", "time", "deadline", "mode", "attempt", "issuer", "tenant", "chain", "proposal",
    "limits", "requires", "request",
];

impl DecisionRequest {
    /// The request as a sidecar is sent it that declares these `needs` in its discovery document: the mandatory
    /// members, and what its pointers name. Without a declaration it is sent everything.
    pub fn shown(&self, needs: Option<&[String]>) -> Result<Value, serde_json::Error> {
        let whole = serde_json::to_value(self)?;
        let (Some(needs), Value::Object(mut members)) = (needs, whole.clone()) else { return Ok(whole) };
        members.retain(|name, _| MANDATORY.contains(&name.as_str()));
        if let Some(Value::Object(request)) = members.get_mut("request") {
            request.retain(|name, _| name == "endpoint");
        }
        for pointer in needs {
            if let Some(value) = whole.pointer(pointer).filter(|_| !pointer.is_empty()) {
                place(&mut members, pointer, value);
            }
        }
        Ok(Value::Object(members))
    }
}

/// Puts a value where a pointer says; on the way there are objects alone.
fn place(members: &mut Object, pointer: &str, value: &Value) {
    let names = pointer.strip_prefix('/').unwrap_or(pointer).split('/');
    let mut names = names.map(|name| name.replace("~1", "/").replace("~0", "~"));
    let Some(last) = names.next_back() else { return };
    let mut at = members;
    for name in names {
        let inner = at.entry(name).or_insert_with(|| Value::Object(Object::new()));
        let Value::Object(inner) = inner else { return };
        at = inner;
    }
    at.insert(last, value.clone());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> DecisionRequest {
        serde_json::from_value(json!({
            "protocol": "1.0", "id": "dec_1", "type": "claims.source", "time": "2026-11-23T09:20:00Z",
            "deadline": "2026-11-23T09:20:01Z", "mode": "enforce", "attempt": 1, "issuer": "https://as.example",
            "chain": {"policy": "p", "position": 1, "of": 1},
            "request": {"endpoint": "userinfo", "remote": {"ip": "192.0.2.7"}, "user_agent": "a/1"},
            "client": {"client_id": "c", "data": {"tier": "gold", "team": "books"}},
            "subject": {"sub": "alice", "type": "user", "source": "authorization"},
            "claims": {"target": "userinfo", "requested": []},
            "proposal": {}, "limits": {},
        }))
        .unwrap()
    }

    #[test]
    fn who_declares_nothing_is_sent_everything() {
        assert_eq!(request().shown(None).unwrap(), serde_json::to_value(request()).unwrap());
    }

    #[test]
    fn who_declares_needs_is_sent_the_mandatory_members_and_those() {
        let needs = ["/claims", "/client/data/tier", "/request/remote", "/session"].map(str::to_owned);
        let shown = request().shown(Some(&needs)).unwrap();
        assert_eq!(shown["claims"]["target"], "userinfo");
        assert_eq!(shown["client"], json!({"data": {"tier": "gold"}}));
        assert_eq!(shown["request"], json!({"endpoint": "userinfo", "remote": {"ip": "192.0.2.7"}}));
        assert_eq!((shown.get("subject"), shown.get("session")), (None, None));
        assert_eq!(shown["limits"], json!({}));
        let nothing = request().shown(Some(&[])).unwrap();
        assert_eq!(nothing["request"], json!({"endpoint": "userinfo"}));
        assert_eq!(nothing.as_object().unwrap().len(), 12);
    }
}
