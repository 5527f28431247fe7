//! The subject and who may bring the assertion (SAML core section 2.4).

use placet_sdk::decision::NameId;

use super::{
    Time, missing,
    parts::{Parts, only_attributes, optional_time},
};
use crate::{names::SAML, refusal::Refusal, xml::Element};

/// A confirmation of the subject.
#[derive(Debug)]
pub(crate) struct Confirmation {
    pub(crate) method: String,
    /// What has to be true of whoever brings the assertion.
    pub(crate) data: Option<ConfirmationData>,
    /// It holds for somebody who is named in it.
    pub(crate) names_somebody: bool,
}

/// `SubjectConfirmationData`.
#[derive(Debug)]
pub(crate) struct ConfirmationData {
    pub(crate) not_before: Option<Time>,
    pub(crate) not_on_or_after: Option<Time>,
    pub(crate) recipient: Option<String>,
    pub(crate) address: Option<String>,
    /// It demands something that has no place here, for example a key.
    pub(crate) demands_more: bool,
}

pub(super) fn read(subject: &Element) -> Result<(NameId, Vec<Confirmation>), Refusal> {
    only_attributes(subject, &[])?;
    let mut parts = Parts::of(subject)?;
    let name_id =
        parts.optional("NameID").ok_or_else(|| missing("its subject has no NameID that can be read"))?;
    let name_id = read_name_id(name_id)?;
    let mut confirmations = Vec::new();
    while let Some(confirmation) = parts.optional("SubjectConfirmation") {
        confirmations.push(read_confirmation(confirmation)?);
    }
    parts.end()?;
    Ok((name_id, confirmations))
}

fn read_name_id(element: &Element) -> Result<NameId, Refusal> {
    only_attributes(element, &["Format", "NameQualifier", "SPNameQualifier", "SPProvidedID"])?;
    let value = element.text().ok_or_else(|| missing("its NameID is not plain text"))?;
    if value.is_empty() || value.trim() != value || value.contains(char::is_control) {
        return Err(missing("its NameID is empty, or has white space around it, or control characters"));
    }
    let attribute = |name| element.attribute(name).map(str::to_owned);
    Ok(NameId {
        value: value.to_owned(),
        format: attribute("Format"),
        name_qualifier: attribute("NameQualifier"),
        sp_name_qualifier: attribute("SPNameQualifier"),
    })
}

fn read_confirmation(element: &Element) -> Result<Confirmation, Refusal> {
    only_attributes(element, &["Method"])?;
    let method = element.attribute("Method").ok_or_else(|| missing("a SubjectConfirmation has no Method"))?;
    let mut parts = Parts::of(element)?;
    let names_somebody = ["BaseID", "NameID", "EncryptedID"].iter().any(|id| parts.optional(id).is_some());
    let data = parts.optional("SubjectConfirmationData").map(read_data).transpose()?;
    parts.end()?;
    Ok(Confirmation { method: method.to_owned(), data, names_somebody })
}

fn read_data(element: &Element) -> Result<ConfirmationData, Refusal> {
    const KNOWN: [&str; 5] = ["NotBefore", "NotOnOrAfter", "Recipient", "InResponseTo", "Address"];
    debug_assert!(element.is(SAML, "SubjectConfirmationData"));
    let attribute = |name| element.attribute(name).map(str::to_owned);
    Ok(ConfirmationData {
        not_before: optional_time(element, "NotBefore")?,
        not_on_or_after: optional_time(element, "NotOnOrAfter")?,
        recipient: attribute("Recipient"),
        address: attribute("Address"),
        demands_more: only_attributes(element, &KNOWN).is_err()
            || element.elements().next().is_some()
            || element.has_loose_text(),
    })
}
