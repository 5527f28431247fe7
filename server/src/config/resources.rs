//! Resources that tokens are for, and what their servers want of tokens.

use std::collections::BTreeMap;

use placet_oauth::{
    error::{ErrorCode, OAuthError},
    rar::locations,
    resource::{
        Terms, TokenFormat,
        metadata::{Place, ProtectedResource, metadata},
    },
    scope::Scope,
};
use placet_sdk::{
    details,
    grant::{Encoding, Object},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClientSettings, Config};

/// A resource that clients may name (RFC 8707), with what its server wants of tokens. A token for several resources has
/// the scope values that one of them knows, the shortest life, and every binding that one demands; it is opaque if one
/// wants that. There is none for resources that want other signatures, nor for one that wants encryption beside another:
/// a client asks for these one at a time (section 2.2).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceConfig {
    /// The resource indicator: an absolute URI without a fragment, compared byte for byte.
    pub uri: String,
    /// Its name, by language; `""` for any other language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub name: BTreeMap<String, String>,
    /// A page for developers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation: Option<String>,
    /// Scope values that it knows: tokens for it carry no others, except those of OpenID Connect. Absent: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Types of authorization details that it knows: tokens for it carry no others. Empty: any.
    pub authorization_details_types: Vec<String>,
    /// `jwt` or `opaque`; absent leaves it to the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_format: Option<Encoding>,
    /// How long, in seconds, tokens for it live at the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
    /// The algorithm that signs its tokens; absent leaves it to the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_alg: Option<String>,
    /// Its tokens that are JWTs are signed and then encrypted: `alg` and `enc` (RFC 7518 sections 4 and 5), and its public
    /// key as `jwk`, in `jwks`, or at `jwks_uri`. So are JWTs that introspection answers to its clients with, unless they
    /// registered an encryption themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<ResourceEncryption>,
    /// Its tokens must be bound to a key of the client by DPoP (RFC 9449).
    pub dpop_bound_access_tokens_required: bool,
    /// Its tokens must be bound to a certificate of the client (RFC 8705).
    pub tls_client_certificate_bound_access_tokens: bool,
    /// How tokens are presented to it (RFC 6750 section 2): `header`, `body`, `query`.
    pub bearer_methods: Vec<String>,
    /// Whether discovery and metadata hide it.
    pub hidden: bool,
}

impl Default for ResourceConfig {
    fn default() -> Self {
        Self {
            uri: String::new(),
            name: BTreeMap::new(),
            documentation: None,
            scopes: None,
            authorization_details_types: Vec::new(),
            token_format: None,
            lifetime: None,
            signing_alg: None,
            encryption: None,
            dpop_bound_access_tokens_required: false,
            tls_client_certificate_bound_access_tokens: false,
            bearer_methods: vec!["header".to_owned()],
            hidden: false,
        }
    }
}

/// How the tokens for a resource are encrypted (RFC 7516): a signed JWT inside of a JWE.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceEncryption {
    /// Its public key (RFC 7517).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwk: Option<Object>,
    /// Its public keys, instead of `jwk`: the first that fits is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Object>,
    /// Where its public keys are, instead of `jwk`: an https URL, fetched under the rules of `[outbound]` and kept for a
    /// quarter of an hour. It is published (RFC 9728 section 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// How the key of the content is encrypted, `ECDH-ES+A256KW` for example (RFC 7518 section 4).
    pub alg: String,
    /// How the content is encrypted, `A256GCM` for example (RFC 7518 section 5).
    pub enc: String,
}

/// What tokens for some audience must be bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenBinding {
    /// A key, by DPoP (RFC 9449).
    pub dpop: bool,
    /// A client certificate (RFC 8705).
    pub certificate: bool,
}

impl ResourceConfig {
    fn terms(&self) -> Terms {
        Terms {
            scope: self.scopes.as_ref().map(|values| Scope::from_values(values.iter().cloned())),
            format: match self.token_format {
                // What is encrypted is a JWT, also where nothing is said or the client has it otherwise.
                _ if self.encryption.is_some() => Some(TokenFormat::Jwt),
                Some(Encoding::Jwt) => Some(TokenFormat::Jwt),
                Some(Encoding::Opaque) => Some(TokenFormat::Opaque),
                None => None,
            },
            lifetime: self.lifetime,
            signing_alg: self.signing_alg.clone(),
            encrypted: self.encryption.is_some(),
            dpop: self.dpop_bound_access_tokens_required,
            certificate: self.tls_client_certificate_bound_access_tokens,
        }
    }

    /// Its metadata (RFC 9728 section 2).
    fn metadata(&self, issuer: &str) -> Object {
        metadata(&ProtectedResource {
            resource: &self.uri,
            issuer,
            name: self.name.iter().map(|(tag, name)| (tag.as_str(), name.as_str())).collect(),
            documentation: self.documentation.as_deref(),
            scopes: self.scopes.as_deref(),
            bearer_methods: &self.bearer_methods,
            details_types: &self.authorization_details_types,
            dpop: self.dpop_bound_access_tokens_required,
            certificate: self.tls_client_certificate_bound_access_tokens,
            jwks_uri: self.encryption.as_ref().and_then(|encryption| encryption.jwks_uri.as_deref()),
        })
    }
}

impl Config {
    /// A resource of the configuration; one that is only named has no terms.
    pub fn resource(&self, uri: &str) -> Option<&ResourceConfig> {
        self.resource.iter().find(|resource| resource.uri == uri)
    }

    /// Whether tokens can be for this resource: the operator named it, or it is this server.
    pub fn has_resource(&self, uri: &str) -> bool {
        uri == self.issuer || self.resources.iter().any(|known| known == uri) || self.resource(uri).is_some()
    }

    /// Whether a client may ask for tokens for this resource.
    pub fn offers_resource(&self, settings: &ClientSettings, uri: &str) -> bool {
        let allowed = settings.allowed_resources.as_ref();
        self.has_resource(uri)
            && (uri == self.issuer || allowed.is_none_or(|allowed| allowed.iter().any(|one| one == uri)))
    }

    /// Refuses resource indicators that the operator did not name, or not to this client (RFC 8707 section 2).
    pub fn check_resources(&self, settings: &ClientSettings, resources: &[String]) -> Result<(), OAuthError> {
        let Some(unknown) = resources.iter().find(|uri| !self.offers_resource(settings, uri)) else {
            return Ok(());
        };
        let why =
            if self.has_resource(unknown) { "is not for this client" } else { "is not known to this server" };
        Err(OAuthError::new(ErrorCode::InvalidTarget, format!("resource `{unknown}` {why}")))
    }

    /// The terms of a token for this audience. Whoever is in it without being a resource of the configuration takes
    /// any token.
    ///
    /// # Errors
    ///
    /// `invalid_target` if there is no token for all of them.
    pub fn terms(&self, audience: &[String]) -> Result<Terms, OAuthError> {
        let each: Vec<(&str, Terms)> = audience
            .iter()
            .map(|uri| (uri.as_str(), self.resource(uri).map(ResourceConfig::terms).unwrap_or_default()))
            .collect();
        Terms::together(each.iter().map(|(uri, terms)| (*uri, terms)))
    }

    /// Whether somebody in this audience knows a scope value.
    pub fn knows_scope(&self, audience: &[String], value: &str) -> bool {
        let value = Scope::from_values([value]);
        audience
            .iter()
            .any(|uri| self.resource(uri).is_none_or(|resource| !resource.terms().permit(&value).is_empty()))
    }

    /// What tokens for this audience must be bound to.
    pub fn requires_sender_constraint(&self, audience: &[String]) -> TokenBinding {
        let among = |demands: fn(&ResourceConfig) -> bool| {
            audience.iter().filter_map(|uri| self.resource(uri)).any(demands)
        };
        TokenBinding {
            dpop: among(|resource| resource.dpop_bound_access_tokens_required),
            certificate: among(|resource| resource.tls_client_certificate_bound_access_tokens),
        }
    }

    /// How a token for this audience is encrypted. A token that is encrypted is for one resource alone: see
    /// [`Config::terms`].
    pub fn encryption(&self, audience: &[String]) -> Option<&ResourceEncryption> {
        let [uri] = audience else { return None };
        self.resource(uri)?.encryption.as_ref()
    }

    /// Whether a detail concerns somebody in this audience: it says no location or one of these, and its type is known
    /// there.
    pub fn concerns(&self, audience: &[String], detail: &Object) -> bool {
        let located = locations(detail).next().is_some();
        audience.iter().any(|uri| {
            let types = self.resource(uri).map_or(&[][..], |resource| &resource.authorization_details_types);
            (!located || locations(detail).any(|location| location == uri))
                && (types.is_empty() || types.iter().any(|name| name == details::type_of(detail)))
        })
    }

    /// Resources whose metadata are published, and where (RFC 9728).
    pub fn published_resources(&self) -> impl Iterator<Item = (&str, Place)> {
        let bare = self.resources.iter().map(String::as_str).filter(|uri| self.resource(uri).is_none());
        let full =
            self.resource.iter().filter(|resource| !resource.hidden).map(|resource| resource.uri.as_str());
        full.chain(bare).filter_map(|uri| {
            // The specification wants https (section 1.2).
            let place = Place::of(uri).filter(|place| place.scheme == "https" || self.development)?;
            Some((uri, place))
        })
    }

    /// The metadata of a published resource (RFC 9728 section 2).
    pub fn resource_metadata(&self, uri: &str) -> Option<Object> {
        self.published_resources().find(|(known, _)| *known == uri)?;
        let bare = || ResourceConfig { uri: uri.to_owned(), ..ResourceConfig::default() };
        Some(self.resource(uri).cloned().unwrap_or_else(bare).metadata(&self.issuer))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(resources: serde_json::Value) -> Config {
        let mut config = Config { issuer: "https://as.example".to_owned(), ..Config::default() };
        config.resource = serde_json::from_value(resources).unwrap();
        config
    }

    fn audience(list: &[&str]) -> Vec<String> {
        list.iter().map(|uri| (*uri).to_owned()).collect()
    }

    #[test]
    fn a_detail_concerns_those_whom_it_names_and_who_know_its_type() {
        let config = config(json!([
            { "uri": "https://pay", "authorization_details_types": ["pay"] }, { "uri": "https://any" },
        ]));
        let concerns = |list: &[&str], detail: serde_json::Value| {
            config.concerns(&audience(list), detail.as_object().unwrap())
        };
        assert!(concerns(&["https://pay"], json!({ "type": "pay" })));
        assert!(!concerns(&["https://pay"], json!({ "type": "own" })));
        assert!(concerns(&["https://pay", "https://any"], json!({ "type": "own" })));
        assert!(concerns(
            &["https://any"],
            json!({ "type": "own", "locations": ["https://any", "https://x"] })
        ));
        assert!(!concerns(&["https://any"], json!({ "type": "own", "locations": ["https://pay"] })));
        // Each condition holds for somebody, and both for nobody.
        let detail = json!({ "type": "own", "locations": ["https://pay"] });
        assert!(!concerns(&["https://pay", "https://any"], detail));
    }

    #[test]
    fn a_binding_is_demanded_by_each_resource_of_the_audience() {
        let config = config(json!([
            { "uri": "https://a", "dpop_bound_access_tokens_required": true },
            { "uri": "https://b", "tls_client_certificate_bound_access_tokens": true },
        ]));
        let binding = |list: &[&str]| config.requires_sender_constraint(&audience(list));
        assert_eq!(binding(&["https://as.example"]), TokenBinding::default());
        assert_eq!(
            binding(&["https://as.example", "https://a"]),
            TokenBinding { dpop: true, certificate: false }
        );
        assert_eq!(binding(&["https://a", "https://b"]), TokenBinding { dpop: true, certificate: true });
    }

    #[test]
    fn a_token_is_encrypted_to_the_one_resource_that_it_is_for() {
        let encryption = json!({ "alg": "ECDH-ES", "enc": "A256GCM" });
        let config =
            config(json!([{ "uri": "https://a", "encryption": encryption }, { "uri": "https://b" }]));
        assert!(config.encryption(&audience(&["https://a"])).is_some());
        for others in [&["https://b"][..], &["https://a", "https://b"], &[]] {
            assert!(config.encryption(&audience(others)).is_none());
        }
        assert!(config.terms(&audience(&["https://a"])).unwrap().encrypted);
        assert!(config.terms(&audience(&["https://a", "https://b"])).is_err());
    }
}
