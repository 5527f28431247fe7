//! A strict parser for forms and query strings: one value per name, no broken escapes.

/// More fields than any page of this app has.
const MAX_FIELDS: usize = 512;

/// Why a form was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    /// A broken escape, or text that is not UTF-8.
    #[error("the form is not well formed")]
    Malformed,
    /// Two values for one name: which one counts must not depend on who reads it.
    #[error("a field is repeated")]
    Repeated,
    /// Too many fields.
    #[error("the form has too many fields")]
    TooMany,
}

/// The fields of a form, or the parameters of a query.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Parses `application/x-www-form-urlencoded`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|b| *b == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            let name = decode(name)?;
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(FormError::Repeated);
            }
            if fields.len() == MAX_FIELDS {
                return Err(FormError::TooMany);
            }
            fields.push((name, decode(value)?));
        }
        Ok(Self(fields))
    }

    /// The value of a field; empty is a value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a field, empty if absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Whether a checkbox is checked.
    pub(crate) fn is_checked(&self, name: &str) -> bool {
        self.get(name) == Some("on")
    }

    /// All fields in their order.
    pub(crate) fn fields(&self) -> &[(String, String)] {
        &self.0
    }
}

fn decode(bytes: &[u8]) -> Result<String, FormError> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().copied().and_then(hex), rest.next().copied().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(FormError::Malformed),
            },
            other => *other,
        });
    }
    let text = String::from_utf8(out).map_err(|_| FormError::Malformed)?;
    if text.contains('\0') { Err(FormError::Malformed) } else { Ok(text) }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Escapes a value for a query string.
pub(crate) fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_and_an_absent_field_differs_from_an_empty_one() {
        let form = Form::parse(b"username=al%C3%ADce+b&password=&x").ok().unwrap();
        assert_eq!(form.get("username"), Some("al\u{ed}ce b"));
        assert_eq!(form.get("password"), Some(""));
        assert_eq!(form.get("x"), Some(""));
        assert_eq!(form.get("y"), None);
    }

    #[test]
    fn a_repeated_field_is_refused_however_it_is_spelled() {
        assert_eq!(Form::parse(b"a=1&a=2").err(), Some(FormError::Repeated));
        assert_eq!(Form::parse(b"a=1&%61=1").err(), Some(FormError::Repeated));
    }

    #[test]
    fn broken_escapes_and_broken_text_are_refused() {
        for bad in [&b"a=%"[..], b"a=%2", b"a=%zz", b"a=%ff", b"%+1=a", b"a=%00"] {
            assert_eq!(Form::parse(bad).err(), Some(FormError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn a_flood_of_fields_is_refused() {
        let flood = (0..600).map(|n| format!("f{n}=")).collect::<Vec<_>>().join("&");
        assert_eq!(Form::parse(flood.as_bytes()).err(), Some(FormError::TooMany));
    }

    #[test]
    fn an_escaped_value_is_read_back() {
        let text = "a b&c=d%\u{e9}";
        let form = Form::parse(format!("v={}", escape(text)).as_bytes()).ok().unwrap();
        assert_eq!(form.get("v"), Some(text));
    }
}
