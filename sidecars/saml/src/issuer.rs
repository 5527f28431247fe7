//! Whom to believe: issuers and their keys.

mod key;
mod metadata;

use std::{collections::BTreeMap, fs, path::Path};

use placet_sdk::{Instant, decision::Trust};

pub use key::{Key, KeyError, KeyKind};

use crate::config::IssuerConfig;

/// An issuer of assertions that the operator trusts.
#[derive(Debug)]
pub struct Issuer {
    /// What it is to this server.
    pub trust: Trust,
    /// Its keys, any of which may have signed.
    pub keys: Vec<Key>,
    /// The longest life of its assertions, in seconds.
    pub max_lifetime: u32,
    /// Whether confirmations with an `Address` hold, though it is not looked at.
    pub ignore_address: bool,
    /// Until when its metadata may be used.
    pub valid_until: Option<Instant>,
}

/// The issuers, by their exact names (`entityID`).
#[derive(Debug, Default)]
pub struct Issuers(BTreeMap<String, Issuer>);

/// What is wrong with the configuration of an issuer.
#[derive(Debug, thiserror::Error)]
#[error("issuer `{issuer}`: {problem}")]
pub struct IssuerError {
    issuer: String,
    problem: String,
}

impl Issuers {
    /// Reads the keys of all configured issuers. Paths are relative to `folder`.
    pub fn load(configured: &[IssuerConfig], folder: &Path, longest_life: u32) -> Result<Self, IssuerError> {
        let mut issuers = Self::default();
        for config in configured {
            let error = |problem: String| IssuerError { issuer: config.entity_id.clone(), problem };
            let issuer = load(config, folder, longest_life).map_err(error)?;
            issuers.add(&config.entity_id, issuer).map_err(error)?;
        }
        Ok(issuers)
    }

    /// Adds an issuer; it must have a name, a key, and not be there yet.
    pub fn add(&mut self, entity_id: &str, issuer: Issuer) -> Result<(), String> {
        if entity_id.is_empty() || entity_id.len() > 1024 {
            return Err("an entity id has 1 to 1024 bytes".to_owned());
        }
        if issuer.keys.is_empty() {
            return Err("there is no key for signatures".to_owned());
        }
        if self.0.insert(entity_id.to_owned(), issuer).is_some() {
            return Err("it is configured twice".to_owned());
        }
        Ok(())
    }

    /// The issuer of exactly this name.
    pub fn get(&self, entity_id: &str) -> Option<&Issuer> {
        self.0.get(entity_id)
    }

    /// Every issuer with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Issuer)> {
        self.0.iter().map(|(name, issuer)| (name.as_str(), issuer))
    }
}

fn load(config: &IssuerConfig, folder: &Path, longest_life: u32) -> Result<Issuer, String> {
    let mut keys = Vec::new();
    for path in &config.certificate_files {
        keys.extend(read(folder, path, Key::from_certificates_pem)?);
    }
    for path in &config.public_key_files {
        keys.push(read(folder, path, Key::from_public_key_pem)?);
    }
    let mut valid_until = None;
    if let Some(path) = &config.metadata_file {
        let metadata = read(folder, path, |bytes| metadata::read(bytes, &config.entity_id))?;
        keys.extend(metadata.keys);
        valid_until = metadata.valid_until;
    }
    let max_lifetime = config.max_lifetime.unwrap_or(longest_life);
    if max_lifetime == 0 || max_lifetime > longest_life {
        return Err(format!("`max_lifetime` must lie between 1 and {longest_life} seconds"));
    }
    let ignore_address = config.ignore_address;
    Ok(Issuer { trust: config.trust, keys, max_lifetime, ignore_address, valid_until })
}

fn read<T, E: std::fmt::Display>(
    folder: &Path,
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<T, String> {
    let path = folder.join(path);
    let bytes = fs::read(&path).map_err(|e| format!("`{}`: {e}", path.display()))?;
    parse(&bytes).map_err(|e| format!("`{}`: {e}", path.display()))
}
