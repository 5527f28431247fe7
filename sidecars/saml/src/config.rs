//! The configuration.

use std::{net::SocketAddr, path::PathBuf};

use placet_sdk::decision::Trust;
use serde::Deserialize;

/// The configuration file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen. Default `127.0.0.1:8091`.
    pub listen: Option<SocketAddr>,
    /// The file with the secret that the server signs its requests with.
    pub secret_file: Option<PathBuf>,
    /// The file with the secret that answers are signed with; another one than `secret_file`.
    pub answer_secret_file: Option<PathBuf>,
    /// The most that clocks may differ, in seconds, whatever the server says. Default 60.
    pub max_clock_skew: Option<u32>,
    /// The longest life of an assertion, in seconds, from its issue to its end. Default 600.
    pub max_lifetime: Option<u32>,
    /// Private RSA keys in PEM to which assertions may be encrypted.
    pub decryption_key_files: Vec<PathBuf>,
    /// Whom to believe.
    pub issuers: Vec<IssuerConfig>,
}

/// An issuer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Its name, exactly as it stands in `Issuer`.
    pub entity_id: String,
    /// Certificates in PEM, one or several in each file; any may have signed.
    #[serde(default)]
    pub certificate_files: Vec<PathBuf>,
    /// Public keys in PEM.
    #[serde(default)]
    pub public_key_files: Vec<PathBuf>,
    /// Its SAML metadata, or metadata of a federation that it stands in.
    #[serde(default)]
    pub metadata_file: Option<PathBuf>,
    /// `third_party`, or `self` for a client that issues assertions about itself.
    #[serde(default = "third_party")]
    pub trust: Trust,
    /// The longest life of its assertions, in seconds; not longer than for all.
    #[serde(default)]
    pub max_lifetime: Option<u32>,
}

fn third_party() -> Trust {
    Trust::ThirdParty
}
