//! An assertion, read from its elements (SAML core section 2).
//!
//! Every element and attribute has its place; what has none is refused, and not passed over.

mod conditions;
mod parts;
mod statements;
mod subject;
mod time;

use placet_sdk::decision::{NameId, Saml2Attribute};

pub(crate) use conditions::Conditions;
pub(crate) use statements::Authentication;
pub(crate) use subject::Confirmation;
pub(crate) use time::Time;

use crate::{
    names::{ENTITY, SAML},
    refusal::{Reason, Refusal},
    xml::Element,
};
use parts::{Parts, only_attributes, required_time};

/// What an assertion says.
#[derive(Debug)]
pub(crate) struct Assertion {
    pub(crate) id: String,
    pub(crate) issuer: String,
    pub(crate) issued_at: Time,
    pub(crate) name_id: NameId,
    pub(crate) confirmations: Vec<Confirmation>,
    pub(crate) conditions: Conditions,
    pub(crate) authentications: Vec<Authentication>,
    pub(crate) attributes: Vec<Saml2Attribute>,
}

impl Assertion {
    /// Reads an assertion without its signature.
    pub(crate) fn read(root: &Element) -> Result<Self, Refusal> {
        only_attributes(root, &["ID", "IssueInstant", "Version"])?;
        let mut parts = Parts::of(root)?;
        let issuer = issuer(parts.required("Issuer")?)?;
        let subject = parts.optional("Subject").ok_or_else(|| missing("it has no subject"))?;
        let (name_id, confirmations) = subject::read(subject)?;
        let conditions = parts.optional("Conditions").ok_or_else(|| {
            Refusal::new(Reason::Audience, "the assertion has no Conditions, so it names no audience")
        })?;
        let conditions = Conditions::read(conditions)?;
        if parts.optional("Advice").is_some_and(|advice| !advice.children.is_empty()) {
            return Err(missing("its Advice is not taken"));
        }
        let mut authentications = Vec::new();
        let mut attributes = Vec::new();
        while let Some(statement) = parts.any() {
            if statement.is(SAML, "AuthnStatement") {
                authentications.push(Authentication::read(statement)?);
            } else if statement.is(SAML, "AttributeStatement") {
                attributes.extend(statements::attributes(statement)?);
            } else {
                return Err(missing("there is a statement that is not taken, or an element out of order"));
            }
        }
        Ok(Self {
            id: root.attribute("ID").unwrap_or_default().to_owned(),
            issuer,
            issued_at: required_time(root, "IssueInstant")?,
            name_id,
            confirmations,
            conditions,
            authentications,
            attributes,
        })
    }
}

fn issuer(element: &Element) -> Result<String, Refusal> {
    only_attributes(element, &["Format", "NameQualifier", "SPNameQualifier", "SPProvidedID"])?;
    if element.attribute("Format").is_some_and(|format| format != ENTITY) {
        return Err(missing("its issuer is not named as an entity"));
    }
    element.text().map(str::to_owned).ok_or_else(|| missing("its issuer is not plain text"))
}

/// An assertion that is not what SAML says, or not what is taken; `what` goes on after "the assertion is not taken".
fn missing(what: &str) -> Refusal {
    Refusal::new(Reason::InvalidAssertion, format!("the assertion is not taken: {what}"))
}
