//! What never stands in the log, and what the operator keeps out of it.

use serde_json::Value;

use crate::{
    config::DecisionLogConfig,
    seal::{SymmetricKey, hex},
};

/// Secrets of people and tokens: never in the log, whatever the configuration says.
const SECRETS: [&str; 5] = [
    "/password/password",
    "/password/otp",
    "/ciba/user_code",
    "/raw_assertion/value",
    // What a page of the login app collected may be a code.
    "/interaction/results",
];
/// What stands for something that is masked.
const MASK: &str = "***";

/// What is masked.
pub(super) struct Masks {
    mask: Vec<String>,
    hash: Vec<String>,
    key: SymmetricKey,
}

impl Masks {
    pub(super) fn new(config: &DecisionLogConfig, key: &SymmetricKey) -> Self {
        let key = key.derive("decision log");
        Self { mask: config.mask.clone(), hash: config.hash.clone(), key }
    }

    /// Masks a question. Gives the pointers of what was masked.
    pub(super) fn cover(&self, question: &mut Value) -> Vec<String> {
        let mut masked = Vec::new();
        let replaced = SECRETS.iter().copied().chain(self.mask.iter().map(String::as_str));
        for (pointer, hashed) in
            replaced.map(|pointer| (pointer, false)).chain(self.hash.iter().map(|p| (p.as_str(), true)))
        {
            let Some(value) = question.pointer_mut(pointer) else { continue };
            *value = if hashed { self.digest(value).into() } else { MASK.into() };
            masked.push(pointer.to_owned());
        }
        masked
    }

    /// Masks a value of the record as the member of the question that this pointer leads to.
    pub(super) fn like(&self, pointer: &str, value: String) -> String {
        if self.hash.iter().any(|hashed| hashed == pointer) {
            return self.digest(&Value::String(value));
        }
        if self.mask.iter().any(|masked| masked == pointer) { MASK.to_owned() } else { value }
    }

    /// How a value that is looked for stands in the record. One that is replaced cannot be found: all look alike.
    pub(super) fn sought(&self, pointer: &str, value: &str) -> String {
        let shown = self.like(pointer, value.to_owned());
        if shown == MASK { value.to_owned() } else { shown }
    }

    fn digest(&self, value: &Value) -> String {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        format!("hmac:{}", hex(&self.key.mac("mask", &[text.as_bytes()])[..16]))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_always_masked_and_the_rest_as_the_operator_says() {
        let config = DecisionLogConfig {
            mask: vec!["/session/data".to_owned(), "/nothing/here".to_owned()],
            hash: vec!["/subject/sub".to_owned()],
            ..DecisionLogConfig::default()
        };
        let masks = Masks::new(&config, &SymmetricKey::new([1; 32]));
        let mut one = json!({
            "password": { "username": "alice", "password": "secret", "otp": "123456" },
            "interaction": { "id": "ia_1", "results": { "code": { "value": "917253" } } },
            "subject": { "sub": "alice" }, "session": { "data": { "a": 1 } },
        });
        let mut other = one.clone();
        let masked = masks.cover(&mut one);
        assert_eq!(
            masked,
            ["/password/password", "/password/otp", "/interaction/results", "/session/data", "/subject/sub"]
        );
        assert_eq!(one["interaction"], json!({ "id": "ia_1", "results": "***" }));
        assert_eq!(one["password"], json!({ "username": "alice", "password": "***", "otp": "***" }));
        assert_eq!(one["session"]["data"], "***");
        assert!(one["subject"]["sub"].as_str().unwrap().starts_with("hmac:"));
        masks.cover(&mut other);
        assert_eq!(one, other, "equal values stay comparable");
    }
}
