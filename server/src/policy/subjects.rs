//! Policies that may not know who somebody is: subjects are replaced by those that the client's sector sees.

use std::collections::BTreeMap;

use placet_oauth::pairwise::pairwise_subject;
use placet_sdk::{
    decision::{DecisionRequest, PartyType},
    grant::{Actor, Object},
};
use serde_json::Value;

/// Subjects and what stands for them.
#[derive(Debug, Default)]
pub(super) struct Masquerade(BTreeMap<String, String>);

impl Masquerade {
    /// What stands for the users of a request in this sector.
    pub(super) fn new(request: &DecisionRequest, sector: &str, salt: &[u8]) -> Self {
        users(request).into_iter().map(|sub| (sub.clone(), pairwise_subject(sector, &sub, salt))).collect()
    }

    /// Puts the masks on.
    pub(super) fn cover(&self, value: &mut Value) {
        replace(value, &self.0);
    }

    /// Takes the masks off what an answer sets.
    pub(super) fn uncover(&self, set: &mut Object) {
        let back = self.0.iter().map(|(sub, mask)| (mask.clone(), sub.clone())).collect();
        for value in set.values_mut() {
            replace(value, &back);
        }
    }
}

impl FromIterator<(String, String)> for Masquerade {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The local subjects that a request is about.
pub(super) fn users(request: &DecisionRequest) -> Vec<String> {
    let parties = [&request.subject, &request.actor];
    let parties = parties.into_iter().flatten().filter(|party| party.party_type == PartyType::User);
    let mut subs: Vec<String> = parties.map(|party| party.sub.clone()).collect();
    subs.extend(request.session.as_ref().map(|session| session.sub.clone()));
    subs.extend(request.proposal.ciba.as_ref().and_then(|ciba| ciba.sub.clone()));
    if let Some(grant) = &request.proposal.grant {
        subs.extend(grant.sub.clone());
        let actors = std::iter::successors(grant.act.as_ref(), |actor: &&Actor| actor.act.as_deref());
        subs.extend(actors.filter(|actor| actor.client_id.is_none()).map(|actor| actor.sub.clone()));
    }
    subs.sort();
    subs.dedup();
    subs
}

/// Replaces the values of all members `sub` that are known.
fn replace(value: &mut Value, known: &BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "sub" => {
                        if let Some(other) = known.get(text) {
                            text.clone_from(other);
                        }
                    }
                    value => replace(value, known),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, known)),
        _ => {}
    }
}
