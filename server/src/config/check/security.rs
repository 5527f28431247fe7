//! What a security profile demands of the server itself, and of the clients in the configuration.

use placet_oauth::profile::Profile;

use crate::{
    client::profile,
    config::{Config, TlsProfile},
    keys::parse_algorithm,
};

/// FAPI 2.0 Security Profile section 5.3.2.1: codes live a minute at most.
const FAPI_CODE: u32 = 60;
/// FAPI 2.0 Security Profile section 5.3.2.2: pushed requests live less than ten minutes.
const FAPI_PUSHED: u32 = 600;

impl Config {
    pub(super) fn check_security(&self, wrong: &mut Vec<String>) {
        for alg in self.signing_algs.iter().filter(|alg| parse_algorithm(alg).is_none()) {
            wrong.push(format!("signing_algs: `{alg}` is not supported"));
        }
        if !self.signs_with("RS256") {
            wrong.push(
                "signing_algs: `RS256` must be among them; clients that name no algorithm get it".to_owned(),
            );
        }
        if let Some(alg) = self.signing_alg.as_deref().filter(|alg| !self.signs_with(alg)) {
            wrong.push(format!("signing_alg: `{alg}` is not supported"));
        }
        if let Some(profile) = self.profile.filter(|profile| profile.is_fapi()) {
            self.check_fapi(profile, wrong);
        }
        for client in &self.clients {
            let profiles = profile::profiles_of(self.profile, &client.settings);
            let metadata = profile::complete(client.metadata.clone(), &profiles);
            let found = profile::shortcomings(&metadata, &client.settings, &profiles);
            wrong.extend(found.into_iter().map(|what| format!("client `{}`: {what}", client.client_id)));
        }
    }

    fn check_fapi(&self, profile: Profile, wrong: &mut Vec<String>) {
        let mut say = |text: &str| wrong.push(format!("profile `{}`: {text}", profile.as_str()));
        if self.lifetimes.code > FAPI_CODE {
            say("lifetimes.code must be at most 60 seconds");
        }
        if self.lifetimes.pushed_request >= FAPI_PUSHED {
            say("lifetimes.pushed_request must be less than 600 seconds");
        }
        let resources = self.resource.iter().filter_map(|resource| resource.signing_alg.as_deref());
        if let Some(alg) =
            resources.chain(self.signing_alg.as_deref()).find(|alg| !profile.allows_algorithm(alg))
        {
            say(&format!(
                "signing_alg of the server and of resources must be PS256, ES256 or EdDSA, and not {alg}"
            ));
        }
        if !self.signs_with("PS256") {
            say("signing_algs must hold PS256, which clients get that name no algorithm");
        }
        if self.tls.certificate_file.is_some() && self.tls.profile != TlsProfile::Fapi {
            say("tls.profile must be `fapi`");
        }
        if profile == Profile::Fapi1Advanced && !self.sees_client_certificates() {
            say(
                "tokens are bound to certificates, and none can reach this server: see tls.client_certificates, mtls.listen \
                 and mtls.proxy",
            );
        }
    }
}
