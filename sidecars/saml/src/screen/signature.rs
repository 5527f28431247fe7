//! The one form of a signature that is taken.

use crate::{
    names::{DSIG, ENVELOPED, EXCLUSIVE},
    refusal::{Reason, Refusal, shown},
    xml::Element,
};

/// Signature algorithms that are taken.
const ALGORITHMS: [&str; 6] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
];
/// Digest algorithms that are taken.
const DIGESTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];
/// Namespaces of what may stand in `KeyInfo`, and the elements that may not: they lead somewhere else.
const KEY_INFO_NAMESPACES: [&str; 2] = [DSIG, "http://www.w3.org/2009/xmldsig11#"];
const LEADS_AWAY: [&str; 3] = ["RetrievalMethod", "KeyInfoReference", "Object"];

/// Checks a signature over the element with this identifier, and tells its algorithm.
pub(super) fn check(signature: &Element, id: &str) -> Result<&'static str, Refusal> {
    let parts = children(signature, &["Id"])?;
    let (info, value) = match parts.as_slice() {
        [info, value] => (info, value),
        [info, value, key] if key.is(DSIG, "KeyInfo") => {
            check_key_info(key)?;
            (info, value)
        }
        _ => return Err(shape("the signature holds something else than its three parts")),
    };
    if !value.is(DSIG, "SignatureValue") || value.text().is_none() || unexpected(value, &["Id"]) {
        return Err(shape("the signature has no plain value"));
    }
    if !info.is(DSIG, "SignedInfo") {
        return Err(shape("the signature does not begin with SignedInfo"));
    }
    let parts = children(info, &["Id"])?;
    let [canonical, method, reference] = parts.as_slice() else {
        return Err(shape("the signature does not have exactly one reference"));
    };
    if algorithm(canonical, "CanonicalizationMethod")? != EXCLUSIVE {
        return Err(not_taken(canonical));
    }
    check_prefixes(canonical)?;
    let named = algorithm(method, "SignatureMethod")?;
    let algorithm = ALGORITHMS.into_iter().find(|known| *known == named).ok_or_else(|| not_taken(method))?;
    if !children(method, &["Algorithm"])?.is_empty() {
        return Err(shape("the signature algorithm has parameters"));
    }
    check_reference(reference, id)?;
    Ok(algorithm)
}

fn check_reference(reference: &Element, id: &str) -> Result<(), Refusal> {
    if !reference.is(DSIG, "Reference") {
        return Err(shape("the signature has no reference"));
    }
    let parts = children(reference, &["Id", "URI"])?;
    if reference.attribute("URI").and_then(|uri| uri.strip_prefix('#')) != Some(id) {
        return Err(shape("the signature refers to something else than this assertion"));
    }
    let [transforms, method, value] = parts.as_slice() else {
        return Err(shape("the reference does not have exactly transforms, digest method and digest"));
    };
    if !transforms.is(DSIG, "Transforms") {
        return Err(shape("the reference has no transforms"));
    }
    let steps = children(transforms, &[])?;
    let [enveloped, exclusive] = steps.as_slice() else {
        return Err(shape("there are not exactly two transforms"));
    };
    if algorithm(enveloped, "Transform")? != ENVELOPED {
        return Err(not_taken(enveloped));
    }
    if !children(enveloped, &["Algorithm"])?.is_empty() {
        return Err(shape("a transform has parameters"));
    }
    if algorithm(exclusive, "Transform")? != EXCLUSIVE {
        return Err(not_taken(exclusive));
    }
    check_prefixes(exclusive)?;
    if !DIGESTS.contains(&algorithm(method, "DigestMethod")?) {
        return Err(not_taken(method));
    }
    if !children(method, &["Algorithm"])?.is_empty() {
        return Err(shape("the digest algorithm has parameters"));
    }
    if !value.is(DSIG, "DigestValue") || value.text().is_none() || unexpected(value, &[]) {
        return Err(shape("the reference has no plain digest"));
    }
    Ok(())
}

/// Exclusive canonical XML has one parameter: prefixes that are treated inclusively.
fn check_prefixes(method: &Element) -> Result<(), Refusal> {
    let parts = children(method, &["Algorithm"])?;
    match parts.as_slice() {
        [] => Ok(()),
        [prefixes]
            if prefixes.is(EXCLUSIVE, "InclusiveNamespaces")
                && prefixes.children.is_empty()
                && !unexpected(prefixes, &["PrefixList"]) =>
        {
            Ok(())
        }
        _ => Err(shape("canonical XML has an unknown parameter")),
    }
}

/// The key that a message names is never used; what could lead out of the document is refused all the same.
fn check_key_info(key: &Element) -> Result<(), Refusal> {
    for element in key.descendants() {
        let known = element.name.namespace.as_deref().is_some_and(|ns| KEY_INFO_NAMESPACES.contains(&ns));
        let leads_away = LEADS_AWAY.contains(&element.name.local.as_str())
            || (element.attribute("URI").is_some() && element.name.local != "NamedCurve");
        if !known || leads_away {
            return Err(shape("KeyInfo holds something else than keys and certificates"));
        }
    }
    Ok(())
}

/// The elements in an element that holds nothing else, and no attribute but these.
fn children<'a>(element: &'a Element, attributes: &[&str]) -> Result<Vec<&'a Element>, Refusal> {
    if element.has_loose_text() {
        return Err(shape("there is text between the parts of the signature"));
    }
    if unexpected(element, attributes) {
        return Err(shape("a part of the signature has an unknown attribute"));
    }
    Ok(element.elements().collect())
}

fn unexpected(element: &Element, attributes: &[&str]) -> bool {
    element
        .attributes
        .iter()
        .any(|a| a.name.namespace.is_some() || !attributes.contains(&a.name.local.as_str()))
}

fn algorithm<'a>(element: &'a Element, local: &str) -> Result<&'a str, Refusal> {
    element
        .attribute("Algorithm")
        .filter(|_| element.is(DSIG, local))
        .ok_or_else(|| shape("a part of the signature is not what it should be"))
}

fn not_taken(element: &Element) -> Refusal {
    let algorithm = shown(element.attribute("Algorithm").unwrap_or_default());
    Refusal::new(
        Reason::Algorithm,
        format!("the algorithm {algorithm} of {} is not taken", element.name.local),
    )
}

fn shape(detail: &'static str) -> Refusal {
    Refusal::new(Reason::SignatureShape, detail)
}
