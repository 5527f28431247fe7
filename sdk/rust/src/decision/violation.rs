//! How an answer can break the contract.

use std::fmt;

/// An answer breaks the contract. It is a failure of the policy, handled by its failure policy; nothing of it is used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} at `{pointer}`: {detail}")]
pub struct Violation {
    /// What kind of failure it is.
    pub code: ViolationCode,
    /// A JSON Pointer (RFC 6901) into the decision's `set`, or into the decision for what is outside `set`.
    pub pointer: String,
    /// A sentence for the author of the policy. Names and limits stand in it, values of claims never do.
    pub detail: String,
}

/// What kind of failure a violation is; the words stand in logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViolationCode {
    /// The body is too large.
    TooLarge,
    /// The body is no JSON, or has a name twice.
    Malformed,
    /// The body is JSON, but not a decision; or `set` has members that are not known.
    Schema,
    /// The id is not that of the request.
    IdMismatch,
    /// `set` goes beyond the limits.
    Limit,
    /// Something that the request requires is not there.
    Requires,
    /// The error code is not one with which this type may be denied.
    ErrorCode,
}

impl ViolationCode {
    /// The word for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Schema => "schema",
            Self::IdMismatch => "id_mismatch",
            Self::Limit => "limit",
            Self::Requires => "requires",
            Self::ErrorCode => "error_code",
        }
    }
}

impl fmt::Display for ViolationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Violation {
    pub(crate) fn new(code: ViolationCode, pointer: &str, detail: impl Into<String>) -> Self {
        Self { code, pointer: pointer.to_owned(), detail: detail.into() }
    }

    pub(crate) fn limit(pointer: &str, detail: impl Into<String>) -> Self {
        Self::new(ViolationCode::Limit, pointer, detail)
    }

    pub(crate) fn schema(pointer: &str, detail: impl Into<String>) -> Self {
        Self::new(ViolationCode::Schema, pointer, detail)
    }
}
