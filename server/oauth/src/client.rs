//! What a client registers about itself, and what that permits (RFC 7591 section 2, OpenID Connect Dynamic Client
//! Registration 1.0 section 2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ciba::DeliveryMode, grant_type::GrantType, params::encode_form, response_type::ResponseType};

pub mod document;
mod json;
mod localized;
mod policy;
mod responses;

pub use policy::{HMAC_ALGS, MetadataPolicy};
pub use responses::{EncryptionAlgs, JwtResponse, ResponseAlgs};

/// How a client authenticates at the token endpoint (RFC 7591 section 2, `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A public client: it has no secret.
    None,
    /// The secret in the `Authorization` header (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// The secret in the request body (RFC 6749 section 2.3.1).
    ClientSecretPost,
    /// A JWT under the secret (OpenID Connect Core section 9).
    ClientSecretJwt,
    /// A JWT under a private key of the client (OpenID Connect Core section 9, RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// A certificate that an authority vouches for (RFC 8705 section 2.1).
    TlsClientAuth,
    /// A certificate that the client registered (RFC 8705 section 2.2).
    SelfSignedTlsClientAuth,
    /// An attestation about the instance of the client, and a proof of its key (Attestation-Based Client Authentication).
    AttestJwtClientAuth,
    /// The same, where the DPoP proof is that proof (the same, "Using DPoP as the Proof of Possession").
    AttestJwtClientAuthDpop,
}

impl AuthMethod {
    /// Every method that this server knows.
    pub const ALL: [Self; 9] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::AttestJwtClientAuth,
        Self::AttestJwtClientAuthDpop,
        Self::None,
    ];

    /// The registered name of the method.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::AttestJwtClientAuth => "attest_jwt_client_auth",
            Self::AttestJwtClientAuthDpop => "attest_jwt_client_auth_dpop",
        }
    }

    /// Whether it rests on a secret that both sides know.
    pub const fn needs_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt)
    }

    /// Whether it rests on a certificate of the connection.
    pub const fn needs_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }

    /// Whether it rests on an attestation about the instance of the client.
    pub const fn needs_attestation(self) -> bool {
        matches!(self, Self::AttestJwtClientAuth | Self::AttestJwtClientAuthDpop)
    }

    /// The method of that name, if this server knows it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

/// Where a client runs (OpenID Connect Registration section 2, `application_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// On a server or in a browser: its redirect URIs are https.
    Web,
    /// On a device: its redirect URIs are private-use schemes, claimed https URIs or loopback addresses (RFC 8252).
    Native,
}

impl ApplicationType {
    /// The registered name of the type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Native => "native",
        }
    }
}

/// Whether clients see the same identifier of a user (OpenID Connect Core section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// Every client sees the same `sub`.
    Public,
    /// Clients of different sectors see different `sub` values.
    Pairwise,
}

impl SubjectType {
    /// Every subject type.
    pub const ALL: [Self; 2] = [Self::Public, Self::Pairwise];

    /// The registered name of the type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Pairwise => "pairwise",
        }
    }
}

/// The metadata of a client. An absent member means the default of the specification, which
/// [`ClientMetadata::with_defaults`] fills in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientMetadata {
    /// Where authorization responses may go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uris: Option<Vec<String>>,
    /// How the client authenticates at the token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    /// The only algorithm of the JWTs by which the client authenticates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// The subject of the client's certificate (RFC 4514).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// A DNS name in the client's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// A URI in the client's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    /// An address in the client's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<String>,
    /// An email address in the client's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,
    /// The grants that the client may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<GrantType>>,
    /// The response types that the client may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_types: Option<Vec<ResponseType>>,
    /// The name shown to users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// A picture shown to users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// The home page of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// How the client uses the data of users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// The terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Whom to ask about the client, usually email addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<String>>,
    /// Where the public keys of the client are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The public keys of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Identifies the software, the same for all its instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// The version of the software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// The scope values that the client may ask for, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The types of authorization details that the client asks for (RFC 9396 section 10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_details_types: Option<Vec<String>>,
    /// Where the client runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<ApplicationType>,
    /// An https URL whose host is the sector of pairwise subjects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// Which kind of `sub` the client receives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_type: Option<SubjectType>,
    /// The algorithm that signs the client's ID tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<String>,
    /// How the key of encrypted ID tokens travels; absent if they are not encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_alg: Option<String>,
    /// How encrypted ID tokens are encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_enc: Option<String>,
    /// The algorithm that signs `UserInfo` responses; absent if they are not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<String>,
    /// How the key of encrypted `UserInfo` responses travels; absent if they are not encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_alg: Option<String>,
    /// How encrypted `UserInfo` responses are encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_enc: Option<String>,
    /// The algorithm that signs introspection responses, where the client asks for JWTs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<String>,
    /// How the key of encrypted introspection responses travels; absent if they are not encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_alg: Option<String>,
    /// How encrypted introspection responses are encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_enc: Option<String>,
    /// The `max_age` of requests that name none, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    /// Whether ID tokens must carry `auth_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_auth_time: Option<bool>,
    /// The `acr_values` of requests that name none, best first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_acr_values: Option<Vec<String>>,
    /// Where a third party may start a login at the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    /// Where the browser may go after logout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// Where the client takes logout tokens (OpenID Connect Back-Channel Logout section 2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Whether the client needs `sid` in logout tokens; it is always there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_session_required: Option<bool>,
    /// The page of the client that signs the browser out there (OpenID Connect Front-Channel Logout section 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_uri: Option<String>,
    /// Whether the client needs `iss` and `sid` at that page; they are always there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_session_required: Option<bool>,
    /// Whether the client wants all its access tokens bound to a DPoP key (RFC 9449 section 5.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_bound_access_tokens: Option<bool>,
    /// Whether the client wants its access tokens bound to its certificate (RFC 8705 section 3.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    /// The algorithm that signs the client's authorization responses (JARM section 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_signed_response_alg: Option<String>,
    /// How the keys of the client's authorization responses are encrypted; none: they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_alg: Option<String>,
    /// How the content of the client's authorization responses is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_enc: Option<String>,
    /// URLs at which the client serves request objects (OpenID Connect Core section 6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_uris: Option<Vec<String>>,
    /// Whether every authorization request of the client is a signed request object (RFC 9101 section 10.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_signed_request_object: Option<bool>,
    /// The only algorithm of the client's request objects; `none` if it does not sign them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<String>,
    /// How the client may encrypt the keys of its request objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_alg: Option<String>,
    /// How the client may encrypt the content of its request objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_enc: Option<String>,
    /// Whether the client pushes every authorization request (RFC 9126 section 6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
    /// How tokens get to the client that an authentication on another device leads to (CIBA Core section 4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_token_delivery_mode: Option<DeliveryMode>,
    /// Where the client is called back (CIBA Core section 4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_client_notification_endpoint: Option<String>,
    /// The algorithm that signs the client's authentication requests; absent if it does not sign them (CIBA Core
    /// section 4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_authentication_request_signing_alg: Option<String>,
    /// Whether the client can send the code of a user (CIBA Core section 4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_user_code_parameter: Option<bool>,
    /// Human-readable members in a language: `client_name#fr` (RFC 7591 section 2.2). Use
    /// [`ClientMetadata::from_json`] to read metadata from outside: it keeps unknown members out of here.
    #[serde(flatten)]
    pub localized: BTreeMap<String, Value>,
}

impl ClientMetadata {
    /// Where a browser is sent so that a sign-in begins at the client: its `initiate_login_uri`, with the issuer that it is to
    /// use (OpenID Connect Core section 4).
    pub fn login_link(&self, issuer: &str) -> Option<String> {
        let uri = self.initiate_login_uri.as_deref()?;
        let separator = if uri.contains('?') { '&' } else { '?' };
        Some(format!("{uri}{separator}{}", encode_form([("iss", issuer)])))
    }

    /// Fills in the defaults of the specifications for the members that are absent.
    ///
    /// The default of `response_types` is `code` only where the grants of the client use the authorization endpoint at
    /// all: RFC 7591 section 2.1 wants both lists to agree.
    #[must_use]
    pub fn with_defaults(mut self) -> Self {
        let grants = self.grant_types.get_or_insert_with(|| vec![GrantType::AuthorizationCode]);
        let uses_front_channel =
            grants.iter().any(|grant| matches!(grant, GrantType::AuthorizationCode | GrantType::Implicit));
        self.response_types.get_or_insert_with(|| {
            if uses_front_channel { ResponseType::parse("code").into_iter().collect() } else { Vec::new() }
        });
        self.token_endpoint_auth_method.get_or_insert(AuthMethod::ClientSecretBasic);
        self.application_type.get_or_insert(ApplicationType::Web);
        self.subject_type.get_or_insert(SubjectType::Public);
        self.id_token_signed_response_alg.get_or_insert_with(|| "RS256".to_owned());
        self
    }
}

#[cfg(test)]
mod tests;
