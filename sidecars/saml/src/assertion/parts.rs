//! Reading elements in the order that their schema says.

use super::{Time, missing};
use crate::{names::SAML, refusal::Refusal, xml::Element};

/// The child elements of an element, in order.
pub(super) struct Parts<'a> {
    parent: &'a Element,
    rest: std::collections::VecDeque<&'a Element>,
}

impl<'a> Parts<'a> {
    /// Of an element without text of its own.
    pub(super) fn of(parent: &'a Element) -> Result<Self, Refusal> {
        if parent.has_loose_text() {
            return Err(missing(&format!("there is text between the parts of {}", parent.name.local)));
        }
        Ok(Self { parent, rest: parent.elements().collect() })
    }

    /// The next one, if it has this name.
    pub(super) fn optional(&mut self, local: &str) -> Option<&'a Element> {
        if self.rest.front()?.is(SAML, local) { self.rest.pop_front() } else { None }
    }

    /// The next one, which must have this name.
    pub(super) fn required(&mut self, local: &str) -> Result<&'a Element, Refusal> {
        self.optional(local).ok_or_else(|| {
            missing(&format!("there is no {local} in its place in {}", self.parent.name.local))
        })
    }

    /// The next one, whatever it is.
    pub(super) fn any(&mut self) -> Option<&'a Element> {
        self.rest.pop_front()
    }

    /// There must be no more.
    pub(super) fn end(mut self) -> Result<(), Refusal> {
        match self.any() {
            None => Ok(()),
            Some(more) => Err(missing(&format!(
                "`{}` in {} is not taken, or out of order",
                more.name.local, self.parent.name.local
            ))),
        }
    }
}

/// Refuses attributes with a namespace, and others than these.
pub(super) fn only_attributes(element: &Element, known: &[&str]) -> Result<(), Refusal> {
    match element
        .attributes
        .iter()
        .find(|a| a.name.namespace.is_some() || !known.contains(&a.name.local.as_str()))
    {
        None => Ok(()),
        Some(other) => Err(missing(&format!(
            "the attribute `{}` of {} is not taken",
            other.name.local, element.name.local
        ))),
    }
}

/// An instant that must be there.
pub(super) fn required_time(element: &Element, attribute: &str) -> Result<Time, Refusal> {
    optional_time(element, attribute)?
        .ok_or_else(|| missing(&format!("{} has no {attribute}", element.name.local)))
}

/// An instant that may be left out, but not be something else.
pub(super) fn optional_time(element: &Element, attribute: &str) -> Result<Option<Time>, Refusal> {
    let Some(text) = element.attribute(attribute) else { return Ok(None) };
    Time::parse(text)
        .map(Some)
        .ok_or_else(|| missing(&format!("{attribute} of {} is not an instant in UTC", element.name.local)))
}

/// A URI as the text of an element; XML Schema lets white space stand around it.
pub(super) fn uri(element: &Element) -> Result<String, Refusal> {
    only_attributes(element, &[])?;
    let text = element.text().map(|text| text.trim_matches([' ', '\t', '\n', '\r'])).unwrap_or_default();
    if text.is_empty() {
        return Err(missing(&format!("{} is not a URI", element.name.local)));
    }
    Ok(text.to_owned())
}
