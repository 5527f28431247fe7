//! DPoP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Proofs of possession of a key (DPoP, RFC 9449). Clients can always send them; these are the rules for all.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DpopConfig {
    /// Refuse proofs without a nonce of this server (`use_dpop_nonce`): they may have been made in advance, by somebody
    /// who used the key for a moment. Clients have to know how to try again.
    pub require_nonce: bool,
    /// A nonce is good for at least so many seconds, and at most twice as many.
    pub nonce_lifetime: u32,
}

impl Default for DpopConfig {
    fn default() -> Self {
        Self { require_nonce: false, nonce_lifetime: 300 }
    }
}
