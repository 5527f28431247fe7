//! What may be kept in memory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much each cache may hold, in MiB as it is estimated. With 0 nothing is kept, and everything is read each time.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CachesConfig {
    /// Clients, as they are registered.
    pub clients: u32,
    /// Opaque access tokens that were introspected, with their authorizations.
    pub tokens: u32,
    /// Key sets of clients and trusted issuers that were fetched.
    pub key_sets: u32,
    /// Metadata documents of clients that nobody registered.
    pub documents: u32,
    /// Decisions of policies that may be used again.
    pub decisions: u32,
}

impl Default for CachesConfig {
    fn default() -> Self {
        Self { clients: 16, tokens: 32, key_sets: 16, documents: 8, decisions: 32 }
    }
}

impl CachesConfig {
    /// So many MiB in bytes.
    pub fn bytes(mib: u32) -> u64 {
        u64::from(mib) << 20
    }
}
