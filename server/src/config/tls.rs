//! TLS of the listeners, and certificates of clients.

use std::{net::SocketAddr, path::PathBuf};

use placet_oauth::client::AuthMethod;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;

/// Whether a listener asks for certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificates {
    /// It does not.
    #[default]
    Off,
    /// It asks for one and goes on without. Browsers that have certificates ask people which one to send.
    Optional,
}

/// Versions and ciphers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TlsProfile {
    /// TLS 1.2 with forward secrecy and authenticated encryption, and TLS 1.3.
    #[default]
    Default,
    /// What FAPI allows: in TLS 1.2 only `ECDHE` with `AES-GCM`, and TLS 1.3.
    Fapi,
}

/// TLS of the public listener, which speaks plain HTTP without a certificate. Changed files are read again within ten
/// seconds, and at SIGHUP.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// PEM file with the certificate and its chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// PEM file with its private key, not encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// Whether the public listener asks for certificates of clients.
    pub client_certificates: ClientCertificates,
    /// Versions and ciphers, on every listener with TLS.
    pub profile: TlsProfile,
    /// The private listener.
    pub private: PrivateTls,
}

/// TLS of the private listener, which speaks plain HTTP without a certificate.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PrivateTls {
    /// PEM file with the certificate and its chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// PEM file with its private key, not encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
}

/// Certificates of clients (RFC 8705).
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MtlsConfig {
    /// Address of a listener that asks every client for a certificate and has the endpoints that clients call
    /// themselves, none of those for browsers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// The base URL of these endpoints, `https://mtls.example.com`: discovery names it in `mtls_endpoint_aliases` (RFC
    /// 8705 section 5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// PEM file with the certificate of this listener and its chain; that of `[tls]` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// PEM file with its private key, not encrypted; that of `[tls]` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// PEM files with the authorities that vouch for clients with `tls_client_auth`; the method is off without any.
    /// They are read again as the certificates are.
    pub ca_files: Vec<PathBuf>,
    /// A proxy that ends TLS and passes certificates on.
    pub proxy: ProxyCertificate,
}

/// How a proxy writes a certificate into a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateEncoding {
    /// Base64 of the DER between colons (RFC 9440).
    #[default]
    Rfc9440,
    /// PEM, percent-encoded: `$ssl_client_escaped_cert` of nginx.
    EscapedPem,
}

/// Headers in which the `trusted_proxies` say which certificate a client has. The proxy must remove what clients send
/// in these headers; of all others they are removed here.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProxyCertificate {
    /// Name of the header with the certificate: `Client-Cert` (RFC 9440), for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// How the certificate is written.
    pub encoding: CertificateEncoding,
    /// Name of the header with the certificates between that of the client and its authority, as in RFC 9440:
    /// `Client-Cert-Chain`. Absent: they have to be among the `ca_files`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_header: Option<String>,
}

impl Config {
    /// Whether a certificate of a client can reach this server at all.
    pub fn sees_client_certificates(&self) -> bool {
        let public = self.tls.certificate_file.is_some()
            && self.tls.client_certificates == ClientCertificates::Optional;
        public || self.mtls.listen.is_some() || self.mtls.proxy.header.is_some()
    }

    /// The digests of the certificates of login apps and admins, with whose each is.
    pub fn pinned_certificates(&self) -> impl Iterator<Item = (String, &str)> {
        let apps = self.ui.iter().map(|ui| (format!("[[ui]] `{}`", ui.name), &ui.certificate_sha256));
        let admins =
            self.admin.iter().map(|admin| (format!("[[admin]] `{}`", admin.name), &admin.certificate_sha256));
        apps.chain(admins)
            .flat_map(|(whose, digests)| digests.iter().map(move |digest| (whose.clone(), digest.as_str())))
    }

    /// The ways of client authentication that are on: what dispatch takes, and discovery announces.
    pub fn auth_methods(&self) -> Vec<AuthMethod> {
        let sees = self.sees_client_certificates();
        let is_on = |method: &AuthMethod| match method {
            AuthMethod::TlsClientAuth => sees && !self.mtls.ca_files.is_empty(),
            AuthMethod::SelfSignedTlsClientAuth => sees,
            AuthMethod::AttestJwtClientAuth | AuthMethod::AttestJwtClientAuthDpop => {
                self.client_attestation.enabled
            }
            _ => true,
        };
        AuthMethod::ALL.into_iter().filter(is_on).collect()
    }

    /// The URLs of the endpoint at `path`: that of the issuer, and the alias for clients with certificates.
    pub fn urls_of(&self, path: &str) -> Vec<String> {
        let bases = [Some(&self.issuer), self.mtls.base_url.as_ref()];
        bases.into_iter().flatten().map(|base| format!("{base}{path}")).collect()
    }
}
