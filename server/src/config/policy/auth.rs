//! How the server and a policy know each other.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A secret that stands in the configuration. It is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretText(pub String);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// How the server and a policy know each other.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyAuth {
    /// What requests are signed with, as Standard Webhooks writes it.
    pub sign: SigningSecret,
    /// File with a bearer token that requests carry besides; read again when it is older than half a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_file: Option<PathBuf>,
    /// The certificate that the server shows.
    pub mtls: ClientCertificate,
    /// Only answers that are signed with the secret in `response` count.
    pub require_signed_response: bool,
    /// What answers are signed with: another secret than that of requests.
    pub response: ResponseSecret,
    /// Allows `http://` on this machine. Absent: in development alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_plaintext_loopback: Option<bool>,
    /// Owner of the Unix socket, as a user id. Absent: the user that this server runs as, or root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_uid: Option<u32>,
}

/// A secret `whsec_…`, and its predecessor during a change: both sign, until the policy knows the new one.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SigningSecret {
    /// The secret, in development only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretText>,
    /// File with the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// The previous secret, in development only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<SecretText>,
    /// File with the previous secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_file: Option<PathBuf>,
}

/// A secret `whsec_…` that a policy signs its answers with.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResponseSecret {
    /// The secret, in development only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretText>,
    /// File with the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
}

/// A certificate that the server shows to a policy, and whom it believes to be that policy.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientCertificate {
    /// PEM file with the certificate and its chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,
    /// PEM file with its private key (PKCS #8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// PEM file with the only certificate authorities that are believed. Absent: those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}
