//! What a security profile demands of the server itself, and of the clients in the configuration.

use placet_oauth::profile::Profile;

use crate::{
    client::profile,
    config::{Config, TlsProfile},
};

/// FAPI 2.0 Security Profile section 5.3.2.1: codes live a minute at most.
const FAPI_CODE: u32 = 60;
/// FAPI 2.0 Security Profile section 5.3.2.2: pushed requests live less than ten minutes.
const FAPI_PUSHED: u32 = 600;

impl Config {
    pub(super) fn check_security(&self, wrong: &mut Vec<String>) {
        if let Some(profile) = self.profile.filter(|profile| profile.is_fapi()) {
            self.check_fapi(profile, wrong);
        }
        // Access tokens would go out in clear: better no server than one that promises what it does not do.
        for resource in self.resource.iter().filter(|resource| resource.encryption.is_some()) {
            wrong.push(format!(
                "[[resource]] `{}`: encryption: access tokens are not encrypted yet",
                resource.uri
            ));
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
