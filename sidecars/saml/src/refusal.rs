//! Why an assertion is not taken.

use std::fmt;

use crate::xml::Malformed;

/// The longest description, in bytes.
const LONGEST_DESCRIPTION: usize = 300;
/// How much of a value is shown, in characters.
const LONGEST_SHOWN: usize = 80;

/// An assertion that is not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: Reason,
    detail: String,
}

/// What is wrong with an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The value is not base64url.
    Encoding,
    /// It is too long, before or after decoding, or its facts would be.
    TooLarge,
    /// It is not well-formed XML, or uses XML that is never taken.
    MalformedXml,
    /// The document is not one SAML 2.0 assertion.
    NotAnAssertion,
    /// It has no signature.
    Unsigned,
    /// The signature does not sign exactly this assertion in the one way that is taken.
    SignatureShape,
    /// An algorithm is not taken.
    Algorithm,
    /// Nobody trusts this issuer.
    UnknownIssuer,
    /// The operator's metadata of the issuer has expired.
    IssuerExpired,
    /// No key of the issuer made this signature.
    SignatureInvalid,
    /// The assertion is not what SAML 2.0 says it is, or uses a part of it that is not taken.
    InvalidAssertion,
    /// It was issued in the future.
    IssuedInFuture,
    /// It lives too long.
    Lifetime,
    /// It says nothing of its audience, or means another one.
    Audience,
    /// It is not valid yet.
    NotYetValid,
    /// It has expired.
    Expired,
    /// A condition is not understood (SAML core section 2.5.1).
    UnknownCondition,
    /// No bearer confirmation holds.
    Confirmation,
    /// The session at the issuer has ended.
    SessionEnded,
    /// It is encrypted, and cannot be read.
    Encryption,
}

impl Reason {
    /// A short stable word, for logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::TooLarge => "too_large",
            Self::MalformedXml => "malformed_xml",
            Self::NotAnAssertion => "not_an_assertion",
            Self::Unsigned => "unsigned",
            Self::SignatureShape => "signature_shape",
            Self::Algorithm => "algorithm",
            Self::UnknownIssuer => "unknown_issuer",
            Self::IssuerExpired => "issuer_expired",
            Self::SignatureInvalid => "signature_invalid",
            Self::InvalidAssertion => "invalid_assertion",
            Self::IssuedInFuture => "issued_in_future",
            Self::Lifetime => "lifetime",
            Self::Audience => "audience",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::UnknownCondition => "unknown_condition",
            Self::Confirmation => "confirmation",
            Self::SessionEnded => "session_ended",
            Self::Encryption => "encryption",
        }
    }
}

impl Refusal {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// What is wrong.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// A sentence for the client's developer: printable ASCII without `"` and `\` (RFC 6749 section 5.2).
    pub fn description(&self) -> String {
        let mut text: String = self.detail.chars().map(harmless).collect();
        text.truncate(LONGEST_DESCRIPTION);
        text
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description())
    }
}

impl std::error::Error for Refusal {}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::new(Reason::MalformedXml, format!("the assertion is not taken as XML: {malformed}"))
    }
}

/// A value of somebody else, as it may be shown.
pub(crate) fn shown(value: &str) -> String {
    let mut text: String = value.chars().take(LONGEST_SHOWN).map(harmless).collect();
    text = text.replace('`', "?");
    let more = if value.chars().nth(LONGEST_SHOWN).is_some() { "..." } else { "" };
    format!("`{text}{more}`")
}

fn harmless(c: char) -> char {
    if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' }
}
