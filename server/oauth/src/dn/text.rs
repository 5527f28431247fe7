//! Names as text (RFC 4514).

use std::fmt;

use super::{
    Attribute, Value, attribute,
    der::{self, UTF8},
};

/// What has to be escaped in a value; some of it only in certain places.
const SPECIAL: &str = " \"#+,;<=>\\";

/// The parts of a name, in the order of certificates.
pub(super) fn parse(text: &str) -> Result<Vec<Vec<Attribute>>, &'static str> {
    let mut rest = text;
    let mut parts = vec![Vec::new()];
    loop {
        let (kind, after) = rest.split_once('=').ok_or("an attribute has no `=`")?;
        let kind =
            attribute::identifier(kind.trim_matches(' ')).ok_or("the type of an attribute is not known")?;
        let (value, end, after) = value(after)?;
        let current = parts.last_mut().ok_or("the name is empty")?;
        current.push(Attribute { kind, value });
        rest = after;
        match end {
            Some(',') => parts.push(Vec::new()),
            Some(_) => {}
            None => break,
        }
    }
    parts.reverse();
    Ok(parts)
}

/// A value, the comma or plus sign that ends it, and what comes behind.
fn value(text: &str) -> Result<(Value, Option<char>, &str), &'static str> {
    let text = text.trim_start_matches(' ');
    if let Some(text) = text.strip_prefix('#') {
        let end = text.find([',', '+']).unwrap_or(text.len());
        let (digits, rest) = text.split_at(end);
        let value = hexadecimal(digits.trim_end_matches(' '))
            .and_then(|der| der::value(&der))
            .ok_or("a value after `#` is not the hexadecimal form of one")?;
        let mut rest = rest.chars();
        return Ok((value, rest.next(), rest.as_str()));
    }
    let mut bytes = Vec::new();
    // Spaces at the end do not count unless they are escaped.
    let mut significant = 0;
    let mut chars = text.chars();
    let end = loop {
        match chars.next() {
            None => break None,
            Some(end @ (',' | '+')) => break Some(end),
            Some('"' | ';' | '<' | '>' | '\0') => {
                return Err("one of the characters `\"`, `;`, `<` and `>` is not escaped");
            }
            Some('\\') => {
                bytes.push(escaped(&mut chars).ok_or("an escape is malformed")?);
                significant = bytes.len();
            }
            Some(c) => {
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                if c != ' ' {
                    significant = bytes.len();
                }
            }
        }
    };
    bytes.truncate(significant);
    let value = String::from_utf8(bytes).map_err(|_| "a value is not UTF-8")?;
    Ok((Value::Text(value), end, chars.as_str()))
}

/// What follows a backslash: a special character, or the two digits of any byte.
fn escaped(chars: &mut std::str::Chars<'_>) -> Option<u8> {
    let first = chars.next()?;
    if SPECIAL.contains(first) {
        return u8::try_from(first).ok();
    }
    let digits = [first, chars.next()?];
    hexadecimal(&String::from_iter(digits))?.first().copied()
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    if digits.is_empty()
        || !digits.len().is_multiple_of(2)
        || !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
    pairs.collect::<Result<_, _>>().ok()
}

/// Writes an attribute. Values of types without a name are written in hexadecimal (RFC 4514 section 2.4).
pub(super) fn write(f: &mut fmt::Formatter<'_>, attribute: &Attribute) -> fmt::Result {
    let name = attribute::name(&attribute.kind);
    write!(f, "{}=", name.unwrap_or(&attribute.kind))?;
    match (&attribute.value, name) {
        (Value::Text(text), Some(_)) => write_text(f, text),
        (Value::Text(text), None) => write_hexadecimal(f, &utf8(text)),
        (Value::Other(der), _) => write_hexadecimal(f, der),
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let last = text.chars().count().saturating_sub(1);
    for (index, c) in text.chars().enumerate() {
        let at_an_end = (c == ' ' && (index == 0 || index == last)) || (c == '#' && index == 0);
        if at_an_end || matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
            write!(f, "\\{c}")?;
        } else if c.is_control() {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().try_for_each(|byte| write!(f, "\\{byte:02x}"))?;
        } else {
            write!(f, "{c}")?;
        }
    }
    Ok(())
}

fn write_hexadecimal(f: &mut fmt::Formatter<'_>, der: &[u8]) -> fmt::Result {
    f.write_str("#")?;
    der.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// A text as `UTF8String`.
fn utf8(text: &str) -> Vec<u8> {
    let length = text.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut der = vec![UTF8];
    if text.len() < 0x80 {
        der.push(u8::try_from(text.len()).unwrap_or(0));
    } else {
        der.push(0x80 | u8::try_from(length.len()).unwrap_or(0));
        der.extend_from_slice(&length);
    }
    der.extend_from_slice(text.as_bytes());
    der
}
