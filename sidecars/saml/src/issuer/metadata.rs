//! The metadata of an issuer: a file of the operator, so that it is trusted but still read strictly.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use placet_sdk::Instant;

use super::Key;
use crate::{
    assertion::Time,
    names::{DSIG, METADATA},
    xml::{self, Element, Limits},
};

/// A federation's whole metadata may be large; one entity's is not.
const LIMITS: Limits = Limits { bytes: 16 << 20, depth: 64, elements: 500_000, comments: true };
/// Roles that issue assertions.
const ROLES: [&str; 3] = ["IDPSSODescriptor", "AuthnAuthorityDescriptor", "AttributeAuthorityDescriptor"];

/// What metadata says of an issuer.
pub(super) struct Metadata {
    pub(super) keys: Vec<Key>,
    pub(super) valid_until: Option<Instant>,
}

/// Finds the entity, and its keys for signatures.
pub(super) fn read(bytes: &[u8], entity_id: &str) -> Result<Metadata, String> {
    let root = xml::parse(bytes, LIMITS).map_err(|e| e.to_string())?;
    let mut path = Vec::new();
    if !find(&root, entity_id, &mut path) {
        return Err("there is no EntityDescriptor with this entity id".to_owned());
    }
    let mut keys = Vec::new();
    let entity = path.last().copied().into_iter().flat_map(Element::elements);
    for role in entity.filter(|e| ROLES.iter().any(|role| e.is(METADATA, role))) {
        path.push(role);
        for descriptor in role.elements().filter(|e| e.is(METADATA, "KeyDescriptor")) {
            if matches!(descriptor.attribute("use"), None | Some("signing")) {
                add_keys(descriptor, &mut keys)?;
            }
        }
    }
    let mut valid_until: Option<Instant> = None;
    for element in path {
        if let Some(text) = element.attribute("validUntil") {
            let until = Time::parse(text).ok_or("`validUntil` is not an instant in UTC")?.floor();
            valid_until = Some(valid_until.map_or(until, |known| known.min(until)));
        }
    }
    Ok(Metadata { keys, valid_until })
}

/// Walks down to the entity; `path` is then the way to it.
fn find<'a>(element: &'a Element, entity_id: &str, path: &mut Vec<&'a Element>) -> bool {
    path.push(element);
    if element.is(METADATA, "EntityDescriptor") && element.attribute("entityID") == Some(entity_id) {
        return true;
    }
    if element.is(METADATA, "EntitiesDescriptor") && element.elements().any(|e| find(e, entity_id, path)) {
        return true;
    }
    path.pop();
    false
}

fn add_keys(descriptor: &Element, keys: &mut Vec<Key>) -> Result<(), String> {
    for element in descriptor.descendants() {
        if element.is(DSIG, "X509Certificate") {
            let text: String = element.text().unwrap_or_default().split_ascii_whitespace().collect();
            let der = STANDARD.decode(text).map_err(|_| "a certificate is not base64")?;
            let key = Key::from_certificate_der(&der).map_err(|e| format!("a certificate: {e}"))?;
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    Ok(())
}
