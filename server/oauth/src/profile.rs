//! Security profiles: bundles of rules that a whole server or one client is held to.
//!
//! A profile does two things. It [sets](Profile::apply) what it demands wherever nothing was said, so that the rest of
//! the program need not know of profiles; and it [names](Profile::shortcomings) what contradicts it.

mod discovery;

use serde::{Deserialize, Serialize};

use crate::{
    ciba::DeliveryMode,
    client::{AuthMethod, ClientMetadata},
    grant_type::GrantType,
    response_type::ResponseType,
    uri::AbsoluteUri,
};

/// A security profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Profile {
    /// OAuth 2.1 (draft-ietf-oauth-v2-1): PKCE for every code, no token in the browser's address, no passwords.
    #[serde(rename = "oauth21")]
    Oauth21,
    /// FAPI 1.0 Part 2, Advanced.
    #[serde(rename = "fapi1-advanced")]
    Fapi1Advanced,
    /// FAPI 2.0 Security Profile.
    #[serde(rename = "fapi2-sp")]
    Fapi2SecurityProfile,
    /// FAPI 2.0 Message Signing: the security profile, and authorization requests are signed.
    #[serde(rename = "fapi2-ms")]
    Fapi2MessageSigning,
    /// FAPI: Client Initiated Backchannel Authentication Profile. Its rules for authentication on another device hold in
    /// every FAPI profile; this one is for clients that do nothing else.
    #[serde(rename = "fapi-ciba")]
    FapiCiba,
}

/// How access tokens have to be bound to their client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// They need not be.
    Free,
    /// To a DPoP key or to a certificate.
    Any,
    /// To a certificate.
    Certificate,
}

/// The signature algorithms of FAPI (FAPI 2.0 Security Profile section 5.4, FAPI 1.0 Advanced section 8.6).
const FAPI_ALGS: &[&str] = &["PS256", "ES256", "EdDSA", "Ed25519"];
/// FAPI takes clients that prove a private key (FAPI 2.0 Security Profile section 5.3.2.1).
const FAPI_METHODS: &[AuthMethod] =
    &[AuthMethod::PrivateKeyJwt, AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth];

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 5] = [
        Self::Oauth21,
        Self::Fapi1Advanced,
        Self::Fapi2SecurityProfile,
        Self::Fapi2MessageSigning,
        Self::FapiCiba,
    ];

    /// The name of the profile in configurations and errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oauth21 => "oauth21",
            Self::Fapi1Advanced => "fapi1-advanced",
            Self::Fapi2SecurityProfile => "fapi2-sp",
            Self::Fapi2MessageSigning => "fapi2-ms",
            Self::FapiCiba => "fapi-ciba",
        }
    }

    /// Whether it is one of the FAPI profiles.
    pub const fn is_fapi(self) -> bool {
        !matches!(self, Self::Oauth21)
    }

    /// Whether it is one of the FAPI 2.0 profiles.
    pub const fn is_fapi2(self) -> bool {
        matches!(self, Self::Fapi2SecurityProfile | Self::Fapi2MessageSigning)
    }

    /// How access tokens have to be bound.
    pub const fn binding(self) -> Binding {
        match self {
            Self::Oauth21 => Binding::Free,
            // FAPI 1.0 Advanced section 5.2.2-5 and -6: it knows certificates only.
            Self::Fapi1Advanced => Binding::Certificate,
            Self::Fapi2SecurityProfile | Self::Fapi2MessageSigning | Self::FapiCiba => Binding::Any,
        }
    }

    /// Whether every code needs a PKCE challenge. FAPI 1.0 wants one of pushed requests only, which
    /// [`Profile::pkce_when_pushed`] says.
    pub const fn pkce(self) -> bool {
        !matches!(self, Self::Fapi1Advanced | Self::FapiCiba)
    }

    /// Whether pushed requests need a PKCE challenge (FAPI 1.0 Advanced section 5.2.2-18).
    pub const fn pkce_when_pushed(self) -> bool {
        self.pkce() || self.is_fapi()
    }

    /// Whether a code may leave in a plain response. FAPI 1.0 wants it together with an ID token, or in a signed
    /// response (FAPI 1.0 Advanced section 5.2.2-2).
    pub const fn plain_code(self) -> bool {
        !matches!(self, Self::Fapi1Advanced)
    }

    /// Whether an authorization request has to name its redirect URI (FAPI 1.0 Baseline section 5.2.2-9, FAPI 2.0
    /// Security Profile section 5.3.2.2).
    pub const fn redirect_uri_named(self) -> bool {
        self.is_fapi()
    }

    /// Whether an authorization request has to say what it asks for, and has to carry a `nonce` if it asks for an ID token,
    /// else a `state` (FAPI 1.0 Baseline sections 5.2.2.2 and 5.2.2.3, Advanced section 5.2.3-8). A PKCE challenge does
    /// the work of both in FAPI 2.0.
    pub const fn request_tied_to_its_client(self) -> bool {
        matches!(self, Self::Fapi1Advanced)
    }

    /// Whether refresh tokens may be replaced at each use; FAPI 2.0 forbids it (section 5.3.2.1-9).
    pub const fn rotation(self) -> bool {
        !self.is_fapi2()
    }

    /// The algorithms of signatures; none means any.
    pub const fn algorithms(self) -> Option<&'static [&'static str]> {
        if self.is_fapi() { Some(FAPI_ALGS) } else { None }
    }

    /// Whether JWTs signed with this algorithm count.
    pub fn allows_algorithm(self, name: &str) -> bool {
        self.algorithms().is_none_or(|all| all.contains(&name))
    }

    /// How long a request object may be good for, in seconds, counted from its `nbf` (FAPI 1.0 Advanced section
    /// 5.2.2-13 and -17, FAPI 2.0 Message Signing section 5.3.1).
    pub const fn request_object_lifetime(self) -> Option<i64> {
        if matches!(self, Self::Fapi1Advanced | Self::Fapi2MessageSigning) { Some(3600) } else { None }
    }

    /// How clients may authenticate; none means in any way.
    pub const fn auth_methods(self) -> Option<&'static [AuthMethod]> {
        if self.is_fapi() { Some(FAPI_METHODS) } else { None }
    }

    /// Whether this response type may be used.
    pub fn allows_response_type(self, response_type: ResponseType) -> bool {
        let ResponseType { code, id_token, token } = response_type;
        code && !token && (!id_token || self == Self::Fapi1Advanced)
    }

    /// Whether this grant may be used. FAPI 2.0 Security Profile section 5.3.2.1-2, OAuth 2.1 section 10.
    pub fn allows_grant(self, grant: GrantType) -> bool {
        match grant {
            GrantType::Password => false,
            // The hybrid response type of FAPI 1.0 counts as implicit too (RFC 7591 section 2.1).
            GrantType::Implicit => self == Self::Fapi1Advanced,
            _ => true,
        }
    }

    /// Whether tokens may get to the client like this; FAPI wants to see the client before it hands out tokens (FAPI-CIBA
    /// section 5.2.2-1).
    pub const fn allows_delivery(self, mode: DeliveryMode) -> bool {
        !self.is_fapi() || mode.polls()
    }

    /// Whether authentication requests have to be signed, and have to say what they are about (FAPI-CIBA section 5.2.2-2
    /// and -5).
    pub const fn signed_authentication_requests(self) -> bool {
        self.is_fapi()
    }

    /// Sets what the profile demands of metadata wherever they say nothing. Call it before the usual defaults.
    pub fn apply(self, metadata: &mut ClientMetadata) {
        if !self.is_fapi() {
            return;
        }
        metadata.id_token_signed_response_alg.get_or_insert_with(|| "PS256".to_owned());
        metadata.authorization_signed_response_alg.get_or_insert_with(|| "PS256".to_owned());
        if self.is_fapi2() {
            metadata.require_pushed_authorization_requests.get_or_insert(true);
        }
        if matches!(self, Self::Fapi1Advanced | Self::Fapi2MessageSigning) {
            metadata.require_signed_request_object.get_or_insert(true);
        }
        if self == Self::Fapi1Advanced {
            metadata.tls_client_certificate_bound_access_tokens.get_or_insert(true);
        }
    }

    /// What in complete metadata contradicts the profile, one sentence each.
    pub fn shortcomings(self, metadata: &ClientMetadata) -> Vec<String> {
        let mut found = Vec::new();
        self.check_authentication(metadata, &mut found);
        self.check_grants(metadata, &mut found);
        self.check_algorithms(metadata, &mut found);
        self.check_redirect_uris(metadata, &mut found);
        self.check_backchannel(metadata, &mut found);
        let mut demand = |holds: bool, member: &str| {
            if !holds {
                found.push(format!("`{member}` must be true"));
            }
        };
        if self.is_fapi2() {
            let member = "require_pushed_authorization_requests";
            demand(metadata.require_pushed_authorization_requests == Some(true), member);
        }
        if matches!(self, Self::Fapi1Advanced | Self::Fapi2MessageSigning) {
            demand(metadata.require_signed_request_object == Some(true), "require_signed_request_object");
        }
        if self.binding() == Binding::Certificate {
            let member = "tls_client_certificate_bound_access_tokens";
            demand(metadata.tls_client_certificate_bound_access_tokens == Some(true), member);
        }
        found
    }

    fn check_authentication(self, metadata: &ClientMetadata, found: &mut Vec<String>) {
        let (Some(allowed), Some(method)) = (self.auth_methods(), metadata.token_endpoint_auth_method) else {
            return;
        };
        if !allowed.contains(&method) {
            let names: Vec<_> = allowed.iter().map(|method| method.as_str()).collect();
            found.push(format!(
                "`token_endpoint_auth_method` must be one of {}, and is {}",
                names.join(", "),
                method.as_str()
            ));
        }
    }

    fn check_grants(self, metadata: &ClientMetadata, found: &mut Vec<String>) {
        for grant in metadata.grant_types.iter().flatten().filter(|grant| !self.allows_grant(**grant)) {
            found.push(format!("`grant_types` must not hold {}", grant.as_str()));
        }
        for response in
            metadata.response_types.iter().flatten().filter(|response| !self.allows_response_type(**response))
        {
            found.push(format!("`response_types` must not hold {}", response.as_str()));
        }
    }

    fn check_algorithms(self, metadata: &ClientMetadata, found: &mut Vec<String>) {
        let m = metadata;
        for (member, value) in [
            ("token_endpoint_auth_signing_alg", &m.token_endpoint_auth_signing_alg),
            ("request_object_signing_alg", &m.request_object_signing_alg),
            ("id_token_signed_response_alg", &m.id_token_signed_response_alg),
            ("userinfo_signed_response_alg", &m.userinfo_signed_response_alg),
            ("introspection_signed_response_alg", &m.introspection_signed_response_alg),
            ("authorization_signed_response_alg", &m.authorization_signed_response_alg),
            (
                "backchannel_authentication_request_signing_alg",
                &m.backchannel_authentication_request_signing_alg,
            ),
        ] {
            if let Some(alg) = value.as_deref().filter(|alg| !self.allows_algorithm(alg)) {
                found.push(format!("`{member}` must be PS256, ES256 or EdDSA, and is {alg}"));
            }
        }
    }

    /// FAPI-CIBA section 5.2.2.
    fn check_backchannel(self, metadata: &ClientMetadata, found: &mut Vec<String>) {
        if !metadata.grant_types.iter().flatten().any(|grant| *grant == GrantType::Ciba) {
            return;
        }
        if let Some(mode) =
            metadata.backchannel_token_delivery_mode.filter(|mode| !self.allows_delivery(*mode))
        {
            found.push(format!(
                "`backchannel_token_delivery_mode` must be poll or ping, and is {}",
                mode.as_str()
            ));
        }
        if self.signed_authentication_requests()
            && metadata.backchannel_authentication_request_signing_alg.is_none()
        {
            found.push("`backchannel_authentication_request_signing_alg` is required".to_owned());
        }
    }

    /// FAPI 1.0 Baseline section 5.2.2-20, FAPI 2.0 Security Profile section 5.3.2.2: https, but for loopback addresses
    /// of native apps.
    fn check_redirect_uris(self, metadata: &ClientMetadata, found: &mut Vec<String>) {
        if !self.is_fapi() {
            return;
        }
        for uri in metadata.redirect_uris.iter().flatten() {
            let https = AbsoluteUri::parse(uri).is_ok_and(|uri| uri.parsed.scheme() == "https");
            if !https {
                found.push(format!("`redirect_uris` must be https URLs, and `{uri}` is not"));
            }
        }
    }
}
