//! Clients: what the operator says of them, and what they may say of themselves.

use placet_oauth::{
    client::{AuthMethod, ClientMetadata},
    id::Secret,
    profile::Profile,
};
pub use placet_sdk::grant::Tokens;
use placet_sdk::grant::{Encoding, Object, Rotation, SenderConstraint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::DEVELOPMENT_SECRETS;
use crate::{client::Client, outcome::Fault};

/// When a user is asked for consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentMode {
    /// When something is requested that is not remembered.
    #[default]
    Explicit,
    /// Never: first-party clients only.
    Implicit,
    /// Every time.
    Always,
}

/// What a JWT by which a client authenticates may name as its audience.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The issuer identifier, the URL of the token endpoint or that of the endpoint that is called.
    #[default]
    Any,
    /// The issuer identifier alone, as FAPI 2.0 wants it.
    Issuer,
}

/// What the operator decides about a client; a client cannot grant itself any of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own in the file")]
pub struct ClientSettings {
    /// The client belongs to the operator.
    pub first_party: bool,
    /// A security profile that it is held to, besides that of the server.
    #[schemars(schema_with = "super::profile::names")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// When a user is asked.
    pub consent: ConsentMode,
    /// Require PKCE of this client even though it authenticates. (Public clients always need it.)
    pub require_pkce: bool,
    /// The audience of the JWTs by which it authenticates.
    pub assertion_audience: AssertionAudience,
    /// Scope values it gets without asking.
    pub default_scope: Vec<String>,
    /// Scope values it never gets.
    pub denied_scope: Vec<String>,
    /// `stored` or `stateless`: what is granted from now on. Absent: as the server does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Its access tokens.
    pub access_token: AccessTokens,
    /// Its refresh tokens.
    pub refresh_token: RefreshTokens,
    /// Its ID tokens.
    pub id_token: IdTokens,
    /// Resources that it may ask tokens for, besides the issuer. Absent: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_resources: Option<Vec<String>>,
    /// Audiences for which it may introspect tokens of other clients: the resources it is.
    pub resources: Vec<String>,
    /// May introspect every token.
    pub introspect_all: bool,
    /// What it may exchange tokens for (RFC 8693).
    pub token_exchange: TokenExchange,
    /// The group of applications that it shares sign-ins with, one of `native_sso.groups`: it may have the scope
    /// `device_sso`, and tokens for the ID token and the device secret of any client of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub native_sso: Option<String>,
    /// It knows the error `interaction_required` of the token endpoint and sends the user to log in; other clients get
    /// `invalid_grant` or `access_denied` when a policy wants the user at hand.
    pub interaction_required: bool,
    /// The operator's own metadata: shown to the login app and to policies.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub data: Object,
}

/// Access tokens of a client.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccessTokens {
    /// `jwt` (the default) or `opaque`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Lifetime in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
    /// Exactly one introspection or `UserInfo` call finds the token active (opaque tokens only).
    pub single_use: bool,
    /// `required`: only issued bound to a key (DPoP) or to a certificate (mutual TLS). `if_presented` (the default): bound
    /// when the request proves a key. `none` is no less than that: whoever proves a key wants it to be asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_constraint: Option<SenderConstraint>,
    /// Signature algorithm; `EdDSA` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_alg: Option<String>,
    /// Audience when the request names no resource; the issuer if absent.
    pub audience: Vec<String>,
    /// Extra claims.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub claims: Object,
    /// Name of the `access_token_profile` of tokens whose resources have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

impl AccessTokens {
    /// Whether these are known to the store alone.
    pub fn is_stored(&self) -> bool {
        self.single_use || self.encoding == Some(Encoding::Opaque)
    }
}

/// Refresh tokens of a client.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RefreshTokens {
    /// Issue one without `offline_access`; absent means: only for requests without OpenID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<bool>,
    /// Lifetime of a family in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
    /// Seconds without use after which it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_idle: Option<u32>,
    /// When it is replaced; `always` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// How long, in seconds (at most 300), the direct parent is answered with the same child.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<u32>,
}

/// ID tokens of a client.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IdTokens {
    /// Lifetime in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
}

/// What bounds the scope of an exchanged token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScopeCeiling {
    /// The scope of the subject token, as far as the client is registered for it.
    #[default]
    Both,
    /// The scope of the subject token.
    SubjectToken,
    /// The scope that the client is registered for.
    Client,
}

/// Who may exchange an access token that is bound to a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeBound {
    /// Whoever proves that key.
    #[default]
    Proof,
    /// A resource server for which the token is meant, too; what it gets is bound to a key of its own.
    Audience,
}

/// Token exchange by a client (RFC 8693), as far as policies allow it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenExchange {
    /// What bounds the scope of the result. ID tokens have the scope of their authorization; a JWT of a trusted issuer
    /// without the claim `scope` has none.
    pub scope_ceiling: ScopeCeiling,
    /// Whether `may_act` of a subject token says who alone may act.
    pub enforce_may_act: bool,
    /// Clients whose access tokens it may exchange, besides its own and those that are meant for it.
    pub may_exchange_of: Vec<String>,
    /// Whether it may exchange access tokens that are bound to the key of another client.
    pub exchange_bound: ExchangeBound,
}

impl Default for TokenExchange {
    fn default() -> Self {
        Self {
            scope_ceiling: ScopeCeiling::Both,
            enforce_may_act: true,
            may_exchange_of: Vec::new(),
            exchange_bound: ExchangeBound::Proof,
        }
    }
}

/// A client that the operator registers in the configuration.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientConfig {
    /// Its id.
    pub client_id: String,
    /// Its secret in clear, in development only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// File with its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<std::path::PathBuf>,
    /// Metadata after RFC 7591 and OpenID Connect Dynamic Client Registration.
    #[schemars(with = "Object")]
    pub metadata: ClientMetadata,
    /// What the operator decides.
    pub settings: ClientSettings,
}

impl ClientConfig {
    /// Its secret, if it has one.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or holds no secret.
    pub fn known_secret(&self) -> Result<Option<Secret>, Fault> {
        let path = match (&self.secret, &self.secret_file) {
            (Some(secret), _) => return Ok(Some(Secret::new(secret.clone()))),
            (None, Some(path)) => path,
            (None, None) => return Ok(None),
        };
        let fault =
            |cause: &dyn std::fmt::Display| Fault::new("secret_file", format!("{}: {cause}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| fault(&error))?;
        let secret = text.trim();
        if !is_secret(secret) {
            return Err(fault(&"at least 32 printable characters that nobody else knows are expected"));
        }
        Ok(Some(Secret::new(secret)))
    }
}

/// Whether this can be the secret of a client that comes from elsewhere: long enough that nobody guesses it, of the
/// characters of RFC 6749 appendix A.2, and not one that everybody knows.
pub fn is_secret(text: &str) -> bool {
    (32..=1024).contains(&text.len())
        && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        && !DEVELOPMENT_SECRETS.contains(&text)
}

/// Who may register a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationMode {
    /// Nobody.
    #[default]
    Closed,
    /// Holders of an initial access token.
    InitialAccessToken,
    /// Everybody (the default of `placet dev`).
    Open,
}

/// Dynamic client registration.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationConfig {
    /// Who may register.
    pub mode: RegistrationMode,
    /// SHA-256 digests, in hexadecimal, of the initial access tokens.
    pub initial_access_token_sha256: Vec<String>,
    /// Grant types a client may register for; `urn:ietf:params:oauth:grant-type:device_code` may be added.
    pub allowed_grants: Vec<String>,
    /// Scope values a client may register for.
    pub allowed_scopes: Vec<String>,
    /// Types of authorization details a client may register for.
    pub allowed_authorization_details_types: Vec<String>,
    /// Client authentication methods a client may register for.
    pub allowed_auth_methods: Vec<String>,
}

impl Default for RegistrationConfig {
    fn default() -> Self {
        let list = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
        Self {
            mode: RegistrationMode::Closed,
            initial_access_token_sha256: Vec::new(),
            allowed_grants: list(&["authorization_code", "refresh_token", "implicit"]),
            allowed_scopes: list(&["openid", "profile", "email", "address", "phone", "offline_access"]),
            allowed_authorization_details_types: Vec::new(),
            allowed_auth_methods: AuthMethod::ALL.map(|method| method.as_str().to_owned()).to_vec(),
        }
    }
}

impl super::Config {
    /// Where what is known of the tokens of this client lies if nobody chooses. Opaque ones are known to the store alone.
    pub fn tokens_of(&self, client: &Client) -> Tokens {
        let own = &client.settings;
        if own.access_token.is_stored() { Tokens::Stored } else { own.tokens.unwrap_or(self.tokens) }
    }

    /// Whether this may be chosen for a single authorization of the client. What its operator pinned stays.
    pub fn may_choose(&self, client: &Client, tokens: Tokens) -> bool {
        let listed = match &self.tokens_may_be {
            Some(listed) => listed.contains(&tokens),
            None => tokens == Tokens::Stored || tokens == self.tokens,
        };
        let own = &client.settings;
        let pinned = own.tokens == Some(Tokens::Stored) || own.access_token.is_stored();
        listed && (tokens == Tokens::Stored || !pinned)
    }

    /// Whether the tokens of what is granted to this client carry everything themselves, given what was chosen for it. What
    /// the operator takes back while somebody still consents is not done.
    pub fn carries_tokens(&self, client: &Client, chosen: Option<Tokens>) -> bool {
        let own = self.tokens_of(client);
        let chosen = chosen.filter(|chosen| self.may_choose(client, *chosen)).unwrap_or(own);
        chosen == Tokens::Stateless
    }
}
