//! The conditions (SAML core section 2.5).

use super::{
    Time, missing,
    parts::{Parts, only_attributes, optional_time, uri},
};
use crate::{
    names::SAML,
    refusal::{Reason, Refusal, shown},
    xml::Element,
};

/// The most audiences that one restriction may name.
const MOST_AUDIENCES: usize = 100;

/// `Conditions`.
#[derive(Debug)]
pub(crate) struct Conditions {
    pub(crate) not_before: Option<Time>,
    pub(crate) not_on_or_after: Option<Time>,
    /// The audience restrictions; every one has to be met.
    pub(crate) restrictions: Vec<Vec<String>>,
    pub(crate) one_time_use: bool,
}

impl Conditions {
    pub(super) fn read(element: &Element) -> Result<Self, Refusal> {
        only_attributes(element, &["NotBefore", "NotOnOrAfter"])?;
        let mut conditions = Self {
            not_before: optional_time(element, "NotBefore")?,
            not_on_or_after: optional_time(element, "NotOnOrAfter")?,
            restrictions: Vec::new(),
            one_time_use: false,
        };
        if let (Some(from), Some(until)) = (conditions.not_before, conditions.not_on_or_after)
            && from >= until
        {
            return Err(missing("its conditions end before they begin"));
        }
        let mut proxy_restriction = false;
        let mut parts = Parts::of(element)?;
        while let Some(condition) = parts.any() {
            if condition.is(SAML, "AudienceRestriction") {
                conditions.restrictions.push(read_restriction(condition)?);
            } else if condition.is(SAML, "OneTimeUse") && !conditions.one_time_use {
                only_attributes(condition, &[])?;
                Parts::of(condition)?.end()?;
                conditions.one_time_use = true;
            } else if condition.is(SAML, "ProxyRestriction") && !proxy_restriction {
                check_proxy_restriction(condition)?;
                proxy_restriction = true;
            } else {
                let name = shown(&condition.name.local);
                return Err(Refusal::new(
                    Reason::UnknownCondition,
                    format!("the condition {name} of the assertion is not understood, or stands there twice"),
                ));
            }
        }
        Ok(conditions)
    }
}

fn read_restriction(element: &Element) -> Result<Vec<String>, Refusal> {
    only_attributes(element, &[])?;
    let mut parts = Parts::of(element)?;
    let mut audiences = vec![uri(parts.required("Audience")?)?];
    while let Some(audience) = parts.optional("Audience") {
        audiences.push(uri(audience)?);
    }
    parts.end()?;
    if audiences.len() > MOST_AUDIENCES {
        return Err(missing("it names too many audiences"));
    }
    Ok(audiences)
}

/// It limits assertions that are made of this one. None ever is, so there is nothing to do but to see that it is one.
fn check_proxy_restriction(element: &Element) -> Result<(), Refusal> {
    only_attributes(element, &["Count"])?;
    if element.attribute("Count").is_some_and(|count| count.parse::<u32>().is_err()) {
        return Err(missing("the Count of its ProxyRestriction is not a number"));
    }
    let mut parts = Parts::of(element)?;
    while let Some(audience) = parts.optional("Audience") {
        uri(audience)?;
    }
    parts.end()
}
