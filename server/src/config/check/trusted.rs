//! Issuers of assertions: each is named once, with keys or limits that make sense.

use placet_sdk::decision::Trust;

use crate::config::{Config, trusted::SAML_ALGORITHMS};

/// The longest life of an assertion that may be set, in seconds.
const MAX_LIFETIME: u32 = 3_600;
/// The issuer that `placet-saml serve --dev` is: it vouches for anybody who asks it.
pub const DEVELOPMENT_SAML_ISSUER: &str = "urn:placet:development:saml";

impl Config {
    pub(super) fn check_trusted_issuers(&self, wrong: &mut Vec<String>) {
        for trusted in &self.trusted_issuers {
            let name = &trusted.issuer;
            let mut say = |text: String| wrong.push(format!("[[trusted_issuers]] `{name}`: {text}"));
            if name.is_empty() || *name == self.issuer {
                say("issuer must be set, and another than this server".to_owned());
            }
            if self.trusted_issuers.iter().filter(|other| &other.issuer == name).count() > 1 {
                say("it is there twice".to_owned());
            }
            if self.clients.iter().any(|client| &client.client_id == name) {
                say("a client has the same identifier".to_owned());
            }
            if trusted.jwks.is_some() == trusted.jwks_uri.is_some() {
                say("either jwks or jwks_uri is needed".to_owned());
            }
            if trusted.jwks_uri.as_ref().is_some_and(|uri| !self.development && !uri.starts_with("https://"))
            {
                say("jwks_uri must be an https URL".to_owned());
            }
            if let Some(set) = &trusted.jwks
                && let Err(error) = crate::jwks::KeySet::parse(set)
            {
                say(error.to_string());
            }
            for algorithm in trusted.algorithms.iter().filter(|name| !crate::jwks::is_supported(name)) {
                say(format!("algorithm `{algorithm}` is not supported"));
            }
            if trusted.algorithms.is_empty() || trusted.types.is_empty() {
                say("algorithms and types must not be empty".to_owned());
            }
            if trusted.max_lifetime == 0 || trusted.max_lifetime > MAX_LIFETIME {
                say("max_lifetime must be 1 to 3600 seconds".to_owned());
            }
        }
    }

    pub(super) fn check_saml_issuers(&self, wrong: &mut Vec<String>) {
        for issuer in &self.saml.issuers {
            let name = &issuer.entity_id;
            let mut say = |text: String| wrong.push(format!("[[saml.issuers]] `{name}`: {text}"));
            if name.is_empty() {
                say("entity_id must be set".to_owned());
            }
            if self.saml.issuers.iter().filter(|other| &other.entity_id == name).count() > 1 {
                say("it is there twice".to_owned());
            }
            if name == DEVELOPMENT_SAML_ISSUER && !self.development {
                say("it is for development: it vouches for anybody".to_owned());
            }
            if issuer.trust == Trust::Own && issuer.client_ids.len() != 1 {
                say("trust = \"self\" needs client_ids with the one client that it is".to_owned());
            }
            for algorithm in issuer.algorithms.iter().filter(|name| !SAML_ALGORITHMS.contains(&name.as_str()))
            {
                say(format!("algorithm `{algorithm}` is not supported"));
            }
            if issuer.algorithms.is_empty() {
                say("algorithms must not be empty".to_owned());
            }
            if issuer.max_lifetime == 0 || issuer.max_lifetime > MAX_LIFETIME {
                say(format!("max_lifetime must be 1 to {MAX_LIFETIME} seconds"));
            }
        }
    }
}
