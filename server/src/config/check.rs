//! What a configuration must be to be safe. `placet check-config` prints all of it at once.

mod attestation;
mod device;
mod native_sso;
mod policies;
mod profiles;
mod receivers;
mod resources;
mod security;
mod settings;
mod tls;
mod traces;
mod trusted;

use placet_oauth::grant_type::GrantType;
use url::Url;

use super::{Config, ConfigError, FrontDoor, RegistrationMode};
use crate::seal::parse_hex;

pub use settings::{MAX_GRACE, contradiction};
pub use trusted::DEVELOPMENT_SAML_ISSUER;

/// Secrets that the project publishes: good for development, refused elsewhere.
pub const DEVELOPMENT_SECRETS: [&str; 2] =
    ["demo-secret-for-development-only-0123456789", "placet-development-ui-token-0123456789"];

impl Config {
    /// Checks the settings against each other; the error lists everything that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut wrong = Vec::new();
        self.check_addresses(&mut wrong);
        self.check_lifetimes(&mut wrong);
        self.check_request_objects(&mut wrong);
        self.check_device(&mut wrong);
        self.check_native_sso(&mut wrong);
        self.check_ciba(&mut wrong);
        self.check_uis(&mut wrong);
        self.check_clients(&mut wrong);
        self.check_registration(&mut wrong);
        self.check_trusted_issuers(&mut wrong);
        self.check_saml_issuers(&mut wrong);
        self.check_attesters(&mut wrong);
        self.check_admins(&mut wrong);
        wrong.extend(self.connections.contradictions());
        self.check_policies(&mut wrong);
        self.check_receivers(&mut wrong);
        self.check_traces(&mut wrong);
        self.check_profiles(&mut wrong);
        self.check_tls(&mut wrong);
        self.check_security(&mut wrong);
        self.check_all_resources(&mut wrong);
        if wrong.is_empty() { Ok(()) } else { Err(ConfigError::Refused(wrong)) }
    }

    fn check_addresses(&self, wrong: &mut Vec<String>) {
        match Url::parse(&self.issuer) {
            Ok(url) => {
                let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
                if url.scheme() != "https" && !(self.development && url.scheme() == "http" && loopback) {
                    wrong.push(format!("issuer `{}` must be an https URL", self.issuer));
                }
                if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
                    wrong.push("issuer must have no query, fragment or user (RFC 8414 section 2)".to_owned());
                }
                if url.path() != "/" {
                    wrong.push(
                        "issuer must have no path: the server answers at the root of its host".to_owned(),
                    );
                }
                if self.issuer.ends_with('/') {
                    wrong.push("issuer must not end in a slash".to_owned());
                }
                if self.browser.third_party && url.scheme() != "https" {
                    wrong.push("browser.third_party needs an https issuer".to_owned());
                }
            }
            Err(_) => wrong.push(format!("issuer `{}` is not a URL", self.issuer)),
        }
        if self.listen == self.private_listen && self.listen.port() != 0 {
            wrong.push(
                "listen and private_listen must differ: the interaction API is never public".to_owned(),
            );
        }
        if let Some(url) = &self.database_url
            && let Err(error) = crate::store::postgres::check_url(url)
        {
            wrong.push(error);
        }
        if !self.development && self.master_key_file.is_none() {
            wrong
                .push("master_key_file (or PLACET_MASTER_KEY_FILE) is needed outside development".to_owned());
        }
    }

    fn check_lifetimes(&self, wrong: &mut Vec<String>) {
        let l = &self.lifetimes;
        let positive = [
            ("code", l.code),
            ("auth_req_id", l.auth_req_id),
            ("resume_ticket", l.resume_ticket),
            ("interaction_idle", l.interaction_idle),
            ("interaction", l.interaction),
            ("access_token", l.access_token),
            ("id_token", l.id_token),
            ("session_idle", l.session_idle),
            ("session", l.session),
            ("refresh_token", l.refresh_token),
            ("signing_key", l.signing_key),
        ];
        for (name, value) in positive {
            if value == 0 {
                wrong.push(format!("lifetimes.{name} must be greater than 0"));
            }
        }
        if l.code > 600 {
            wrong.push("lifetimes.code must be at most 600 seconds (RFC 6749 section 4.1.2)".to_owned());
        }
        if !(5..=600).contains(&l.pushed_request) {
            wrong.push("lifetimes.pushed_request must be 5 to 600 seconds (RFC 9126 section 2.2)".to_owned());
        }
        if l.refresh_token_grace > MAX_GRACE {
            wrong.push(format!("lifetimes.refresh_token_grace must be at most {MAX_GRACE} seconds"));
        }
        if l.signing_key_publish < crate::http::KEEP_KEYS {
            wrong.push(format!(
                "lifetimes.signing_key_publish must be at least {}: so long verifiers may keep the key set",
                crate::http::KEEP_KEYS
            ));
        }
        if !(10..=3_600).contains(&self.dpop.nonce_lifetime) {
            wrong.push("dpop.nonce_lifetime must be from 10 to 3600 seconds".to_owned());
        }
        if l.signing_key_publish >= l.signing_key {
            wrong.push("lifetimes.signing_key_publish must be less than lifetimes.signing_key".to_owned());
        }
    }

    fn check_request_objects(&self, wrong: &mut Vec<String>) {
        let objects = &self.request_objects;
        if objects.required && objects.unsigned {
            wrong.push("request_objects.unsigned contradicts request_objects.required".to_owned());
        }
        if objects.max_lifetime.is_some_and(|seconds| !(60..=86_400).contains(&seconds)) {
            wrong.push("request_objects.max_lifetime must be 60 to 86400 seconds".to_owned());
        }
        if objects.single_use && !objects.expires && objects.max_lifetime.is_none() {
            wrong.push("request_objects.single_use needs expires: what never ends would have to be remembered for ever".to_owned());
        }
    }

    fn check_ciba(&self, wrong: &mut Vec<String>) {
        let ciba = &self.ciba;
        if !(1..=300).contains(&ciba.interval) {
            wrong.push("ciba.interval must be 1 to 300 seconds".to_owned());
        }
        if !(10..=3_600).contains(&ciba.max_expiry) {
            wrong.push("ciba.max_expiry must be 10 to 3600 seconds".to_owned());
        }
        if self.lifetimes.auth_req_id > ciba.max_expiry {
            wrong.push("lifetimes.auth_req_id must be at most ciba.max_expiry".to_owned());
        }
        if let Some(name) = &ciba.ui
            && !self.ui.iter().any(|ui| &ui.name == name)
        {
            wrong.push(format!("ciba.ui: no [[ui]] has the name `{name}`"));
        }
        if ciba.automatic_answers && !self.development {
            wrong.push(
                "ciba.automatic_answers answers in the name of users: it is for development mode".to_owned(),
            );
        }
    }

    fn check_uis(&self, wrong: &mut Vec<String>) {
        let published: Vec<String> =
            DEVELOPMENT_SECRETS.iter().map(|s| crate::seal::hex(&sha256(s))).collect();
        for ui in &self.ui {
            let name = &ui.name;
            if name.is_empty() {
                wrong.push("every [[ui]] needs a name".to_owned());
            }
            if self.ui.iter().filter(|other| &other.name == name).count() > 1 {
                wrong.push(format!("two [[ui]] have the name `{name}`"));
            }
            if ui.front_door == FrontDoor::Redirect && Url::parse(&ui.login_uri).is_err() {
                wrong.push(format!("[[ui]] `{name}` needs a login_uri"));
            }
            if ui.token_sha256.is_empty() && ui.client_ids.is_empty() && ui.certificate_sha256.is_empty() {
                wrong.push(format!(
                    "[[ui]] `{name}` needs token_sha256, certificate_sha256 or client_ids, else nobody can be it"
                ));
            }
            for digest in &ui.token_sha256 {
                if parse_hex(digest).is_none() {
                    wrong.push(format!("[[ui]] `{name}`: token_sha256 must be 64 hexadecimal digits"));
                } else if !self.development && published.iter().any(|p| p.eq_ignore_ascii_case(digest)) {
                    wrong.push(format!("[[ui]] `{name}` uses a development token, which everybody knows"));
                }
            }
        }
    }

    fn check_clients(&self, wrong: &mut Vec<String>) {
        let policy = self.operator_metadata_policy();
        for client in &self.clients {
            let id = &client.client_id;
            if placet_oauth::id::ClientId::parse(id).is_none() {
                wrong.push(format!("client id `{id}` is not allowed (RFC 6749 appendix A.1)"));
            }
            if self.clients.iter().filter(|other| &other.client_id == id).count() > 1 {
                wrong.push(format!("two clients have the id `{id}`"));
            }
            if client.secret.is_some() && !self.development {
                wrong.push(format!(
                    "client `{id}`: use secret_file; a secret in the configuration is for development"
                ));
            }
            for (member, what) in self.refused_settings(&client.settings) {
                wrong.push(format!("client `{id}`: {member}: {what}"));
            }
            let metadata = client.metadata.clone().with_defaults();
            if let Some(what) = contradiction(&metadata, &client.settings) {
                wrong.push(format!("client `{id}`: {what}"));
            }
            if let Err(error) = metadata.validate(&policy).and_then(|()| crate::client::check_keys(&metadata))
            {
                wrong.push(format!("client `{id}`: {}", error.description));
            }
        }
    }

    fn check_admins(&self, wrong: &mut Vec<String>) {
        let published: Vec<String> =
            DEVELOPMENT_SECRETS.iter().map(|s| crate::seal::hex(&sha256(s))).collect();
        for admin in &self.admin {
            let name = &admin.name;
            let mut say = |text: &str| wrong.push(format!("[[admin]] `{name}`: {text}"));
            if name.is_empty() || self.admin.iter().filter(|other| &other.name == name).count() > 1 {
                say("a name of its own is needed");
            }
            if admin.token_sha256.is_empty()
                && admin.client_ids.is_empty()
                && admin.certificate_sha256.is_empty()
            {
                say("token_sha256, certificate_sha256 or client_ids is needed, else nobody can be it");
            }
            if admin.roles.is_empty() {
                say("without roles it can do nothing");
            }
            for digest in &admin.token_sha256 {
                if parse_hex(digest).is_none() {
                    say("token_sha256 must be 64 hexadecimal digits");
                } else if published.iter().any(|p| p.eq_ignore_ascii_case(digest)) {
                    say("it uses a token that everybody knows");
                }
                let of_ui = self.ui.iter().flat_map(|ui| &ui.token_sha256);
                if of_ui.into_iter().any(|other| other.eq_ignore_ascii_case(digest)) {
                    say("it shares its token with a login app");
                }
            }
        }
    }

    fn check_registration(&self, wrong: &mut Vec<String>) {
        let registration = &self.registration;
        for digest in &registration.initial_access_token_sha256 {
            if parse_hex(digest).is_none() {
                wrong.push(
                    "registration.initial_access_token_sha256 must be 64 hexadecimal digits".to_owned(),
                );
            }
        }
        if registration.mode == RegistrationMode::InitialAccessToken
            && registration.initial_access_token_sha256.is_empty()
        {
            wrong.push(
                "registration.mode = \"initial_access_token\" needs initial_access_token_sha256".to_owned(),
            );
        }
        for grant in &registration.allowed_grants {
            let possible = [
                GrantType::AuthorizationCode,
                GrantType::RefreshToken,
                GrantType::Implicit,
                GrantType::DeviceCode,
                GrantType::Ciba,
            ];
            if !possible.iter().any(|known| known.as_str() == grant) {
                wrong.push(format!(
                    "registration.allowed_grants: `{grant}` can only be given by the operator"
                ));
            }
        }
        for scope in ["ui", "admin"] {
            if registration.allowed_scopes.iter().any(|s| s == scope) {
                wrong
                    .push(format!("registration.allowed_scopes: `{scope}` cannot be registered dynamically"));
            }
        }
    }
}

/// SHA-256 of a text.
pub(crate) fn sha256(text: &str) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(text.as_bytes()).into()
}
