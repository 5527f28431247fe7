//! What `placet dev` adds to a configuration: the demo client and the login app, with secrets that everybody knows.

pub(crate) mod conformance;

use std::collections::BTreeMap;

use placet_oauth::{
    ciba::DeliveryMode,
    client::{ApplicationType, AuthMethod, ClientMetadata},
    grant_type::GrantType,
};
use placet_sdk::decision::HookType;
use placet_server::{
    config::{
        AdminConfig, AdminRole, Capability, ClientConfig, ClientSettings, Config, ConfigError,
        DEVELOPMENT_SAML_ISSUER, DetailsTypeConfig, RegistrationMode, ResourceConfig, SamlIssuer, UiConfig,
    },
    console,
    random::{self, OsRandom},
    seal::hex,
    server::{Server, StartError},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::command::published;

/// What a password together with a second factor amounts to.
const SECOND_FACTOR: &str = "urn:placet:acr:mfa";

/// Prepares a configuration for development; what the file says stays.
pub(crate) fn prepare(config: &mut Config) {
    let [client_secret, ui_token] = published();
    config.development = true;
    config.registration.mode = RegistrationMode::Open;
    if config.acr_values == Config::default().acr_values {
        // What the login app in `sidecars/login` can do.
        config.acr_values.push(SECOND_FACTOR.to_owned());
    }
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
                authorization_details_types: Some(vec![PAYMENT.to_owned()]),
                ..ClientMetadata::default()
            },
            settings: ClientSettings::default(),
        });
    }
    if !config.clients.iter().any(|c| c.client_id == "demo-tv") {
        config.clients.push(television());
    }
    admit_grants(config);
    admit_payments(config);
    if !config.clients.iter().any(|c| c.client_id == CALL_CENTRE) {
        config.clients.push(call_centre(client_secret));
    }
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

/// A device without a browser to try (RFC 8628); it has no secret, as the programs of televisions have none.
fn television() -> ClientConfig {
    ClientConfig {
        client_id: "demo-tv".to_owned(),
        metadata: ClientMetadata {
            client_name: Some("Demo TV".to_owned()),
            application_type: Some(ApplicationType::Native),
            token_endpoint_auth_method: Some(AuthMethod::None),
            client_uri: Some("http://localhost:8093/tv".to_owned()),
            grant_types: Some(vec![GrantType::DeviceCode, GrantType::RefreshToken]),
            response_types: Some(Vec::new()),
            scope: Some("openid profile email offline_access reports.read".to_owned()),
            ..ClientMetadata::default()
        },
        ..ClientConfig::default()
    }
}

/// A client that asks users who are elsewhere.
const CALL_CENTRE: &str = "call-centre";

fn call_centre(secret: &str) -> ClientConfig {
    ClientConfig {
        client_id: CALL_CENTRE.to_owned(),
        secret: Some(secret.to_owned()),
        metadata: ClientMetadata {
            client_name: Some("Demo call centre".to_owned()),
            client_uri: Some("http://localhost:8093/call-centre".to_owned()),
            grant_types: Some(vec![GrantType::Ciba, GrantType::RefreshToken]),
            response_types: Some(Vec::new()),
            scope: Some("openid profile email offline_access reports.read".to_owned()),
            authorization_details_types: Some(vec![PAYMENT.to_owned()]),
            backchannel_token_delivery_mode: Some(DeliveryMode::Poll),
            ..ClientMetadata::default()
        },
        ..ClientConfig::default()
    }
}

/// A type of authorization details to try, and a resource that knows it.
const PAYMENT: &str = "payment_initiation";

/// Lets the demo client ask for reports and payments at a resource, unless the file says something of its own.
fn admit_payments(config: &mut Config) {
    let api = format!("{}/demo-api", config.issuer);
    if !config.authorization_details_type.iter().any(|kind| kind.name == PAYMENT) {
        config.authorization_details_type.push(payment());
    }
    if !config.has_resource(&api) {
        config.resource.push(ResourceConfig {
            uri: api,
            name: texts("Demo API", "Demo-API"),
            scopes: Some(vec!["reports.read".to_owned()]),
            authorization_details_types: vec![PAYMENT.to_owned()],
            lifetime: Some(300),
            ..ResourceConfig::default()
        });
    }
}

/// Payments, which the user consents to one by one. The account may be chosen when that happens.
fn payment() -> DetailsTypeConfig {
    let text = |longest: u32| json!({ "type": "string", "minLength": 1, "maxLength": longest });
    let schema = json!({
        "type": "object",
        "required": ["instructedAmount", "creditorName"],
        "additionalProperties": false,
        "properties": {
            "type": true,
            "locations": true,
            "instructedAmount": {
                "type": "object",
                "required": ["currency", "amount"],
                "additionalProperties": false,
                "properties": {
                    "currency": { "type": "string", "pattern": "^[A-Z]{3}$" },
                    "amount": { "type": "string", "pattern": "^[0-9]{1,15}([.][0-9]{1,2})?$" },
                },
            },
            "creditorName": text(70),
            "remittanceInformation": text(140),
            "debtorAccount": {
                "type": "object",
                "required": ["iban"],
                "additionalProperties": false,
                "properties": { "iban": text(34) },
            },
        },
    });
    DetailsTypeConfig {
        name: PAYMENT.to_owned(),
        schema: schema.as_object().cloned(),
        title: texts("Make a payment", "Eine Zahlung ausführen"),
        description: texts(
            "The app may pay this once, from your account.",
            "Die App darf dies einmal von Ihrem Konto bezahlen.",
        ),
        labels: [
            ("/instructedAmount", texts("Amount", "Betrag")),
            ("/creditorName", texts("To", "An")),
            ("/remittanceInformation", texts("Reference", "Verwendungszweck")),
            ("/debtorAccount", texts("From account", "Von Konto")),
            ("/debtorAccount/iban", texts("IBAN", "IBAN")),
        ]
        .map(|(pointer, texts)| (pointer.to_owned(), texts))
        .into(),
        enrichable: vec!["/debtorAccount".to_owned()],
        one_time: true,
        ..DetailsTypeConfig::default()
    }
}

fn texts(english: &str, german: &str) -> BTreeMap<String, String> {
    [("", english), ("de", german)].map(|(tag, text)| (tag.to_owned(), text.to_owned())).into()
}

/// The demo client may use the grants that a policy decides about; SAML assertions are those of `placet-saml --dev`.
fn admit_grants(config: &mut Config) {
    let on = |hook| config.policy.iter().any(|policy| policy.types.contains(&hook));
    let saml = on(HookType::AssertionSaml2) && on(HookType::GrantSaml2Bearer);
    if saml && config.saml.issuers.is_empty() {
        let entity_id = DEVELOPMENT_SAML_ISSUER.to_owned();
        config.saml.issuers.push(SamlIssuer { entity_id, ..SamlIssuer::default() });
    }
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

/// The admin of development.
const ADMIN: &str = "development";

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
        name: ADMIN.to_owned(),
        token_sha256: vec![hex(&Sha256::digest(token))],
        roles: vec![
            AdminRole::Read,
            AdminRole::Clients,
            AdminRole::Revoke,
            AdminRole::Policies,
            AdminRole::Keys,
            AdminRole::Events,
        ],
        ..AdminConfig::default()
    });
    Ok(())
}

/// A link into the console, with the roles of the admin of this start.
pub(crate) fn console(server: &Server) -> Result<String, StartError> {
    let link = console::link(server, ADMIN)?;
    Ok(format!("http://{}/console/sign-in?link={}", server.config().private_listen, link.expose()))
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
    fn the_demo_client_may_ask_for_payments_at_a_resource_and_all_of_it_is_sound() {
        let mut config = Config::default();
        prepare(&mut config);
        config.check().unwrap();
        let known = |config: &Config| (config.resource.len(), config.authorization_details_type.len());
        assert_eq!(known(&config), (1, 1));
        assert_eq!(config.resource[0].uri, "http://localhost:8080/demo-api");
        prepare(&mut config);
        assert_eq!(known(&config), (1, 1), "what is there stays");
    }

    #[test]
    fn what_the_login_app_can_do_is_announced_unless_the_file_says_otherwise() {
        let mut config = Config::default();
        prepare(&mut config);
        assert_eq!(config.acr_values, ["urn:placet:acr:pwd", SECOND_FACTOR]);
        let mut config = Config { acr_values: vec!["gold".to_owned()], ..Config::default() };
        prepare(&mut config);
        assert_eq!(config.acr_values, ["gold"]);
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
            let policy = PolicyConfig { types, ..PolicyConfig::default() };
            let mut config = Config { policy: vec![policy], ..Config::default() };
            prepare(&mut config);
            assert_eq!(!config.saml.issuers.is_empty(), grant == GrantType::Saml2Bearer);
        }
    }
}
