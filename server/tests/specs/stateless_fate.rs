//! What dies with what where tokens carry everything themselves: every row of the table in `docs/fate.md` once more.

use super::{administering, exchanging, granting, harness, helpers, leaving, openid_native_sso};

/// How the tokens of these tests are kept.
const TOKENS: placet_server::config::Tokens = placet_server::config::Tokens::Stateless;

#[allow(clippy::duplicate_mod, reason = "the same sentences are true of both kinds of tokens")]
#[path = "fate.rs"]
mod rows;
