//! Attesters: each is named once, with keys, and with the clients that it vouches for.

use crate::{config::Config, jwks};

/// The highest age of attestations that may be set, in seconds: a year.
const MAX_AGE: u32 = 31_536_000;

impl Config {
    pub(super) fn check_attesters(&self, wrong: &mut Vec<String>) {
        let config = &self.client_attestation;
        if config.enabled && config.attesters.is_empty() {
            wrong.push("client_attestation: without attesters nobody can authenticate".to_owned());
        }
        if config.enabled
            && let Some(profile) = self.profile.filter(|profile| profile.auth_methods().is_some())
        {
            let name = profile.as_str();
            wrong.push(format!(
                "client_attestation: the profile `{name}` does not allow clients to authenticate so"
            ));
        }
        for attester in &config.attesters {
            let name = &attester.name;
            let mut say =
                |text: String| wrong.push(format!("[[client_attestation.attesters]] `{name}`: {text}"));
            if name.is_empty() || config.attesters.iter().filter(|other| &other.name == name).count() > 1 {
                say("a name of its own is needed".to_owned());
            }
            if attester.issuer.as_ref().is_some_and(|issuer| issuer.is_empty() || *issuer == self.issuer) {
                say("issuer must be another than this server, or absent".to_owned());
            }
            if attester.jwks.is_some() == attester.jwks_uri.is_some() {
                say("either jwks or jwks_uri is needed".to_owned());
            }
            if attester.jwks_uri.as_ref().is_some_and(|uri| !self.development && !uri.starts_with("https://"))
            {
                say("jwks_uri must be an https URL".to_owned());
            }
            if let Some(set) = &attester.jwks
                && let Err(error) = jwks::KeySet::parse(set)
            {
                say(error.to_string());
            }
            for algorithm in attester.algorithms.iter().filter(|name| !jwks::is_supported(name)) {
                say(format!("algorithm `{algorithm}` is not supported"));
            }
            if attester.algorithms.is_empty() {
                say("algorithms must not be empty".to_owned());
            }
            if attester.client_ids.is_empty() {
                say("client_ids is needed: the clients that it vouches for, or `*` for every client"
                    .to_owned());
            }
            if attester.max_age.is_some_and(|age| age == 0 || age > MAX_AGE) {
                say(format!("max_age must be 1 to {MAX_AGE} seconds"));
            }
        }
    }
}
