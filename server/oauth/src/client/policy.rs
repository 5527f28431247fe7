//! What a server accepts as client metadata.

mod certificate;
mod ciba;
mod logout;
mod requests;

use serde_json::Value;
use url::{Host, Url};

use super::{
    ApplicationType, AuthMethod, ClientMetadata, EncryptionAlgs, SubjectType, localized::LOCALIZABLE,
};
use crate::{
    error::OAuthError,
    grant_type::GrantType,
    pairwise,
    redirect_uri::{self, UriPolicy},
    scope::Scope,
    uri::AbsoluteUri,
};

/// At most this many URIs in one list.
const MAX_URIS: usize = 50;
/// At most this many bytes in one text.
const MAX_TEXT: usize = 2048;
/// At most this many bytes in a key set, as compact JSON.
const MAX_JWKS: usize = 64 * 1024;

/// The algorithms whose key is a client secret (RFC 7518 section 3.2).
pub const HMAC_ALGS: [&str; 3] = ["HS256", "HS384", "HS512"];

/// What the server allows its clients.
#[derive(Clone, Debug)]
pub struct MetadataPolicy {
    /// The grants that clients may register.
    pub allowed_grants: Vec<GrantType>,
    /// The scope values that clients may register; `None` is any.
    pub allowed_scopes: Option<Vec<String>>,
    /// The types of authorization details that clients may register.
    pub allowed_details_types: Vec<String>,
    /// The ways of authentication that clients may register.
    pub allowed_auth_methods: Vec<AuthMethod>,
    /// The algorithms that the server has keys to sign with.
    pub signing_algs: Vec<String>,
    /// The algorithms that the server can encrypt with.
    pub encryption: EncryptionAlgs,
    /// The algorithms of signatures that the server can verify.
    pub verified_algs: Vec<String>,
    /// Whether certificates of clients reach the server.
    pub certificates: bool,
    /// Whether clients may register that they do not sign their request objects.
    pub unsigned_requests: bool,
    /// How the keys of what is encrypted to the server may travel.
    pub decrypted_algs: Vec<String>,
    /// Whether `http` is good enough for localhost and loopback addresses.
    pub development: bool,
}

impl ClientMetadata {
    /// Checks metadata whose defaults are filled in.
    ///
    /// Fails with `invalid_redirect_uri` for redirect URIs and `invalid_client_metadata` for everything else
    /// (RFC 7591 section 3.2.2); the description names the member.
    pub fn validate(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        self.check_sizes()?;
        self.check_grants(policy)?;
        self.check_binding(policy)?;
        self.check_redirect_uris(policy)?;
        self.check_uris(policy)?;
        self.check_logout(policy)?;
        self.check_authentication(policy)?;
        self.check_responses(policy)?;
        self.check_requests(policy)?;
        self.check_ciba(policy)?;
        self.check_scope(policy)?;
        self.check_details_types(policy)?;
        self.check_sector()
    }

    fn grants(&self, grant: GrantType) -> bool {
        self.grant_types.as_ref().is_some_and(|grants| grants.contains(&grant))
    }

    /// Whether it registered that its access tokens are bound to a key or a certificate.
    pub fn wants_bound_tokens(&self) -> bool {
        let either = [self.dpop_bound_access_tokens, self.tls_client_certificate_bound_access_tokens];
        either.contains(&Some(true))
    }

    fn check_sizes(&self) -> Result<(), OAuthError> {
        let Ok(Value::Object(members)) = serde_json::to_value(self) else {
            return Err(OAuthError::invalid_client_metadata("the metadata is malformed"));
        };
        for (name, value) in &members {
            let fits = match value {
                Value::String(text) => text.len() <= MAX_TEXT,
                Value::Array(list) => {
                    list.len() <= MAX_URIS
                        && list.iter().all(|item| item.as_str().is_none_or(|text| text.len() <= MAX_TEXT))
                }
                Value::Object(_) => value.to_string().len() <= MAX_JWKS,
                _ => true,
            };
            if !fits {
                return Err(refused(name, "is too large"));
            }
        }
        if members.len() > 200 {
            return Err(OAuthError::invalid_client_metadata("the metadata has too many members"));
        }
        Ok(())
    }

    /// A client that is bound to a certificate which nobody can see would get no tokens at all.
    fn check_binding(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        if self.tls_client_certificate_bound_access_tokens == Some(true) && !policy.certificates {
            let reason = "no certificates of clients reach this server";
            return Err(refused("tls_client_certificate_bound_access_tokens", reason));
        }
        Ok(())
    }

    fn check_grants(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        for grant in self.grant_types.iter().flatten() {
            if !policy.allowed_grants.contains(grant) {
                return Err(refused("grant_types", &format!("`{}` is not allowed here", grant.as_str())));
            }
        }
        for response in self.response_types.iter().flatten() {
            let name = response.as_str();
            if response.code && !self.grants(GrantType::AuthorizationCode) {
                return Err(refused(
                    "response_types",
                    &format!("`{name}` needs the grant type authorization_code"),
                ));
            }
            if response.token && self.wants_bound_tokens() {
                let reason =
                    format!("`{name}` hands out an access token in the browser, where it cannot be bound");
                return Err(refused("response_types", &reason));
            }
            if (response.id_token || response.token) && !self.grants(GrantType::Implicit) {
                return Err(refused("response_types", &format!("`{name}` needs the grant type implicit")));
            }
        }
        Ok(())
    }

    fn check_redirect_uris(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        let none_given = self.redirect_uris.as_ref().is_none_or(Vec::is_empty);
        if none_given && (self.grants(GrantType::AuthorizationCode) || self.grants(GrantType::Implicit)) {
            return Err(OAuthError::invalid_redirect_uri("`redirect_uris` must name at least one URI"));
        }
        for uri in self.redirect_uris.iter().flatten() {
            self.check_redirect_uri(uri, policy)
                .map_err(|reason| OAuthError::invalid_redirect_uri(format!("`redirect_uris`: {reason}")))?;
        }
        for uri in self.post_logout_redirect_uris.iter().flatten() {
            self.check_redirect_uri(uri, policy)
                .map_err(|reason| refused("post_logout_redirect_uris", &reason))?;
        }
        Ok(())
    }

    fn check_redirect_uri(&self, uri: &str, policy: &MetadataPolicy) -> Result<(), String> {
        let application = self.application_type.unwrap_or(ApplicationType::Web);
        redirect_uri::validate(uri, application, UriPolicy { development: policy.development })
    }

    fn check_uris(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        for (member, value) in [
            ("logo_uri", &self.logo_uri),
            ("client_uri", &self.client_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
        ] {
            if value.as_deref().is_some_and(|uri| !is_web_page(uri)) {
                return Err(refused(member, "must be an http or https URL"));
            }
        }
        for member in LOCALIZABLE {
            for (name, value) in self.variants(member) {
                let sound = value.as_str().is_some_and(|text| member == "client_name" || is_web_page(text));
                if !sound {
                    return Err(refused(name, "must be an http or https URL"));
                }
            }
        }
        for (member, value) in [
            ("jwks_uri", &self.jwks_uri),
            ("initiate_login_uri", &self.initiate_login_uri),
            ("sector_identifier_uri", &self.sector_identifier_uri),
        ] {
            if value.as_deref().is_some_and(|uri| !is_secure(uri, policy.development)) {
                return Err(refused(member, "must be an https URL"));
            }
        }
        Ok(())
    }

    fn check_authentication(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        if let Some(method) = self.token_endpoint_auth_method {
            if !policy.allowed_auth_methods.contains(&method) {
                let reason = format!("`{}` is not allowed here", method.as_str());
                return Err(refused("token_endpoint_auth_method", &reason));
            }
            // RFC 6749 section 4.4: this grant must only be used by confidential clients.
            if method == AuthMethod::None && self.grants(GrantType::ClientCredentials) {
                let reason = "`none` is not possible with the grant type client_credentials";
                return Err(refused("token_endpoint_auth_method", reason));
            }
        }
        self.check_assertions(policy)?;
        self.check_certificate()?;
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(refused("jwks", "must not be given together with `jwks_uri`"));
        }
        let is_key_set = |jwks: &Value| jwks.get("keys").is_some_and(Value::is_array);
        if self.jwks.as_ref().is_some_and(|jwks| !is_key_set(jwks)) {
            return Err(refused("jwks", "must be an object with an array `keys`"));
        }
        Ok(())
    }

    /// What a client needs that authenticates by JWTs (OpenID Connect Core section 9).
    fn check_assertions(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        let method = self.token_endpoint_auth_method;
        if method == Some(AuthMethod::PrivateKeyJwt) && self.jwks.is_none() && self.jwks_uri.is_none() {
            let reason = "`private_key_jwt` needs `jwks` or `jwks_uri`";
            return Err(refused("token_endpoint_auth_method", reason));
        }
        let Some(alg) = &self.token_endpoint_auth_signing_alg else { return Ok(()) };
        let possible = match method {
            Some(AuthMethod::PrivateKeyJwt) => policy.verified_algs.contains(alg),
            Some(AuthMethod::ClientSecretJwt) => HMAC_ALGS.contains(&alg.as_str()),
            _ => false,
        };
        if possible {
            return Ok(());
        }
        let method = method.map_or("none", AuthMethod::as_str);
        Err(refused("token_endpoint_auth_signing_alg", &format!("`{alg}` is not possible with `{method}`")))
    }

    fn check_scope(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        let Some(scope) = self.scope.as_deref().filter(|scope| !scope.is_empty()) else { return Ok(()) };
        Scope::parse(scope).map_err(|error| refused("scope", &error.description))?;
        let Some(allowed) = &policy.allowed_scopes else { return Ok(()) };
        match scope.split(' ').find(|value| !value.is_empty() && !allowed.iter().any(|known| known == value))
        {
            Some(value) => Err(refused("scope", &format!("`{value}` is not allowed here"))),
            None => Ok(()),
        }
    }

    fn check_details_types(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        let known = |name: &&String| policy.allowed_details_types.contains(name);
        match self.authorization_details_types.iter().flatten().find(|name| !known(name)) {
            Some(name) => {
                Err(refused("authorization_details_types", &format!("`{name}` is not allowed here")))
            }
            None => Ok(()),
        }
    }

    /// OpenID Connect Core section 8.1: redirect URIs on several hosts have no sector of their own.
    fn check_sector(&self) -> Result<(), OAuthError> {
        let redirect_uris = self.redirect_uris.as_deref().unwrap_or_default();
        if self.subject_type == Some(SubjectType::Pairwise)
            && !redirect_uris.is_empty()
            && pairwise::sector_of(redirect_uris, self.sector_identifier_uri.as_deref()).is_none()
        {
            let reason = "is required for pairwise subjects unless all redirect URIs share one host";
            return Err(refused("sector_identifier_uri", reason));
        }
        Ok(())
    }
}

pub(super) fn refused(member: &str, reason: &str) -> OAuthError {
    OAuthError::invalid_client_metadata(format!("`{member}`: {reason}"))
}

fn is_web_page(uri: &str) -> bool {
    AbsoluteUri::parse(uri).is_ok_and(|uri| matches!(uri.parsed.scheme(), "http" | "https"))
}

fn is_secure(uri: &str, development: bool) -> bool {
    let Ok(AbsoluteUri { parsed: url, .. }) = AbsoluteUri::parse(uri) else { return false };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && (url.scheme() == "https" || (development && url.scheme() == "http" && is_loopback(&url)))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
