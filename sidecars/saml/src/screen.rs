//! What an assertion must look like before its signature is looked at.
//!
//! One signature, a child of the assertion, over this assertion and nothing else, by two transforms and by algorithms
//! from a list. So no reference leads out of the document, nothing is computed but digests and one signature, and there
//! is no second assertion that somebody could read in place of the signed one.

mod signature;

use std::collections::HashSet;

use crate::{
    names::{DSIG, SAML},
    refusal::{Reason, Refusal},
    xml::{Element, is_name},
};

/// Where an identifier may stand.
const ID_ATTRIBUTES: [&str; 5] = ["ID", "Id", "id", "iD", "AssertionID"];
/// Names that only one element of the document may have, or none.
const WRAPPERS: [&str; 6] =
    ["Assertion", "EncryptedAssertion", "Response", "ArtifactResponse", "Envelope", "Extensions"];

/// An assertion that is fit for the verification of its signature.
#[derive(Debug)]
pub(crate) struct Screened {
    /// The assertion without its signature.
    pub(crate) content: Element,
    /// The assertion as the signature is verified: as it came, without `KeyInfo`, which names a key that is not used.
    pub(crate) signed: Element,
    /// The signature algorithm, a URI.
    pub(crate) algorithm: &'static str,
    /// Who claims to have issued it.
    pub(crate) issuer: String,
}

/// Checks a document.
pub(crate) fn screen(mut root: Element) -> Result<Screened, Refusal> {
    if !root.is(SAML, "Assertion") {
        return Err(Refusal::new(
            Reason::NotAnAssertion,
            "the document is not an Assertion of SAML 2.0; send the assertion itself, not a response",
        ));
    }
    if root.attribute("Version") != Some("2.0") {
        return Err(Refusal::new(Reason::NotAnAssertion, "the assertion is not of version 2.0"));
    }
    refuse_wrapping(&root)?;
    let id = check_ids(&root)?;
    let issuer = root
        .elements()
        .find(|e| e.is(SAML, "Issuer"))
        .and_then(Element::text)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal::new(Reason::InvalidAssertion, "the assertion names no issuer"))?
        .to_owned();
    let signature = only_signature(&root)?;
    let algorithm = signature::check(signature, &id)?;
    let mut content = root.clone();
    content.remove(|e| e.is(DSIG, "Signature"));
    for node in &mut root.children {
        if let crate::xml::Node::Element(element) = node
            && element.is(DSIG, "Signature")
        {
            element.remove(|e| e.is(DSIG, "KeyInfo"));
        }
    }
    Ok(Screened { content, signed: root, algorithm, issuer })
}

/// Signature wrapping needs a second assertion, or a place around the signed one.
fn refuse_wrapping(root: &Element) -> Result<(), Refusal> {
    for element in root.descendants().into_iter().skip(1) {
        let local = element.name.local.as_str();
        if WRAPPERS.contains(&local) {
            return Err(Refusal::new(
                Reason::NotAnAssertion,
                format!("there is an element `{local}` inside of the assertion"),
            ));
        }
    }
    Ok(())
}

/// Every identifier is unique; the assertion's own is the result.
fn check_ids(root: &Element) -> Result<String, Refusal> {
    let refuse = |detail: &str| Refusal::new(Reason::InvalidAssertion, detail);
    let mut seen = HashSet::new();
    for element in root.descendants() {
        for attribute in &element.attributes {
            if ID_ATTRIBUTES.contains(&attribute.name.local.as_str()) {
                if !is_name(&attribute.value) {
                    return Err(refuse("an identifier is not a name of XML"));
                }
                if !seen.insert(attribute.value.as_str()) {
                    return Err(refuse("an identifier stands there twice"));
                }
            }
        }
    }
    root.attribute("ID").map(str::to_owned).ok_or_else(|| refuse("the assertion has no ID"))
}

fn only_signature(root: &Element) -> Result<&Element, Refusal> {
    let shape = |detail: &str| Refusal::new(Reason::SignatureShape, detail);
    let anywhere = root.descendants().into_iter().filter(|e| e.name.local == "Signature").count();
    let mut here = root.elements().filter(|e| e.is(DSIG, "Signature"));
    match (here.next(), anywhere) {
        (Some(signature), 1) => Ok(signature),
        (None, 0) => Err(Refusal::new(Reason::Unsigned, "the assertion is not signed")),
        (None, 1) => Err(shape("the signature is not a child of the assertion")),
        _ => Err(shape("there is more than one signature")),
    }
}
