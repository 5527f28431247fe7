//! The verification of a signature, and for development the making of one, by xmlsec.
//!
//! This is the one module that calls `samael`, and so libxml2 and xmlsec. They are given a document that was written
//! anew from what the strict reader understood, after [`crate::screen`] took it.

use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider, ReduceMode};

use crate::{
    issuer::{Key, KeyKind},
    refusal::{Reason, Refusal},
    screen::Screened,
    xml::{self, Element, Limits},
};

/// Of what xmlsec gives back: canonical XML repeats namespaces, so it may be longer than what came.
const VERIFIED: Limits = Limits { bytes: 8 << 20, depth: 32, elements: 4096, comments: false };

/// What is passed to xmlsec once more, though the document was checked.
const ALGORITHMS: [AllowedSignatureAlgorithm; 6] = [
    AllowedSignatureAlgorithm::RsaSha256,
    AllowedSignatureAlgorithm::RsaSha384,
    AllowedSignatureAlgorithm::RsaSha512,
    AllowedSignatureAlgorithm::EcdsaSha256,
    AllowedSignatureAlgorithm::EcdsaSha384,
    AllowedSignatureAlgorithm::EcdsaSha512,
];

/// Verifies the signature with one of these keys. The result is read from the very bytes that were digested.
pub(crate) fn verify(screened: &Screened, keys: &[Key]) -> Result<Element, Refusal> {
    let invalid = |detail: &str| {
        Refusal::new(Reason::SignatureInvalid, format!("the signature is not valid: {detail}"))
    };
    let kind = if screened.algorithm.contains("#rsa-") { KeyKind::Rsa } else { KeyKind::Ec };
    let mut fitting = keys.iter().filter(|key| key.kind() == kind).peekable();
    if fitting.peek().is_none() {
        return Err(invalid("the issuer has no key of this kind"));
    }
    let document = screened.signed.write();
    // One key at a time: with several, a key of another size ends the attempt before the others had their turn.
    let digested = fitting
        .find_map(|key| digested(&document, key))
        .ok_or_else(|| invalid("no key of the issuer made it over this content"))?;
    let verified = xml::parse(digested.as_bytes(), VERIFIED)
        .map_err(|_| invalid("what it covers is not an assertion"))?;
    if verified.says_the_same_as(&screened.content) {
        Ok(verified)
    } else {
        Err(invalid("it covers something else than the assertion"))
    }
}

/// The bytes that the signature covers, if this key made it.
fn digested(document: &str, key: &Key) -> Option<String> {
    Crypto::reduce_xml_to_signed_with_allowed_algorithms(
        document,
        &[CertificateDer::from(key.certificate().to_vec())],
        ReduceMode::PreDigest,
        Some(&ALGORITHMS),
    )
    .ok()
}

/// Fills in the signature template of a document.
pub(crate) fn sign(document: &str, private_key: &[u8]) -> Option<String> {
    Crypto::sign_xml(document, private_key).ok()
}
