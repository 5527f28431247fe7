//! Characters, names and references.

/// The longest name, in bytes.
const LONGEST_NAME: usize = 256;

/// Whether a character may stand in a document (XML 1.0 section 2.2).
pub(super) fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Whether this is a name without a colon, in ASCII.
pub(crate) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    text.len() <= LONGEST_NAME
        && chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// A prefix, if there is one, and the name behind it.
pub(super) fn split(qualified: &str) -> Option<(Option<&str>, &str)> {
    match qualified.split_once(':') {
        Some((prefix, local)) if is_name(prefix) && is_name(local) => Some((Some(prefix), local)),
        None if is_name(qualified) => Some((None, qualified)),
        _ => None,
    }
}

/// The character that a reference stands for: one of the five of XML, or a number.
pub(super) fn referred(name: &str) -> Option<char> {
    let number = match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => name.strip_prefix('#')?,
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    if digits.is_empty() || digits.len() > 8 || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|c| is_allowed(*c))
}

/// The value of an attribute as it is written between its quotes, resolved and normalised; none if it is malformed.
pub(super) fn attribute_value(raw: &str) -> Option<String> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<', '\t', '\n']) {
        value.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'<' => return None,
            b'&' => {
                let (name, behind) = rest[at + 1..].split_once(';')?;
                value.push(referred(name)?);
                rest = behind;
            }
            _ => {
                value.push(' ');
                rest = &rest[at + 1..];
            }
        }
    }
    value.push_str(rest);
    Some(value)
}
