//! Assertions to be signed, and what verifies them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_saml::{
    DecryptionKey, Reason, Verifier,
    issuer::{Issuer, Issuers, Key},
};
use placet_sdk::{
    Instant,
    decision::{RawAssertionSection, Saml2BearerSection, Trust},
};

use crate::signer::{P256, P384, RECIPIENT, RSA, Signer};

pub(crate) const ISSUER: &str = "https://idp.partner.example/saml";
pub(crate) const SERVER: &str = "https://as.example";
pub(crate) const TOKEN_ENDPOINT: &str = "https://as.example/token";
/// 2026-11-23T10:00:00Z.
pub(crate) const NOW: Instant = Instant(1_795_428_000);

pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

pub(crate) const SIGNATURE: &str = r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#_b07b804c"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue></ds:Signature>"##;

pub(crate) const RESTRICTION: &str =
    "<saml:AudienceRestriction><saml:Audience>https://as.example</saml:Audience></saml:AudienceRestriction>";
pub(crate) const DATA: &str = r#"<saml:SubjectConfirmationData NotOnOrAfter="2026-11-23T10:04:41Z" Recipient="https://as.example/token"/>"#;

const TEMPLATE: &str = r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="_b07b804c" IssueInstant="2026-11-23T09:59:41.250Z" Version="2.0">
  <saml:Issuer>https://idp.partner.example/saml</saml:Issuer>{signature}
  <saml:Subject>
    <saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress" NameQualifier="partner">alice@partner.example</saml:NameID>
    <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">{data}</saml:SubjectConfirmation>
  </saml:Subject>
  <saml:Conditions NotBefore="2026-11-23T09:59:11Z" NotOnOrAfter="2026-11-23T10:04:41Z">{restriction}</saml:Conditions>
  <saml:AuthnStatement AuthnInstant="2026-11-23T09:58:02Z" SessionIndex="_s1" SessionNotOnOrAfter="2026-11-23T18:00:00Z">
    <saml:SubjectLocality Address="198.51.100.7"/>
    <saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>
  </saml:AuthnStatement>
  <saml:AttributeStatement>
    <saml:Attribute Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.7" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" FriendlyName="eduPersonEntitlement">
      <saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">urn:partner:adjuster</saml:AttributeValue>
      <saml:AttributeValue>R&amp;D &lt;Z&#xfc;rich&gt; &#x1F600;</saml:AttributeValue>
    </saml:Attribute>
    <saml:Attribute Name="employeeNumber"><saml:AttributeValue>40117</saml:AttributeValue></saml:Attribute>
  </saml:AttributeStatement>
</saml:Assertion>"#;

/// An assertion that is good unless it is changed.
#[derive(Clone)]
pub(crate) struct Draft(pub(crate) String);

impl Draft {
    pub(crate) fn new() -> Self {
        Self(
            TEMPLATE
                .replace("{signature}", SIGNATURE)
                .replace("{data}", DATA)
                .replace("{restriction}", RESTRICTION),
        )
    }

    /// With something else in the place of a text that is there.
    pub(crate) fn with(self, old: &str, new: &str) -> Self {
        assert!(self.0.contains(old), "the draft does not hold `{old}`");
        Self(self.0.replace(old, new))
    }

    pub(crate) fn unsigned(self) -> Self {
        self.with(SIGNATURE, "")
    }

    pub(crate) fn sign(&self, signer: &Signer) -> String {
        signer.sign(&self.0)
    }

    /// As it is when its issuer has signed it.
    pub(crate) fn signed(&self) -> String {
        self.sign(&RSA)
    }
}

/// Believes the issuer with all of its keys.
pub(crate) fn verifier() -> Verifier {
    let keys =
        [&*RSA, &*P256, &*P384].map(|signer| Key::from_public_key_pem(&signer.public_pem).unwrap()).to_vec();
    let mut issuers = Issuers::default();
    issuers.add(ISSUER, trusted(keys)).unwrap();
    let private = std::fs::read(&RECIPIENT.private_file).unwrap();
    Verifier {
        issuers,
        decryption_keys: vec![DecryptionKey::from_pem(&private).unwrap()],
        max_clock_skew: 60,
    }
}

pub(crate) fn trusted(keys: Vec<Key>) -> Issuer {
    Issuer { trust: Trust::ThirdParty, keys, max_lifetime: 600, ignore_address: false, valid_until: None }
}

pub(crate) fn asked(document: &[u8]) -> RawAssertionSection {
    RawAssertionSection {
        format: "saml2".to_owned(),
        value: URL_SAFE_NO_PAD.encode(document),
        audience: vec![SERVER.to_owned(), TOKEN_ENDPOINT.to_owned()],
        recipient: TOKEN_ENDPOINT.to_owned(),
        clock_skew: 10,
    }
}

pub(crate) fn verify(document: &str) -> Result<Saml2BearerSection, Reason> {
    let result = verifier().verify(&asked(document.as_bytes()), NOW);
    result.map_err(|refusal| {
        let description = refusal.description();
        assert!(!description.is_empty() && description.len() <= 300, "{description}");
        assert!(
            description.chars().all(|c| matches!(c, ' '..='~') && c != '"' && c != '\\'),
            "not fit for an error_description: {description}"
        );
        refusal.reason()
    })
}

/// Signs a changed draft, and expects this refusal.
#[track_caller]
pub(crate) fn refused(draft: &Draft, reason: Reason) {
    refused_as_it_is(&draft.signed(), reason);
}

#[track_caller]
pub(crate) fn refused_as_it_is(document: &str, reason: Reason) {
    match verify(document) {
        Ok(facts) => panic!("it was taken: {facts:?}"),
        Err(found) => assert_eq!(found, reason),
    }
}
