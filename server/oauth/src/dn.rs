//! Distinguished names: as text (RFC 4514), and as they stand in certificates (RFC 5280 section 4.1.2.4).

use std::fmt;

mod attribute;
mod der;
mod text;

/// A distinguished name. Its parts are in the order of certificates, the most general first; texts have them the
/// other way round.
#[derive(Clone, Debug)]
pub struct DistinguishedName(Vec<Vec<Attribute>>);

/// One attribute of a part.
#[derive(Clone, Debug)]
struct Attribute {
    /// The object identifier of its type, with dots.
    kind: String,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    /// The DER of what is no text.
    Other(Vec<u8>),
}

impl DistinguishedName {
    /// Reads a name in the form of RFC 4514. Spaces around parts are tolerated, as RFC 2253 section 4 wanted them to be.
    ///
    /// # Errors
    ///
    /// What is wrong with it: malformed, empty, or with a type of attribute whose name is not known. Object
    /// identifiers with dots are always known.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        text::parse(text).map(Self)
    }

    /// Reads a name as it stands in a certificate; none if it is malformed.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        der::name(der).map(Self)
    }

    /// Whether two names are the same: the same parts in the same order, each with the same attributes in any order.
    /// Types are compared by object identifier; texts whatever their case, their encoding, and how many spaces there
    /// are (RFC 5280 section 7.1). Texts that Unicode can compose in several ways are not normalised: they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }

    fn folded(&self) -> Vec<Vec<(&str, Value)>> {
        self.0.iter().map(|part| fold(part)).collect()
    }
}

fn fold(part: &[Attribute]) -> Vec<(&str, Value)> {
    let mut folded: Vec<_> = part
        .iter()
        .map(|attribute| {
            let value = match &attribute.value {
                Value::Text(text) => Value::Text(fold_text(text)),
                other @ Value::Other(_) => other.clone(),
            };
            (attribute.kind.as_str(), value)
        })
        .collect();
    folded.sort_by(|a, b| a.0.cmp(b.0).then_with(|| order(&a.1).cmp(order(&b.1))));
    folded
}

fn order(value: &Value) -> &[u8] {
    match value {
        Value::Text(text) => text.as_bytes(),
        Value::Other(der) => der,
    }
}

fn fold_text(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().flat_map(char::to_lowercase).collect()
}

impl fmt::Display for DistinguishedName {
    /// The form of RFC 4514.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            for (index, attribute) in part.iter().enumerate() {
                if index > 0 {
                    f.write_str("+")?;
                }
                text::write(f, attribute)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
