//! Rules within the server: they need no network, and only narrow.

use async_trait::async_trait;
use placet_sdk::decision::{Decision, PolicyError, Reason, Verdict};
use serde_json::{Value, json};

use super::{Answered, Backend, Call};
use crate::{config::RulesConfig, policy::failure::Failed};

/// Built-in rules.
pub(in crate::policy) struct Rules(pub(in crate::policy) RulesConfig);

#[async_trait]
impl Backend for Rules {
    async fn ask(&self, call: &Call) -> Result<Answered, Failed> {
        Ok(Answered { decision: self.decide(call), attempts: 1 })
    }
}

impl Rules {
    fn decide(&self, call: &Call) -> Decision {
        let id = call.request.id.clone();
        if let Some(code) = &self.0.deny {
            return denied(id, code, "this is denied by a rule of the server");
        }
        let grant = call.request.proposal.grant.clone().unwrap_or_default();
        let mut set = serde_json::Map::new();
        for (member, proposed, allowed, code) in [
            ("scope", &grant.scope, &self.0.scope, "invalid_scope"),
            ("resources", &grant.resources, &self.0.resources, "invalid_target"),
        ] {
            let (Some(proposed), Some(allowed)) = (proposed, allowed) else { continue };
            let kept: Vec<&String> = proposed.iter().filter(|value| fits(value, allowed)).collect();
            if kept.is_empty() && !proposed.is_empty() {
                return denied(id, code, "a rule of the server allows nothing of what is asked for");
            }
            if kept.len() < proposed.len() {
                set.insert(member.to_owned(), json!(kept));
            }
        }
        let (access, refresh, identity) = (
            grant.access_token.and_then(|t| t.lifetime),
            grant.refresh_token.and_then(|t| t.lifetime),
            grant.id_token.and_then(|t| t.lifetime),
        );
        for (member, proposed, longest) in [
            ("access_token", access, self.0.access_token_lifetime),
            ("refresh_token", refresh, self.0.refresh_token_lifetime),
            ("id_token", identity, self.0.id_token_lifetime),
        ] {
            if let (Some(proposed), Some(longest)) = (proposed, longest)
                && proposed > longest
            {
                set.insert(member.to_owned(), json!({ "lifetime": longest }));
            }
        }
        let mut decision = Decision::allow(id);
        if !set.is_empty() {
            decision.set = Some([("grant".to_owned(), Value::Object(set))].into_iter().collect());
        }
        decision
    }
}

fn denied(id: String, code: &str, description: &str) -> Decision {
    let error = PolicyError { code: code.to_owned(), description: Some(description.to_owned()), uri: None };
    Decision {
        decision: Verdict::Deny,
        error: Some(error),
        reason: Some(Reason { code: "rule".to_owned(), detail: None }),
        ..Decision::allow(id)
    }
}

/// Whether one of the patterns fits; a trailing `*` stands for anything.
pub(in crate::policy) fn fits(value: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => value.starts_with(prefix),
        None => value == pattern,
    })
}
