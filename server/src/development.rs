//! What `placet dev` adds to a configuration: the demo client and the login app, with secrets that everybody knows.

use placet_oauth::{client::ClientMetadata, grant_type::GrantType};
use placet_sdk::decision::HookType;
use placet_server::{
    config::{
        AdminConfig, AdminRole, Capability, ClientConfig, ClientSettings, Config, ConfigError,
        RegistrationMode, UiConfig,
    },
    random::{self, OsRandom},
    seal::hex,
    server::StartError,
};
use sha2::{Digest as _, Sha256};

use crate::command::published;

/// Prepares a configuration for development; what the file says stays.
pub(crate) fn prepare(config: &mut Config) {
    let [client_secret, ui_token] = published();
    config.development = true;
    config.registration.mode = RegistrationMode::Open;
    if config.ui.is_empty() {
        config.ui.push(UiConfig {
            name: "login".to_owned(),
            login_uri: "http://localhost:8090/".to_owned(),
            token_sha256: vec![hex(&Sha256::digest(ui_token))],
            capabilities: vec![
                Capability::SetTokens,
                Capability::Sessions,
                Capability::Authorizations,
                Capability::Report,
            ],
            ..UiConfig::default()
        });
    }
    if !config.clients.iter().any(|c| c.client_id == "demo") {
        config.clients.push(ClientConfig {
            client_id: "demo".to_owned(),
            secret: Some(client_secret.to_owned()),
            secret_file: None,
            metadata: ClientMetadata {
                client_name: Some("Demo app".to_owned()),
                redirect_uris: Some(vec!["http://localhost:8093/callback".to_owned()]),
                post_logout_redirect_uris: Some(vec!["http://localhost:8093/".to_owned()]),
                initiate_login_uri: Some("http://localhost:8093/login".to_owned()),
                client_uri: Some("http://localhost:8093/".to_owned()),
                grant_types: Some(vec![
                    GrantType::AuthorizationCode,
                    GrantType::RefreshToken,
                    GrantType::ClientCredentials,
                ]),
                scope: Some("openid profile email address phone offline_access reports.read".to_owned()),
                ..ClientMetadata::default()
            },
            settings: ClientSettings::default(),
        });
    }
    admit_grants(config);
    if !config.scopes.iter().any(|s| s.value == "reports.read") {
        config.scopes.push(placet_server::config::ScopeConfig {
            value: "reports.read".to_owned(),
            title: [
                (String::new(), "Read your reports".to_owned()),
                ("de".to_owned(), "Ihre Berichte lesen".to_owned()),
            ]
            .into(),
            ..placet_server::config::ScopeConfig::default()
        });
    }
}

/// The demo client may use the grants that a policy decides about.
fn admit_grants(config: &mut Config) {
    let on = |hook| config.policy.iter().any(|policy| policy.types.contains(&hook));
    let saml = on(HookType::AssertionSaml2) && on(HookType::GrantSaml2Bearer);
    let grants: Vec<GrantType> = [
        (on(HookType::GrantPassword), GrantType::Password),
        (on(HookType::GrantJwtBearer), GrantType::JwtBearer),
        (on(HookType::GrantTokenExchange), GrantType::TokenExchange),
        (saml, GrantType::Saml2Bearer),
    ]
    .into_iter()
    .filter_map(|(on, grant)| on.then_some(grant))
    .collect();
    for client in config.clients.iter_mut().filter(|client| client.client_id == "demo") {
        client.settings.first_party |= grants.contains(&GrantType::Password);
        let registered = client.metadata.grant_types.get_or_insert_default();
        registered
            .extend(grants.iter().filter(|grant| !registered.contains(grant)).copied().collect::<Vec<_>>());
    }
}

/// The environment variable with the admin's token in development.
pub(crate) const ADMIN_TOKEN: &str = "PLACET_ADMIN_TOKEN";

/// Registers an admin with every role, and prints its token: a fresh one at every start, unless `token` names one.
pub(crate) fn admit_admin(config: &mut Config, token: Option<String>) -> Result<(), StartError> {
    let token = match token {
        Some(token) if token.len() >= 32 => token,
        Some(_) => return Err(ConfigError::Environment(ADMIN_TOKEN).into()),
        None => {
            let token = random::secret(&OsRandom)?.expose().to_owned();
            println!("admin token of this start: {token}");
            token
        }
    };
    config.admin.push(AdminConfig {
        name: "development".to_owned(),
        token_sha256: vec![hex(&Sha256::digest(token))],
        client_ids: Vec::new(),
        roles: vec![
            AdminRole::Read,
            AdminRole::Clients,
            AdminRole::Revoke,
            AdminRole::Policies,
            AdminRole::Keys,
        ],
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use placet_server::config::PolicyConfig;

    use super::*;

    /// What the demo client is registered for while policies of these types are.
    fn grants(types: &[HookType]) -> Vec<GrantType> {
        let policy = PolicyConfig { types: types.to_vec(), ..PolicyConfig::default() };
        let mut config = Config { policy: vec![policy], ..Config::default() };
        prepare(&mut config);
        let demo = config.clients.iter().find(|client| client.client_id == "demo").unwrap();
        demo.metadata.grant_types.clone().unwrap()
    }

    #[test]
    fn the_demo_client_may_use_a_grant_exactly_while_a_policy_decides_it() {
        use HookType::{AssertionSaml2, GrantJwtBearer, GrantPassword, GrantSaml2Bearer, GrantTokenExchange};
        for (types, grant) in [
            (vec![GrantPassword], GrantType::Password),
            (vec![GrantJwtBearer], GrantType::JwtBearer),
            (vec![AssertionSaml2, GrantSaml2Bearer], GrantType::Saml2Bearer),
            (vec![GrantTokenExchange], GrantType::TokenExchange),
        ] {
            assert!(grants(&types).contains(&grant), "{grant:?}");
            assert!(!grants(&types[1..]).contains(&grant), "{grant:?}");
        }
    }
}
