//! Names in DER (X.690), as far as certificates need it.

use super::{Attribute, Value};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// The tag of `UTF8String`.
pub(super) const UTF8: u8 = 0x0c;

/// The parts of a name.
pub(super) fn name(der: &[u8]) -> Option<Vec<Vec<Attribute>>> {
    let (mut parts, rest) = expect(der, SEQUENCE)?;
    let mut name = Vec::new();
    while !parts.is_empty() {
        let (mut part, after) = expect(parts, SET)?;
        parts = after;
        let mut attributes = Vec::new();
        while !part.is_empty() {
            let (attribute, after) = expect(part, SEQUENCE)?;
            part = after;
            let (kind, encoded) = expect(attribute, OBJECT_IDENTIFIER)?;
            attributes.push(Attribute { kind: identifier(kind)?, value: value(encoded)? });
        }
        if attributes.is_empty() {
            return None;
        }
        name.push(attributes);
    }
    rest.is_empty().then_some(name)
}

/// A whole value.
pub(super) fn value(der: &[u8]) -> Option<Value> {
    let (tag, content, rest) = element(der)?;
    if !rest.is_empty() {
        return None;
    }
    Some(text(tag, content).map_or_else(|| Value::Other(der.to_vec()), Value::Text))
}

/// The text in a string of any kind; none if it is no string, or one whose characters nobody agrees about.
fn text(tag: u8, content: &[u8]) -> Option<String> {
    match tag {
        UTF8 => String::from_utf8(content.to_vec()).ok(),
        // NumericString, PrintableString, TeletexString, IA5String, VisibleString.
        0x12 | 0x13 | 0x14 | 0x16 | 0x1a => {
            content.is_ascii().then(|| content.iter().map(|byte| char::from(*byte)).collect())
        }
        // UniversalString: four bytes for each character.
        0x1c => characters::<4>(content),
        // BMPString: two bytes.
        0x1e => characters::<2>(content),
        _ => None,
    }
}

fn characters<const WIDTH: usize>(content: &[u8]) -> Option<String> {
    let chunks = content.chunks_exact(WIDTH);
    if !chunks.remainder().is_empty() {
        return None;
    }
    let number = |chunk: &[u8]| chunk.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    chunks.map(|chunk| char::from_u32(number(chunk))).collect()
}

/// The content of an element with this tag, and what comes behind it.
fn expect(der: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(der)?;
    (tag == expected).then_some((content, rest))
}

/// Tag, content, and what comes behind. Lengths are definite and as short as they can be (X.690 section 10.1).
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if bytes.is_empty() || bytes.len() > 3 || bytes[0] == 0 {
            return None;
        }
        let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        if length < 0x80 {
            return None;
        }
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// An object identifier with dots (X.690 section 8.19).
fn identifier(content: &[u8]) -> Option<String> {
    let mut numbers: Vec<u64> = Vec::new();
    let mut number: Option<u64> = None;
    for byte in content {
        // No number begins with a padding.
        if number.is_none() && *byte == 0x80 {
            return None;
        }
        let so_far = number.unwrap_or(0);
        if so_far > u64::MAX >> 7 {
            return None;
        }
        let next = so_far << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(next);
            number = None;
        } else {
            number = Some(next);
        }
    }
    if number.is_some() {
        return None;
    }
    let (first, others) = numbers.split_first()?;
    let (root, second) = if *first < 80 { (first / 40, first % 40) } else { (2, first - 80) };
    let all = [root, second].into_iter().chain(others.iter().copied());
    Some(all.map(|number| number.to_string()).collect::<Vec<_>>().join("."))
}
