//! What is published about a resource (RFC 9728), so that clients find out how to get tokens for it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use url::Url;

use crate::uri::AbsoluteUri;

/// The path of the document for a resource without a path (RFC 9728 section 3).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The ways to present a token that exist (RFC 6750 section 2).
pub const BEARER_METHODS: [&str; 3] = ["header", "body", "query"];

/// A resource as it is described to others.
#[derive(Clone, Debug, Default)]
pub struct ProtectedResource<'a> {
    /// Its resource indicator.
    pub resource: &'a str,
    /// The authorization server.
    pub issuer: &'a str,
    /// Its name, by language; `""` for any other language.
    pub name: BTreeMap<&'a str, &'a str>,
    /// A page for developers.
    pub documentation: Option<&'a str>,
    /// The scope values that it knows, if it says so.
    pub scopes: Option<&'a [String]>,
    /// How tokens are presented to it.
    pub bearer_methods: &'a [String],
    /// The types of authorization details that it knows, if it says so.
    pub details_types: &'a [String],
    /// Whether its tokens must be bound by DPoP.
    pub dpop: bool,
    /// Whether its tokens must be bound to a client certificate.
    pub certificate: bool,
    /// Where its public keys are.
    pub jwks_uri: Option<&'a str>,
}

/// The metadata of a resource (RFC 9728 section 2).
pub fn metadata(of: &ProtectedResource<'_>) -> Map<String, Value> {
    let mut document = Map::new();
    let mut set = |name: &str, value: Value| document.insert(name.to_owned(), value);
    set("resource", of.resource.into());
    set("authorization_servers", json!([of.issuer]));
    if let Some(uri) = of.jwks_uri {
        set("jwks_uri", uri.into());
    }
    if let Some(scopes) = of.scopes {
        set("scopes_supported", json!(scopes));
    }
    set("bearer_methods_supported", json!(of.bearer_methods));
    for (language, name) in &of.name {
        // Section 2.1: a language tag after `#`.
        let member = if language.is_empty() { String::new() } else { format!("#{language}") };
        set(&format!("resource_name{member}"), (*name).into());
    }
    if let Some(page) = of.documentation {
        set("resource_documentation", page.into());
    }
    if !of.details_types.is_empty() {
        set("authorization_details_types_supported", json!(of.details_types));
    }
    // Both are false if they are left out.
    if of.dpop {
        set("dpop_bound_access_tokens_required", true.into());
    }
    if of.certificate {
        set("tls_client_certificate_bound_access_tokens", true.into());
    }
    document
}

/// Where clients look for the metadata of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `http` or `https`.
    pub scheme: String,
    /// The host, with a port if one is written, in lower case.
    pub authority: String,
    /// The path, with the query if the indicator has one.
    pub path: String,
}

impl Place {
    /// The place of the metadata of this resource (RFC 9728 section 3.1): the well-known path between host and path.
    /// None for an indicator that is not an `https` or `http` URL, or has a user or a fragment.
    pub fn of(resource: &str) -> Option<Self> {
        let uri = AbsoluteUri::parse(resource).ok()?;
        let url: &Url = &uri.parsed;
        let authority = uri.authority?;
        let web = matches!(url.scheme(), "https" | "http");
        if !web || resource.contains('#') || authority.contains('@') {
            return None;
        }
        let (_, rest) = resource.split_once("//")?;
        let path = &rest[authority.len()..];
        // A slash right after the host is left out.
        let path = match path.strip_prefix('/') {
            Some(after) if after.is_empty() || after.starts_with('?') => after,
            _ => path,
        };
        Some(Self {
            scheme: url.scheme().to_owned(),
            authority: authority.to_ascii_lowercase(),
            path: format!("{WELL_KNOWN}{path}"),
        })
    }

    /// The URL.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_path_stands_between_host_and_path() {
        for (resource, url) in [
            ("https://a.example", "https://a.example/.well-known/oauth-protected-resource"),
            ("https://a.example/", "https://a.example/.well-known/oauth-protected-resource"),
            ("https://A.example:8443/x/y", "https://a.example:8443/.well-known/oauth-protected-resource/x/y"),
            ("https://a.example/x/", "https://a.example/.well-known/oauth-protected-resource/x/"),
            ("https://a.example/x?k=v", "https://a.example/.well-known/oauth-protected-resource/x?k=v"),
            ("https://a.example/?k=v", "https://a.example/.well-known/oauth-protected-resource?k=v"),
            ("https://a.example?k=v", "https://a.example/.well-known/oauth-protected-resource?k=v"),
            ("http://localhost:8080/api", "http://localhost:8080/.well-known/oauth-protected-resource/api"),
        ] {
            assert_eq!(Place::of(resource).unwrap().url(), url, "{resource}");
        }
        for resource in ["urn:a", "https://a.example/#x", "https://me@a.example/", "ftp://a.example/", "a"] {
            assert_eq!(Place::of(resource), None, "{resource}");
        }
    }

    #[test]
    fn the_document_says_what_is_known_and_nothing_else() {
        let methods = vec!["header".to_owned()];
        let bare = ProtectedResource {
            resource: "https://a.example",
            issuer: "https://as.example",
            bearer_methods: &methods,
            ..ProtectedResource::default()
        };
        let expected = json!({
            "resource": "https://a.example", "authorization_servers": ["https://as.example"],
            "bearer_methods_supported": ["header"],
        });
        assert_eq!(Value::Object(metadata(&bare)), expected);
        let (scopes, types) = (vec!["a".to_owned()], vec!["pay".to_owned()]);
        let full = ProtectedResource {
            name: [("", "A"), ("de", "Ä")].into(),
            documentation: Some("https://a.example/docs"),
            scopes: Some(&scopes),
            details_types: &types,
            dpop: true,
            certificate: true,
            jwks_uri: Some("https://a.example/jwks"),
            ..bare
        };
        let expected = json!({
            "resource": "https://a.example", "authorization_servers": ["https://as.example"],
            "jwks_uri": "https://a.example/jwks", "bearer_methods_supported": ["header"], "scopes_supported": ["a"],
            "resource_name": "A", "resource_name#de": "Ä", "resource_documentation": "https://a.example/docs",
            "authorization_details_types_supported": ["pay"], "dpop_bound_access_tokens_required": true,
            "tls_client_certificate_bound_access_tokens": true,
        });
        assert_eq!(Value::Object(metadata(&full)), expected);
    }
}
