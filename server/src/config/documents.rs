//! Clients whose id is the URL of their metadata.

use placet_oauth::client::document::DocumentRules;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;

/// Clients that nobody registered: their id is the URL of a document with their metadata (OAuth Client ID Metadata
/// Document, a draft). What they may ask for is bounded as for clients that register themselves (`[registration]`), and
/// to the grants authorization code, refresh token and implicit.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientIdMetadataConfig {
    /// Whether there are such clients.
    pub enabled: bool,
    /// Hosts whose documents are read; `*.example.com` stands for all hosts below that domain. Empty means any host.
    pub allowed_hosts: Vec<String>,
    /// Whether the redirect URIs of a document have to be of its own origin, or a loopback address. Otherwise anybody
    /// can publish a document that looks like the app of somebody else.
    pub same_origin_redirects: bool,
    /// A document is read again after so many seconds at the latest. What its server says (`Cache-Control`) makes that
    /// sooner, but never sooner than a minute.
    pub max_age: u32,
}

impl Default for ClientIdMetadataConfig {
    fn default() -> Self {
        Self { enabled: false, allowed_hosts: Vec::new(), same_origin_redirects: true, max_age: 3600 }
    }
}

impl ClientIdMetadataConfig {
    /// Whether the documents of this host are read.
    pub fn allows(&self, host: &str) -> bool {
        self.allowed_hosts.is_empty()
            || self.allowed_hosts.iter().any(|allowed| match allowed.strip_prefix("*.") {
                Some(domain) => {
                    host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
                }
                None => allowed == host,
            })
    }
}

impl Config {
    /// What is asked of documents.
    pub fn document_rules(&self) -> DocumentRules {
        DocumentRules {
            same_origin: self.client_id_metadata.same_origin_redirects,
            development: self.development,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_one_by_one_or_by_their_domain() {
        let some = ClientIdMetadataConfig {
            allowed_hosts: vec!["app.example".to_owned(), "*.example.com".to_owned()],
            ..ClientIdMetadataConfig::default()
        };
        for host in ["app.example", "a.example.com", "a.b.example.com"] {
            assert!(some.allows(host), "{host}");
        }
        for host in
            ["example.com", ".example.com", "evilexample.com", "app.example.evil", "x.app.example", ""]
        {
            assert!(!some.allows(host), "{host}");
        }
        assert!(ClientIdMetadataConfig::default().allows("anything.example"));
    }
}
