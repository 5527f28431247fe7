//! The configuration: one structure, read from a TOML file and a few environment variables.
//!
//! `docs/configuration.md` is generated from the doc comments here.

mod admin;
mod attestation;
mod caches;
mod check;
mod ciba;
mod clients;
mod connections;
mod details;
mod device;
mod documents;
mod dpop;
mod events;
mod ledger;
mod lifetimes;
mod limits;
mod native_sso;
mod overload;
mod policy;
mod profile;
mod profiles;
mod requests;
mod resources;
mod scopes;
mod signing;
mod tls;
mod traces;
mod trusted;
mod ui;

use std::{net::SocketAddr, path::PathBuf};

use placet_oauth::profile::Profile;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use admin::{AdminConfig, AdminRole};
pub use attestation::{Attester, ClientAttestationConfig};
pub use caches::CachesConfig;
pub use check::{DEVELOPMENT_SAML_ISSUER, DEVELOPMENT_SECRETS, MAX_GRACE, contradiction};
pub use ciba::CibaConfig;
pub use clients::{
    AccessTokens, AssertionAudience, ClientConfig, ClientSettings, ConsentMode, ExchangeBound, IdTokens,
    RefreshTokens, RegistrationConfig, RegistrationMode, ScopeCeiling, TokenExchange, Tokens, is_secret,
};
pub use connections::ConnectionsConfig;
pub use details::DetailsTypeConfig;
pub use device::DeviceConfig;
pub use documents::ClientIdMetadataConfig;
pub use dpop::DpopConfig;
pub use events::{EventReceiverConfig, EventsConfig, ReceiverAuth};
pub use ledger::LedgerConfig;
pub use lifetimes::Lifetimes;
pub use limits::{ClientLimitsConfig, LimitsConfig};
pub use native_sso::NativeSsoConfig;
pub use overload::OverloadConfig;
pub use policy::{
    AuthzenConfig, AuthzenStrategy, BackendKind, ClientCertificate, DecisionLogConfig, Matcher, OnFailure,
    OpaConfig, PolicyAuth, PolicyCache, PolicyConfig, PolicyDefaults, PolicyMode, Predicate, ResourceSearch,
    ResponseSecret, RulesConfig, SecretText, SigningSecret, SubjectView,
};
pub use profiles::{AccessTokenProfile, IdentityAssurance, OptionalMember, ScopeForm};
pub use requests::{ParConfig, RequestObjectsConfig};
pub use resources::{ResourceConfig, ResourceEncryption, TokenBinding};
pub use scopes::ScopeConfig;
pub use tls::{
    CertificateEncoding, ClientCertificates, MtlsConfig, PrivateTls, ProxyCertificate, TlsConfig, TlsProfile,
};
pub use traces::TracesConfig;
pub use trusted::{SamlConfig, SamlIssuer, TrustedIssuer};
pub use ui::{Capability, FrontDoor, UiConfig};

/// Settings of the server.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The issuer identifier (RFC 8414 section 2): the public base URL, without a trailing slash.
    pub issuer: String,
    /// Address of the public listener: the endpoints of the standards.
    pub listen: SocketAddr,
    /// Address of the private listener: the interaction API, `/livez`, `/readyz`. Never public.
    pub private_listen: SocketAddr,
    /// Folder of the embedded store and, in development, the master key.
    pub data_dir: PathBuf,
    /// `postgres://…` to use PostgreSQL; absent for the embedded store. A host other than this machine is spoken to
    /// with TLS and a verified certificate; `sslmode` (`verify-full`, `verify-ca`, `disable`), `sslrootcert`,
    /// `sslcert` and `sslkey` mean what libpq says. Environment: `PLACET_DATABASE_URL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    /// Connections to PostgreSQL.
    pub database_connections: u32,
    /// File with the master key: 64 hexadecimal digits on a line; a second line is accepted during a change of
    /// the key. Environment: `PLACET_MASTER_KEY_FILE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key_file: Option<PathBuf>,
    /// The security profile that the server and all its clients are held to. `fapi2-sp`: FAPI 2.0 Security Profile.
    /// `fapi2-ms`: FAPI 2.0 Message Signing. `fapi1-advanced`: FAPI 1.0 Advanced. `fapi-ciba`: FAPI-CIBA. `oauth21`: OAuth 2.1.
    #[schemars(schema_with = "profile::names")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The algorithms that this server signs with, for whoever may choose: it has keys for these alone, announces these
    /// alone, and registers no client for another one. `RS256` is always among them: clients that name none get it (OpenID
    /// Connect Core section 15.1). A key of an algorithm that is taken out signs no more, and stays published for as long as
    /// something that it signed may be good.
    #[schemars(schema_with = "signing::names")]
    pub signing_algs: Vec<String>,
    /// The algorithm that signs access tokens where neither client nor resource says otherwise, and metadata of resources.
    /// Absent: `EdDSA` and `ES256`, or what comes nearest among `signing_algs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_alg: Option<String>,
    /// `stored` or `stateless`: where what is known of tokens lies, of clients for which nothing else is said.
    pub tokens: Tokens,
    /// What policies and login apps may choose for a single authorization. `stateless` is for clients whose access tokens are
    /// JWTs and whose own `tokens` is not `stored`. Absent: `stored`, and what `tokens` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_may_be: Option<Vec<Tokens>>,
    /// How long things live, in seconds.
    pub lifetimes: Lifetimes,
    /// Scope values that clients may ask for.
    pub scopes: Vec<ScopeConfig>,
    /// Resource indicators (RFC 8707) that clients may name, besides the issuer and those of `[[resource]]`; others are
    /// `invalid_target`. These take any token.
    pub resources: Vec<String>,
    /// Resources that clients may name, with what their servers want of tokens.
    pub resource: Vec<ResourceConfig>,
    /// Types of authorization details that clients may ask for.
    pub authorization_details_type: Vec<DetailsTypeConfig>,
    /// Authentication context classes that discovery announces. A request that names one of them in `acr_values` gets one
    /// of those it names, or `unmet_authentication_requirements` (RFC 9470); values that are not announced are wishes.
    pub acr_values: Vec<String>,
    /// Languages that discovery announces (`ui_locales_supported`).
    pub ui_locales: Vec<String>,
    /// Names of non-standard request parameters that the login app may see.
    pub passed_parameters: Vec<String>,
    /// Pushed authorization requests (RFC 9126).
    pub par: ParConfig,
    /// Devices without a browser (RFC 8628).
    pub device: DeviceConfig,
    /// Applications of one vendor on one device that share a sign-in (OpenID Connect Native SSO for Mobile Apps 1.0).
    pub native_sso: NativeSsoConfig,
    /// Request objects (RFC 9101).
    pub request_objects: RequestObjectsConfig,
    /// Authentication on another device of the user (CIBA).
    pub ciba: CibaConfig,
    /// The browser and its cookies.
    pub browser: BrowserConfig,
    /// Dynamic client registration (RFC 7591).
    pub registration: RegistrationConfig,
    /// Clients whose id is the URL of their metadata.
    pub client_id_metadata: ClientIdMetadataConfig,
    /// Clients whose instances are attested.
    pub client_attestation: ClientAttestationConfig,
    /// Proofs of possession of a key (DPoP, RFC 9449).
    pub dpop: DpopConfig,
    /// Peers whose `X-Forwarded-For` is believed, and what they say of certificates.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// TLS of the listeners.
    pub tls: TlsConfig,
    /// Certificates of clients.
    pub mtls: MtlsConfig,
    /// Requests that this server makes to addresses that clients name.
    pub outbound: OutboundConfig,
    /// Traces for OpenTelemetry, told to a collector by OTLP over HTTP in JSON. Without `endpoint` there are none.
    pub traces: TracesConfig,
    /// Rate limits.
    pub limits: LimitsConfig,
    /// What is kept in memory: how much each cache may hold, in MiB as it is estimated. With 0 nothing is kept.
    pub caches: CachesConfig,
    /// What the server does at once.
    pub overload: OverloadConfig,
    /// Connections to the listeners.
    pub connections: ConnectionsConfig,
    /// Login and consent apps.
    pub ui: Vec<UiConfig>,
    /// Who may use the admin API.
    pub admin: Vec<AdminConfig>,
    /// Values of `Host` with which the admin API may be asked; empty means the address of the private listener, and
    /// `localhost` and the loopback addresses with its port.
    pub admin_hosts: Vec<String>,
    /// Issuers of assertions that count.
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// SAML assertions that count.
    pub saml: SamlConfig,
    /// Clients that the operator registers here; they cannot be changed through the API.
    pub clients: Vec<ClientConfig>,
    /// What access tokens say besides what they always do, by resource or by client.
    pub access_token_profile: Vec<AccessTokenProfile>,
    /// What discovery says of verified claims.
    pub identity_assurance: IdentityAssurance,
    /// Policies: what is asked before something is granted.
    pub policy: Vec<PolicyConfig>,
    /// What all policies share.
    pub policy_defaults: PolicyDefaults,
    /// The log of decisions.
    pub decision_log: DecisionLogConfig,
    /// The ledger of flows, for the console.
    pub ledger: LedgerConfig,
    /// Events.
    pub events: EventsConfig,
    /// Who is told of events.
    pub event_receiver: Vec<EventReceiverConfig>,
    /// Development mode: open registration, `http:` on localhost, well-known secrets. Set by `placet dev` alone.
    #[serde(skip)]
    pub development: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            issuer: "http://localhost:8080".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            private_listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            data_dir: PathBuf::from("data"),
            database_url: None,
            database_connections: 16,
            master_key_file: None,
            profile: None,
            signing_algs: signing::all(),
            signing_alg: None,
            tokens: Tokens::default(),
            tokens_may_be: None,
            lifetimes: Lifetimes::default(),
            scopes: ["openid", "profile", "email", "address", "phone", "offline_access"]
                .into_iter()
                .map(ScopeConfig::named)
                .collect(),
            resources: Vec::new(),
            resource: Vec::new(),
            authorization_details_type: Vec::new(),
            acr_values: vec!["urn:placet:acr:pwd".to_owned()],
            ui_locales: vec!["en".to_owned(), "de".to_owned()],
            passed_parameters: Vec::new(),
            par: ParConfig::default(),
            device: DeviceConfig::default(),
            native_sso: NativeSsoConfig::default(),
            request_objects: RequestObjectsConfig::default(),
            ciba: CibaConfig::default(),
            browser: BrowserConfig::default(),
            registration: RegistrationConfig::default(),
            client_id_metadata: ClientIdMetadataConfig::default(),
            client_attestation: ClientAttestationConfig::default(),
            dpop: DpopConfig::default(),
            trusted_proxies: Vec::new(),
            tls: TlsConfig::default(),
            mtls: MtlsConfig::default(),
            outbound: OutboundConfig::default(),
            traces: TracesConfig::default(),
            limits: LimitsConfig::default(),
            caches: CachesConfig::default(),
            overload: OverloadConfig::default(),
            connections: ConnectionsConfig::default(),
            ui: Vec::new(),
            admin: Vec::new(),
            admin_hosts: Vec::new(),
            trusted_issuers: Vec::new(),
            saml: SamlConfig::default(),
            clients: Vec::new(),
            access_token_profile: Vec::new(),
            identity_assurance: IdentityAssurance::default(),
            policy: Vec::new(),
            policy_defaults: PolicyDefaults::default(),
            decision_log: DecisionLogConfig::default(),
            ledger: LedgerConfig::default(),
            events: EventsConfig::default(),
            event_receiver: Vec::new(),
            development: false,
        }
    }
}

/// The browser and its cookies.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BrowserConfig {
    /// Send the session cookie inside frames of other sites too (`SameSite=None`; https only): silent renewal in
    /// hidden frames needs it, and session management (`check_session_iframe`).
    pub third_party: bool,
}

/// Requests that this server makes to addresses that clients name (`sector_identifier_uri`): over https, and to
/// addresses of the public internet only.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundConfig {
    /// Names and addresses of hosts that may be asked although they are not on the public internet.
    pub allow_hosts: Vec<String>,
    /// PEM files with certificate authorities that are trusted besides those of the system.
    pub extra_ca_files: Vec<PathBuf>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{0}`: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// The file is not TOML, or a member is unknown or of the wrong type.
    #[error("`{0}`: {1}")]
    Malformed(PathBuf, toml::de::Error),
    /// An environment variable has a value of the wrong form.
    #[error("environment variable `{0}` has a value of the wrong form")]
    Environment(&'static str),
    /// The settings contradict each other or are unsafe; one line each.
    #[error("the configuration is refused:\n{}", .0.iter().map(|e| format!("  - {e}")).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<String>),
}

impl Config {
    /// Reads a file (the defaults, without one) and the environment. Nothing is checked yet: see [`Config::check`].
    pub fn read(
        file: Option<&std::path::Path>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut config = match file {
            None => Self::default(),
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|e| ConfigError::Unreadable(path.to_owned(), e))?;
                toml::from_str(&text).map_err(|e| ConfigError::Malformed(path.to_owned(), e))?
            }
        };
        if let Some(issuer) = environment("PLACET_ISSUER") {
            config.issuer = issuer;
        }
        if let Some(text) = environment("PLACET_LISTEN") {
            config.listen = text.parse().map_err(|_| ConfigError::Environment("PLACET_LISTEN"))?;
        }
        if let Some(text) = environment("PLACET_PRIVATE_LISTEN") {
            config.private_listen =
                text.parse().map_err(|_| ConfigError::Environment("PLACET_PRIVATE_LISTEN"))?;
        }
        if let Some(dir) = environment("PLACET_DATA_DIR") {
            config.data_dir = dir.into();
        }
        if let Some(url) = environment("PLACET_DATABASE_URL") {
            config.database_url = Some(url);
        }
        if let Some(path) = environment("PLACET_MASTER_KEY_FILE") {
            config.master_key_file = Some(path.into());
        }
        if let Some(endpoint) = environment("OTEL_EXPORTER_OTLP_ENDPOINT") {
            config.traces.endpoint = Some(endpoint);
        }
        if let Some(name) = environment("OTEL_SERVICE_NAME") {
            config.traces.service_name = name;
        }
        match environment("PLACET_LIMITS").as_deref() {
            None | Some("on") => {}
            Some("off") => config.limits.enabled = false,
            Some(_) => return Err(ConfigError::Environment("PLACET_LIMITS")),
        }
        Ok(config)
    }

    /// The profile of access tokens with this name.
    pub fn profile(&self, name: &str) -> Option<&AccessTokenProfile> {
        self.access_token_profile.iter().find(|profile| profile.name == name)
    }

    /// Whether the admin API may be asked by this `Host`.
    pub fn is_admin_host(&self, host: &str) -> bool {
        if !self.admin_hosts.is_empty() {
            return self.admin_hosts.iter().any(|name| name.eq_ignore_ascii_case(host));
        }
        let port = self.private_listen.port();
        let named = |name: &str| host.eq_ignore_ascii_case(&format!("{name}:{port}"));
        host == self.private_listen.to_string() || ["localhost", "127.0.0.1", "[::1]"].into_iter().any(named)
    }

    /// The longest life of a signed token, in seconds: so long an old key stays published.
    pub fn longest_token(&self) -> u32 {
        let of_clients = self
            .clients
            .iter()
            .flat_map(|c| [c.settings.access_token.lifetime, c.settings.id_token.lifetime])
            .flatten();
        of_clients
            .chain([self.lifetimes.access_token, self.lifetimes.id_token, crate::authorize::JWT_LIFETIME])
            .max()
            .unwrap_or(0)
    }
}
