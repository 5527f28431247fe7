//! The statements (SAML core section 2.7).

use placet_sdk::decision::Saml2Attribute;

use super::{
    Time, missing,
    parts::{Parts, only_attributes, optional_time, required_time, uri},
};
use crate::{
    names::{SAML, XSI},
    refusal::Refusal,
    xml::Element,
};

/// `AuthnStatement`.
#[derive(Debug)]
pub(crate) struct Authentication {
    pub(crate) instant: Time,
    pub(crate) session_index: Option<String>,
    pub(crate) session_not_on_or_after: Option<Time>,
    pub(crate) class_ref: Option<String>,
}

impl Authentication {
    pub(super) fn read(element: &Element) -> Result<Self, Refusal> {
        only_attributes(element, &["AuthnInstant", "SessionIndex", "SessionNotOnOrAfter"])?;
        let mut parts = Parts::of(element)?;
        if let Some(locality) = parts.optional("SubjectLocality") {
            only_attributes(locality, &["Address", "DNSName"])?;
            Parts::of(locality)?.end()?;
        }
        let class_ref = read_context(parts.required("AuthnContext")?)?;
        parts.end()?;
        Ok(Self {
            instant: required_time(element, "AuthnInstant")?,
            session_index: element.attribute("SessionIndex").map(str::to_owned),
            session_not_on_or_after: optional_time(element, "SessionNotOnOrAfter")?,
            class_ref,
        })
    }
}

/// The class of an authentication. A declaration of its details may be referred to, but not be spelled out.
fn read_context(element: &Element) -> Result<Option<String>, Refusal> {
    only_attributes(element, &[])?;
    let mut parts = Parts::of(element)?;
    let class = parts.optional("AuthnContextClassRef").map(uri).transpose()?;
    let declared = parts.optional("AuthnContextDeclRef").map(uri).transpose()?;
    if class.is_none() && declared.is_none() {
        return Err(missing("an AuthnContext names neither a class nor a declaration"));
    }
    while let Some(authority) = parts.optional("AuthenticatingAuthority") {
        uri(authority)?;
    }
    parts.end()?;
    Ok(class)
}

/// The attributes of an `AttributeStatement`.
pub(super) fn attributes(element: &Element) -> Result<Vec<Saml2Attribute>, Refusal> {
    only_attributes(element, &[])?;
    let mut parts = Parts::of(element)?;
    let mut all = Vec::new();
    while let Some(attribute) = parts.optional("Attribute") {
        all.push(read_attribute(attribute)?);
    }
    parts.end()?;
    Ok(all)
}

/// Attributes with a namespace may stand at an `Attribute`; they say nothing that is passed on.
fn read_attribute(element: &Element) -> Result<Saml2Attribute, Refusal> {
    let known = ["Name", "NameFormat", "FriendlyName"];
    if element
        .attributes
        .iter()
        .any(|a| a.name.namespace.is_none() && !known.contains(&a.name.local.as_str()))
    {
        return Err(missing("an Attribute has an unknown attribute"));
    }
    let own = |name| element.attribute(name).map(str::to_owned);
    let mut parts = Parts::of(element)?;
    let mut values = Vec::new();
    while let Some(value) = parts.optional("AttributeValue") {
        values.extend(read_value(value)?);
    }
    parts.end()?;
    Ok(Saml2Attribute {
        name: own("Name").filter(|n| !n.is_empty()).ok_or_else(|| missing("an Attribute has no Name"))?,
        name_format: own("NameFormat"),
        friendly_name: own("FriendlyName"),
        values,
    })
}

/// The text of a value; of a `NameID` that stands in it, its text. A value that is nil is none.
fn read_value(element: &Element) -> Result<Option<String>, Refusal> {
    if element.attributes.iter().any(|a| a.name.namespace.is_none()) {
        return Err(missing("an AttributeValue has an unknown attribute"));
    }
    if element.attributes.iter().any(|a| a.name.is(XSI, "nil") && matches!(a.value.as_str(), "true" | "1")) {
        return Ok(None);
    }
    if let Some(text) = element.text() {
        return Ok(Some(text.to_owned()));
    }
    let mut inside = element.elements();
    match (inside.next(), inside.next()) {
        (Some(name), None) if name.is(SAML, "NameID") && !element.has_loose_text() => {
            Ok(name.text().map(str::to_owned))
        }
        _ => Err(missing("an AttributeValue is neither text nor a NameID")),
    }
}
