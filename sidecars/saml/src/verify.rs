//! From an assertion as it came to facts.

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use placet_sdk::{
    Instant,
    decision::{RawAssertionSection, Saml2Assertion, Saml2BearerSection, Saml2Verified},
};

use crate::{
    assertion::Assertion,
    encrypted::{self, DecryptionKey},
    issuer::Issuers,
    refusal::{Reason, Refusal, shown},
    rules::Measure,
    screen::screen,
    signature,
    xml::{self, Element, Limits},
};

/// The longest value, in characters of base64url.
pub const LONGEST_VALUE: usize = 192 << 10;
/// The longest assertion in XML, in bytes.
pub const LONGEST_ASSERTION: usize = 64 << 10;
/// The longest facts, in bytes of JSON: an answer has 64 KiB.
const LONGEST_FACTS: usize = 60 << 10;
/// The longest string in an answer, in bytes.
const LONGEST_STRING: usize = 8 << 10;

/// Of a document; encrypted, an assertion grows by the length of its base64.
const DOCUMENT: Limits = Limits { bytes: 144 << 10, depth: 32, elements: 4096, comments: false };

/// Padding may be there (RFC 7522 section 2.1 says that it should not).
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What verification goes by.
pub struct Verifier {
    /// Whom to believe.
    pub issuers: Issuers,
    /// Keys to which assertions may be encrypted; any may fit.
    pub decryption_keys: Vec<DecryptionKey>,
    /// The most that clocks may differ, in seconds.
    pub max_clock_skew: u32,
}

impl Verifier {
    /// Verifies an assertion, and tells what it says. The answer depends on nothing but the arguments: the same
    /// assertion gives the same facts again, and whether it was used before is for the server to know.
    pub fn verify(&self, asked: &RawAssertionSection, now: Instant) -> Result<Saml2BearerSection, Refusal> {
        if asked.value.len() > LONGEST_VALUE {
            return Err(Refusal::new(Reason::TooLarge, "the assertion is too long"));
        }
        let bytes = BASE64URL
            .decode(&asked.value)
            .map_err(|_| Refusal::new(Reason::Encoding, "the assertion is not base64url"))?;
        let outer = xml::parse(&bytes, DOCUMENT)?;
        let encrypted = encrypted::is_encrypted(&outer);
        let root = if encrypted {
            assertion(&encrypted::decrypt(&outer, &self.decryption_keys)?)?
        } else {
            assertion(&bytes)?
        };
        let screened = screen(root)?;
        let issuer = self.issuers.get(&screened.issuer).ok_or_else(|| {
            let name = shown(&screened.issuer);
            Refusal::new(Reason::UnknownIssuer, format!("the issuer {name} is not trusted here"))
        })?;
        if issuer.valid_until.is_some_and(|until| until <= now) {
            return Err(Refusal::new(
                Reason::IssuerExpired,
                "what is known of the issuer has expired; tell the operator of this server",
            ));
        }
        // What is no assertion in every part is refused before libxml2 and xmlsec see anything of it.
        Assertion::read(&screened.content)?;
        let verified = signature::verify(&screened, &issuer.keys)?;
        let assertion = Assertion::read(&verified)?;
        if assertion.issuer != screened.issuer {
            return Err(Refusal::new(Reason::SignatureInvalid, "the issuer is not the one that signed"));
        }
        let holding = Measure {
            audience: &asked.audience,
            recipient: &asked.recipient,
            skew: i64::from(asked.clock_skew.min(self.max_clock_skew)),
            max_lifetime: i64::from(issuer.max_lifetime),
            ignore_address: issuer.ignore_address,
            now,
        }
        .apply(&assertion)?;
        let facts = Saml2BearerSection {
            trust: issuer.trust,
            assertion: Saml2Assertion {
                id: assertion.id,
                issuer: assertion.issuer,
                issued_at: assertion.issued_at.floor(),
                name_id: assertion.name_id,
                conditions: holding.conditions,
                subject_confirmation: holding.confirmations,
                authn: holding.authn,
                attributes: assertion.attributes,
            },
            verified: Saml2Verified {
                signature: true,
                signed: "assertion".to_owned(),
                alg: screened.algorithm.to_owned(),
                encrypted,
                replay_checked: false,
            },
        };
        check_size(&facts)?;
        Ok(facts)
    }
}

fn assertion(bytes: &[u8]) -> Result<Element, Refusal> {
    if bytes.len() > LONGEST_ASSERTION {
        return Err(Refusal::new(Reason::TooLarge, "the assertion has more than 64 KiB"));
    }
    Ok(xml::parse(bytes, DOCUMENT)?)
}

/// Facts that no answer can hold would look like trouble of this program.
fn check_size(facts: &Saml2BearerSection) -> Result<(), Refusal> {
    fn longest(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::String(text) => text.len(),
            serde_json::Value::Array(all) => all.iter().map(longest).max().unwrap_or_default(),
            serde_json::Value::Object(all) => all.values().map(longest).max().unwrap_or_default(),
            _ => 0,
        }
    }
    let json = serde_json::to_value(facts).unwrap_or_default();
    if longest(&json) > LONGEST_STRING || json.to_string().len() > LONGEST_FACTS {
        return Err(Refusal::new(Reason::TooLarge, "the assertion says more than an answer can hold"));
    }
    Ok(())
}
