//! How much of what happened lately is kept for the console.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The ledger of flows: what happened lately at this process, step by step, for the console. It is kept in memory and gone
/// with the process; it holds no tokens, secrets or claims.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerConfig {
    /// So many flows in which a user or a device takes part are kept, so many requests that were refused, and so many single
    /// requests besides; 0 keeps nothing.
    pub keep: u32,
    /// All of them together take so many bytes of memory, about.
    pub max_bytes: u32,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self { keep: 1_000, max_bytes: 16 * 1024 * 1024 }
    }
}
