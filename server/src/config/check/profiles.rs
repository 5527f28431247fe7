//! What access tokens and discovery may be told to say.

use placet_sdk::grant::{Object, is_reserved_claim};

use crate::{
    config::{AccessTokenProfile, AccessTokens, Config, IdentityAssurance},
    policy::ceiling::MAX_CLAIMS,
};

/// The most names in a list of claims.
const MAX_NAMES: usize = 64;

impl Config {
    pub(super) fn check_profiles(&self, wrong: &mut Vec<String>) {
        for profile in &self.access_token_profile {
            let mut found = Vec::new();
            self.check_profile(profile, &mut found);
            wrong.extend(
                found.into_iter().map(|what| format!("[[access_token_profile]] `{}`: {what}", profile.name)),
            );
        }
        let mut found = Vec::new();
        check_assurance(&self.identity_assurance, &mut found);
        wrong.extend(found.into_iter().map(|what| format!("[identity_assurance]: {what}")));
    }

    /// What is wrong with the settings of a client's access tokens: each member, and a sentence.
    pub(super) fn refused_access_tokens(&self, settings: &AccessTokens) -> Vec<(&'static str, String)> {
        let mut wrong: Vec<_> =
            values(&settings.claims).into_iter().map(|what| ("access_token.claims", what)).collect();
        if let Some(name) = settings.profile.as_ref().filter(|name| self.profile(name).is_none()) {
            wrong.push(("access_token.profile", format!("there is no [[access_token_profile]] `{name}`")));
        }
        wrong
    }

    fn check_profile(&self, profile: &AccessTokenProfile, wrong: &mut Vec<String>) {
        let named = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if profile.name.is_empty() || profile.name.len() > 64 || !profile.name.chars().all(named) {
            wrong.push("a name has 1 to 64 letters, digits, `_` and `-`".to_owned());
        }
        let others = || self.access_token_profile.iter().filter(|other| !std::ptr::eq(*other, profile));
        if others().any(|other| other.name == profile.name) {
            wrong.push("two profiles have this name".to_owned());
        }
        for resource in &profile.resources {
            if !self.has_resource(resource) {
                wrong.push(format!("`{resource}` is not among the resources of this server"));
            }
            if others().any(|other| other.resources.contains(resource)) {
                wrong.push(format!("`{resource}` is in another profile, too"));
            }
        }
        let chosen =
            self.clients.iter().any(|c| c.settings.access_token.profile.as_ref() == Some(&profile.name));
        // Clients that the admin API registers are not known here.
        if profile.resources.is_empty() && !chosen && self.admin.is_empty() {
            wrong.push("it has no resources and no client chooses it: no token has it".to_owned());
        }
        names("claims", &profile.claims, wrong);
        names("unconsented_claims", &profile.unconsented_claims, wrong);
        wrong.extend(values(&profile.static_claims).into_iter().map(|what| format!("static_claims: {what}")));
        if let Some(name) = profile.claims.iter().find(|name| profile.unconsented_claims.contains(name)) {
            wrong.push(format!("`{name}` is in claims and in unconsented_claims: only one can be meant"));
        }
        let sourced = profile.claims.iter().chain(&profile.unconsented_claims);
        if let Some(name) = sourced.into_iter().find(|name| profile.static_claims.contains_key(*name)) {
            wrong.push(format!("static_claims: `{name}` comes from claims sources already"));
        }
    }
}

/// Names of claims that are asked for.
fn names(setting: &str, names: &[String], wrong: &mut Vec<String>) {
    if names.len() > MAX_NAMES {
        wrong.push(format!("{setting}: at most {MAX_NAMES} names"));
    }
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() || name.len() > 255 {
            wrong.push(format!("{setting}: a name has 1 to 255 bytes"));
        } else if is_reserved_claim(name) {
            wrong.push(format!("{setting}: the server alone writes `{name}`"));
        } else if names[..at].contains(name) {
            wrong.push(format!("{setting}: `{name}` is there twice"));
        }
    }
}

/// Claims with values.
fn values(claims: &Object) -> Vec<String> {
    let reserved = claims.keys().filter(|name| is_reserved_claim(name));
    let mut wrong: Vec<String> = reserved.map(|name| format!("the server alone writes `{name}`")).collect();
    let bytes = serde_json::to_vec(claims).map_or(usize::MAX, |bytes| bytes.len());
    if bytes > usize::try_from(MAX_CLAIMS).unwrap_or(usize::MAX) {
        wrong.push(format!("at most {MAX_CLAIMS} bytes of JSON"));
    }
    wrong
}

/// What the specification makes depend on each other (section 8).
fn check_assurance(said: &IdentityAssurance, wrong: &mut Vec<String>) {
    if said.is_empty() {
        return;
    }
    if said.trust_frameworks.is_empty() || said.claims.is_empty() {
        wrong.push("trust_frameworks and claims are needed".to_owned());
    }
    let known = ["document", "electronic_record", "vouch", "electronic_signature"];
    for evidence in said.evidence.iter().filter(|evidence| !known.contains(&evidence.as_str())) {
        wrong.push(format!("evidence: `{evidence}` is no type of evidence"));
    }
    let has = |evidence: &str| said.evidence.iter().any(|one| one == evidence);
    if has("document") == said.documents.is_empty() {
        wrong.push("documents and the evidence `document` need each other".to_owned());
    }
    let methods = said.documents_methods.iter().chain(&said.documents_check_methods).count();
    if methods > 0 && !has("document") {
        wrong.push("methods for documents need the evidence `document`".to_owned());
    }
    if has("electronic_record") == said.electronic_records.is_empty() {
        wrong.push("electronic_records and the evidence `electronic_record` need each other".to_owned());
    }
    for kind in said.attachments.iter().filter(|kind| !["embedded", "external"].contains(&kind.as_str())) {
        wrong.push(format!("attachments: `{kind}` is neither `embedded` nor `external`"));
    }
    let external = said.attachments.iter().any(|kind| kind == "external");
    if external != said.digest_algorithms.iter().any(|algorithm| algorithm == "sha-256") {
        wrong.push(
            "external attachments need digest_algorithms with `sha-256`, and nothing else does".to_owned(),
        );
    }
}
