//! An issuer for development: its key is made at every start, and is nowhere else.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    nid::Nid,
    pkey::PKey,
};
use placet_sdk::{
    Instant,
    decision::{RawAssertionSection, Trust},
};

use crate::{
    Verifier,
    issuer::{Issuer, Issuers, Key, KeyError},
    names::{BEARER, DSIG, ENVELOPED, EXCLUSIVE, SAML},
    random, signature,
    xml::escaped,
};

/// The name of the development issuer.
pub const DEVELOPMENT_ISSUER: &str = "urn:placet:development:saml";
/// How long its assertions live, in seconds.
const LIFETIME: i64 = 300;

/// Issues assertions about anybody.
pub struct DevelopmentIssuer {
    private_key: Vec<u8>,
    key: Key,
}

/// What an assertion of the development issuer says.
#[derive(Clone, Copy, Debug)]
pub struct Claimed<'a> {
    /// The subject.
    pub subject: &'a str,
    /// Attributes, each with a value; a name that comes again has several values.
    pub attributes: &'a [(String, String)],
    /// The issuer identifier of the server.
    pub audience: &'a str,
    /// The token endpoint of the server.
    pub recipient: &'a str,
}

/// The development issuer does not work, and so nothing here does.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentError {
    /// No key.
    #[error("a key cannot be made: {0}")]
    Key(#[from] KeyError),
    /// No signature.
    #[error("xmlsec cannot sign")]
    Sign,
    /// No verification.
    #[error("xmlsec does not verify what it signed: {0}")]
    Verify(crate::Refusal),
}

impl From<ErrorStack> for DevelopmentError {
    fn from(error: ErrorStack) -> Self {
        Self::Key(error.into())
    }
}

impl DevelopmentIssuer {
    /// Makes a key.
    pub fn new() -> Result<Self, DevelopmentError> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let private_key = PKey::from_ec_key(EcKey::generate(&group)?)?;
        let key = Key::from_public_key_pem(&private_key.public_key_to_pem()?)?;
        Ok(Self { private_key: private_key.private_key_to_der()?, key })
    }

    /// What believes it.
    pub fn issuer(&self) -> Issuer {
        let keys = vec![self.key.clone()];
        let max_lifetime = u32::try_from(LIFETIME).unwrap_or_default();
        Issuer { trust: Trust::ThirdParty, keys, max_lifetime, ignore_address: false, valid_until: None }
    }

    /// A signed assertion, in base64url.
    pub fn assertion(&self, claimed: &Claimed<'_>, now: Instant) -> Result<String, DevelopmentError> {
        let id = random::identifier();
        let document = document(&id, claimed, now);
        let signed = signature::sign(&document, &self.private_key).ok_or(DevelopmentError::Sign)?;
        Ok(URL_SAFE_NO_PAD.encode(signed.trim_end()))
    }
}

/// Signs an assertion and verifies it: whether xmlsec and its libraries are there and work.
pub fn self_test(now: Instant) -> Result<(), DevelopmentError> {
    let issuer = DevelopmentIssuer::new()?;
    let claimed =
        Claimed { subject: "self-test", attributes: &[], audience: "urn:test", recipient: "urn:test" };
    let asked = RawAssertionSection {
        format: "saml2".to_owned(),
        value: issuer.assertion(&claimed, now)?,
        audience: vec!["urn:test".to_owned()],
        recipient: "urn:test".to_owned(),
        clock_skew: 0,
    };
    let mut issuers = Issuers::default();
    if issuers.add(DEVELOPMENT_ISSUER, issuer.issuer()).is_err() {
        return Err(DevelopmentError::Sign);
    }
    let verifier = Verifier { issuers, decryption_keys: Vec::new(), max_clock_skew: 0 };
    verifier.verify(&asked, now).map(drop).map_err(DevelopmentError::Verify)
}

fn document(id: &str, claimed: &Claimed<'_>, now: Instant) -> String {
    let end = now.plus(LIFETIME);
    let subject = escaped(claimed.subject);
    let audience = escaped(claimed.audience);
    let recipient = escaped(claimed.recipient);
    let attributes = attribute_statement(claimed.attributes);
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/>\
         <ds:Reference URI=\"#{id}\"><ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"/>\
         <ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue/></ds:Reference>\
         </ds:SignedInfo><ds:SignatureValue/></ds:Signature>"
    );
    format!(
        "<saml:Assertion xmlns:saml=\"{SAML}\" ID=\"{id}\" IssueInstant=\"{now}\" Version=\"2.0\">\
         <saml:Issuer>{DEVELOPMENT_ISSUER}</saml:Issuer>{signature}\
         <saml:Subject><saml:NameID>{subject}</saml:NameID><saml:SubjectConfirmation Method=\"{BEARER}\">\
         <saml:SubjectConfirmationData NotOnOrAfter=\"{end}\" Recipient=\"{recipient}\"/>\
         </saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions NotBefore=\"{now}\" NotOnOrAfter=\"{end}\"><saml:AudienceRestriction>\
         <saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
         <saml:AuthnStatement AuthnInstant=\"{now}\"><saml:AuthnContext><saml:AuthnContextClassRef>\
         urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext>\
         </saml:AuthnStatement>{attributes}</saml:Assertion>"
    )
}

/// Nothing without attributes: a statement has one at least.
fn attribute_statement(attributes: &[(String, String)]) -> String {
    if attributes.is_empty() {
        return String::new();
    }
    let one = |(name, value): &(String, String)| {
        let (name, value) = (escaped(name), escaped(value));
        format!(
            "<saml:Attribute Name=\"{name}\"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"
        )
    };
    let all: String = attributes.iter().map(one).collect();
    format!("<saml:AttributeStatement>{all}</saml:AttributeStatement>")
}
