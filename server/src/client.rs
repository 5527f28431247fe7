//! Clients: who they are, and proof that a request comes from one.

mod assertion;
mod attestation;
mod authenticate;
pub mod certificate;
pub mod document;
mod keys;
pub(crate) mod mac;
pub mod profile;
mod secret;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::{
    client::{AuthMethod, ClientMetadata, JwtResponse, SubjectType, document as client_id},
    error::OAuthError,
    grant_type::GrantType,
    native_sso::DEVICE_SSO,
    pairwise,
    profile::Profile,
    scope::Scope,
};
use placet_sdk::interaction::ClientInfo;
use serde::{Deserialize, Serialize};

use crate::{
    config::{ClientConfig, ClientSettings},
    encryption::Method,
    jwks::KeySet,
    outcome::Fault,
    store::{ClientRecord, Digest},
};

pub use authenticate::{AuthenticatedClient, Sender, authenticate};
pub use certificate::ClientCertificate;
pub(crate) use keys::signed_by;
pub use secret::{CLIENT_SECRET, REGISTRATION_TOKEN};

/// A registered client.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// What it registered, with defaults filled in.
    pub metadata: ClientMetadata,
    /// What the operator decided.
    pub settings: ClientSettings,
    /// Digest of its secret.
    pub secret: Option<Digest>,
    /// The secret itself, sealed, where it is a key.
    pub sealed_secret: Option<Vec<u8>>,
    /// Digest of its registration access token.
    pub registration: Option<Digest>,
    /// When it was registered.
    pub created_at: i64,
    /// Grows with every change.
    pub generation: i64,
    /// Whether its id is the URL of a document that says what it is, instead of a registration.
    pub from_document: bool,
    /// The security profiles that it is held to; see [`Client::held_to`].
    pub profiles: Vec<Profile>,
    /// What contradicts them.
    pub shortcomings: Vec<String>,
}

/// How a client lies in the store.
#[derive(Debug, Deserialize, Serialize)]
struct Doc {
    metadata: ClientMetadata,
    settings: ClientSettings,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed_secret: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    from_document: bool,
}

impl Client {
    /// The client in a record.
    pub fn from_record(record: ClientRecord) -> Result<Self, Fault> {
        let doc: Doc = serde_json::from_str(&record.doc).map_err(|e| Fault::new("client record", e))?;
        let sealed = doc.sealed_secret.map(|text| URL_SAFE_NO_PAD.decode(text)).transpose();
        Ok(Self {
            id: record.client_id,
            metadata: doc.metadata,
            settings: doc.settings,
            secret: record.secret_digest,
            sealed_secret: sealed.map_err(|e| Fault::new("client record", e))?,
            registration: record.registration_digest,
            created_at: record.created_at,
            generation: record.generation,
            from_document: doc.from_document,
            profiles: Vec::new(),
            shortcomings: Vec::new(),
        })
    }

    /// The record of a client.
    pub fn to_record(&self) -> Result<ClientRecord, Fault> {
        let doc = Doc {
            metadata: self.metadata.clone(),
            settings: self.settings.clone(),
            sealed_secret: self.sealed_secret.as_ref().map(|sealed| URL_SAFE_NO_PAD.encode(sealed)),
            from_document: self.from_document,
        };
        Ok(ClientRecord {
            client_id: self.id.clone(),
            doc: serde_json::to_string(&doc).map_err(|e| Fault::new("client record", e))?,
            secret_digest: self.secret,
            registration_digest: self.registration,
            created_at: self.created_at,
            generation: self.generation,
        })
    }

    /// A client of the configuration, still without its secret, on a server with this profile.
    pub fn from_config(config: &ClientConfig, server: Option<Profile>) -> Self {
        let profiles = profile::profiles_of(server, &config.settings);
        Self {
            id: config.client_id.clone(),
            metadata: profile::complete(config.metadata.clone(), &profiles),
            settings: config.settings.clone(),
            secret: None,
            sealed_secret: None,
            registration: None,
            created_at: 0,
            generation: 1,
            from_document: false,
            profiles: Vec::new(),
            shortcomings: Vec::new(),
        }
        .held_to(server)
    }

    /// Whether the client is told the id of the session (`sid`): it hears of logouts, asks for them, or shares a sign-in with
    /// other applications. To others it would only tell one session of a user from the next.
    pub fn knows_sessions(&self) -> bool {
        let metadata = &self.metadata;
        metadata.backchannel_logout_uri.is_some()
            || metadata.frontchannel_logout_uri.is_some()
            || metadata.post_logout_redirect_uris.iter().flatten().next().is_some()
            || self.settings.native_sso.is_some()
    }

    /// How it authenticates.
    pub fn auth_method(&self) -> AuthMethod {
        self.metadata.token_endpoint_auth_method.unwrap_or(AuthMethod::ClientSecretBasic)
    }

    /// Whether it cannot keep a secret (RFC 6749 section 2.1).
    pub fn is_public(&self) -> bool {
        self.auth_method() == AuthMethod::None
    }

    /// Whether it may use this grant.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.as_ref().is_some_and(|grants| grants.contains(&grant))
    }

    /// The scope it registered, if it did.
    pub fn registered_scope(&self) -> Option<Scope> {
        self.metadata.scope.as_deref().and_then(|text| Scope::parse(text).ok())
    }

    /// What the operator gives it without asking, and less what it never gets.
    pub fn assign(&self, granted: &Scope) -> Scope {
        let with = granted.union(&Scope::from_values(self.settings.default_scope.iter().cloned()));
        with.difference(&self.denied_scope())
    }

    /// Scope values it never gets.
    pub fn denied_scope(&self) -> Scope {
        // Who belongs to no group of applications has nobody to share a sign-in with.
        let alone = self.settings.native_sso.is_none().then(|| DEVICE_SSO.to_owned());
        Scope::from_values(self.settings.denied_scope.iter().cloned().chain(alone))
    }

    /// The subject as this client sees it (OpenID Connect Core section 8).
    pub fn subject(&self, sub: &str, salt: &[u8]) -> String {
        match self.metadata.subject_type {
            Some(SubjectType::Pairwise) => pairwise::pairwise_subject(&self.sector(), sub, salt),
            _ => sub.to_owned(),
        }
    }

    /// Whether it sees pairwise subjects.
    pub fn is_pairwise(&self) -> bool {
        self.metadata.subject_type == Some(SubjectType::Pairwise)
    }

    /// Its sector (OpenID Connect Core section 8.1).
    pub fn sector(&self) -> String {
        sector_of(&self.metadata, &self.id)
    }

    /// What its users may see, in one of their languages.
    pub fn info(&self, locales: &[String]) -> ClientInfo {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let m = &self.metadata;
        ClientInfo {
            client_id: self.id.clone(),
            client_type: Some(if self.is_public() { "public" } else { "confidential" }.to_owned()),
            application_type: m.application_type.map(|t| t.as_str().to_owned()),
            name: own(m.client_name_for(locales)),
            logo_uri: own(m.logo_uri_for(locales)),
            document_host: self.from_document.then(|| client_id::host_of(&self.id)).flatten(),
            client_uri: own(m.client_uri_for(locales)),
            policy_uri: own(m.policy_uri_for(locales)),
            tos_uri: own(m.tos_uri_for(locales)),
            first_party: self.settings.first_party,
            data: Some(self.settings.data.clone()).filter(|d| !d.is_empty()),
        }
    }
}

/// The sector of a client with this metadata.
pub fn sector_of(metadata: &ClientMetadata, client_id: &str) -> String {
    let redirects = metadata.redirect_uris.as_deref().unwrap_or_default();
    pairwise::sector_of(redirects, metadata.sector_identifier_uri.as_deref())
        .unwrap_or_else(|| client_id.to_owned())
}

/// Refuses keys of a client that cannot be used, or that it should not have shown (RFC 7517), and keys without one for
/// what it wants encrypted.
pub fn check_keys(metadata: &ClientMetadata) -> Result<(), OAuthError> {
    let Some(serde_json::Value::Object(set)) = &metadata.jwks else { return Ok(()) };
    let refused = |reason: String| OAuthError::invalid_client_metadata(format!("`jwks`: {reason}"));
    let keys = KeySet::parse(set).map_err(|error| refused(error.to_string()))?;
    for response in JwtResponse::ALL {
        let algs = metadata.algs_of(response);
        let method =
            Method::registered(algs.alg, algs.enc).map_err(|_| refused("is of no use".to_owned()))?;
        if let Some(Method { alg, enc }) = method
            && !alg.is_symmetric()
            && keys.encryption().select(alg, enc, None).is_none()
        {
            let member = format!("`{}_encrypted_response_alg`", response.prefix());
            return Err(refused(format!("has no key for `{alg}`, which {member} needs")));
        }
    }
    Ok(())
}

/// A client as it is passed around.
pub type SharedClient = Arc<Client>;
