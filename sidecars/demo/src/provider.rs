//! The OpenID provider, as the client library knows it.

mod backchannel;
mod calls;
mod devices;
mod http_client;
mod tokens;

use std::{sync::Arc, time::Duration};

use openidconnect::{
    AdditionalClaims, AdditionalProviderMetadata, Client, ClientId, ClientSecret, DeviceAuthorizationUrl,
    EndSessionUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, ExtraTokenFields, IntrospectionUrl,
    IssuerUrl, ProviderMetadata, RedirectUrl, RevocationUrl, StandardErrorResponse,
    StandardTokenIntrospectionResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
        CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
        CoreRevocableToken, CoreRevocationErrorResponse, CoreSubjectIdentifierType, CoreTokenResponse,
        CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::{sync::Mutex, time::Instant};

pub(crate) use backchannel::{Answered, Asked};
pub(crate) use http_client::{Http, HttpError};
pub(crate) use tokens::{By, Expected, Tokens};

use crate::{
    config::{Config, Error},
    failure::Failure,
};

/// How long metadata and keys are used before they are fetched again.
const FRESH: Duration = Duration::from_secs(300);

/// What the library's metadata has no field for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Endpoints {
    pub(crate) device_authorization_endpoint: Option<DeviceAuthorizationUrl>,
    pub(crate) end_session_endpoint: Option<EndSessionUrl>,
    pub(crate) introspection_endpoint: Option<IntrospectionUrl>,
    pub(crate) revocation_endpoint: Option<RevocationUrl>,
    /// OpenID Connect CIBA Core, section 4.
    pub(crate) backchannel_authentication_endpoint: Option<String>,
    /// RFC 9207, section 3.
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Endpoints {}

/// Members beyond those the library has types for; shown, not interpreted.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Others {
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl AdditionalClaims for Others {}
impl ExtraTokenFields for Others {}

type Metadata = ProviderMetadata<
    Endpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The library's client: the core one, but introspection keeps members it does not know.
type Rp = Client<
    openidconnect::EmptyAdditionalClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    CoreTokenResponse,
    StandardTokenIntrospectionResponse<Others, CoreTokenType>,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What discovery told, and the client made from it.
pub(crate) struct Known {
    pub(crate) endpoints: Endpoints,
    pub(crate) client: Rp,
    /// The television: a client of its own, without a secret.
    pub(crate) television: Rp,
    /// The client that asks users who are elsewhere.
    pub(crate) call_centre: Rp,
}

/// How a client authenticates.
pub(crate) struct Credentials {
    id: String,
    secret: ClientSecret,
}

/// The provider this app trusts.
pub(crate) struct Provider {
    pub(crate) issuer: IssuerUrl,
    pub(crate) client_id: ClientId,
    client_secret: ClientSecret,
    pub(crate) tv_client_id: ClientId,
    /// The client that asks users who are elsewhere.
    caller: Credentials,
    pub(crate) redirect_uri: RedirectUrl,
    pub(crate) http: Http,
    known: Mutex<Option<(Instant, Arc<Known>)>>,
}

impl Provider {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let callback = format!("{}/callback", config.public_url.trim_end_matches('/'));
        Ok(Self {
            issuer: IssuerUrl::new(config.issuer.clone())
                .map_err(|cause| Error::Url { setting: "issuer", cause })?,
            client_id: ClientId::new(config.client_id.clone()),
            client_secret: ClientSecret::new(config.client_secret.clone()),
            tv_client_id: ClientId::new(config.tv_client_id.clone()),
            caller: Credentials {
                id: config.call_centre_id.clone(),
                secret: ClientSecret::new(config.call_centre_secret.clone()),
            },
            redirect_uri: RedirectUrl::new(callback)
                .map_err(|cause| Error::Url { setting: "public-url", cause })?,
            http: Http::new()?,
            known: Mutex::new(None),
        })
    }

    /// The provider's metadata and keys, from memory while they are fresh.
    pub(crate) async fn known(&self) -> Result<Arc<Known>, Failure> {
        let mut known = self.known.lock().await;
        if let Some((since, known)) = &*known
            && since.elapsed() < FRESH
        {
            return Ok(Arc::clone(known));
        }
        let fresh = Arc::new(self.discover().await?);
        *known = Some((Instant::now(), Arc::clone(&fresh)));
        Ok(fresh)
    }

    /// Fetches metadata and keys again: the provider may have changed its keys meanwhile.
    pub(crate) async fn known_anew(&self) -> Result<Arc<Known>, Failure> {
        *self.known.lock().await = None;
        self.known().await
    }

    async fn discover(&self) -> Result<Known, Failure> {
        let http = self.http.caller();
        let metadata = Metadata::discover_async(self.issuer.clone(), &http).await?;
        let endpoints = metadata.additional_metadata().clone();
        let television = Client::from_provider_metadata(metadata.clone(), self.tv_client_id.clone(), None);
        let call_centre = Client::from_provider_metadata(
            metadata.clone(),
            ClientId::new(self.caller.id.clone()),
            Some(self.caller.secret.clone()),
        );
        let client = Client::from_provider_metadata(
            metadata,
            self.client_id.clone(),
            Some(self.client_secret.clone()),
        )
        .set_redirect_uri(self.redirect_uri.clone());
        Ok(Known { endpoints, client, television, call_centre })
    }
}
