//! The configuration.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use placet_sdk::decision::Trust;
use serde::Deserialize;

use crate::{
    Verifier,
    encrypted::DecryptionKey,
    issuer::{IssuerError, Issuers},
};

/// The most that clocks may differ, in seconds.
const MAX_CLOCK_SKEW: u32 = 60;
/// The longest life of an assertion, in seconds.
const MAX_LIFETIME: u32 = 600;
/// The longest that it may be set to: no server takes more.
const LONGEST: u32 = 3_600;

/// The configuration file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen. Default `127.0.0.1:8091`.
    pub listen: Option<SocketAddr>,
    /// The URL by which the server knows this sidecar. Default `http://` and `listen`.
    pub id: Option<String>,
    /// The file with the secret that the server signs its requests with.
    pub secret_file: Option<PathBuf>,
    /// The file with the secret before a change, while both are in use.
    pub previous_secret_file: Option<PathBuf>,
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
    /// A confirmation with an `Address` holds, whoever came from where: nobody here can tell.
    #[serde(default)]
    pub ignore_address: bool,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read, or is not what it should be.
    #[error("`{}`: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// An issuer.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// A number is out of its range.
    #[error("`{0}` is out of its range, {1}")]
    Range(&'static str, &'static str),
}

impl Config {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let error = |problem: String| ConfigError::File { path: path.to_owned(), problem };
        let text = fs::read_to_string(path).map_err(|e| error(e.to_string()))?;
        toml::from_str(&text).map_err(|e| error(e.to_string()))
    }

    /// Reads the keys that it names. Paths are relative to `folder`.
    pub fn verifier(&self, folder: &Path) -> Result<Verifier, ConfigError> {
        let max_clock_skew = self.max_clock_skew.unwrap_or(MAX_CLOCK_SKEW);
        if max_clock_skew > 300 {
            return Err(ConfigError::Range("max_clock_skew", "0 to 300 seconds"));
        }
        let longest_life = self.max_lifetime.unwrap_or(MAX_LIFETIME);
        if !(1..=LONGEST).contains(&longest_life) {
            return Err(ConfigError::Range("max_lifetime", "1 to 3600 seconds"));
        }
        let mut decryption_keys = Vec::new();
        for path in &self.decryption_key_files {
            let path = folder.join(path);
            let key = fs::read(&path)
                .map_err(|e| e.to_string())
                .and_then(|pem| DecryptionKey::from_pem(&pem).map_err(|e| e.to_string()));
            decryption_keys.push(key.map_err(|problem| ConfigError::File { path, problem })?);
        }
        let issuers = Issuers::load(&self.issuers, folder, longest_life)?;
        Ok(Verifier { issuers, decryption_keys, max_clock_skew })
    }
}

fn third_party() -> Trust {
    Trust::ThirdParty
}
