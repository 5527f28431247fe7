//! Names and values of a query or a form, each name once.
//!
//! Repeats and broken escapes are refused here, so that no later rule can be talked into reading another
//! value than the one that was checked.

use std::fmt;

use crate::error::OAuthError;

/// The most parameters one request may have.
const MAX_PARAMS: usize = 100;

/// The names that may occur more than once: RFC 8707 section 2 and RFC 8693 section 2.1.
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// The parameters of a request, in the order they came.
#[derive(Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `application/x-www-form-urlencoded`, as in a query or the body of a form.
    ///
    /// A parameter without a value counts as omitted (RFC 6749 section 3.1), though not for the rule that a
    /// name occurs once: whoever reads such a request differently must not get a second meaning out of it.
    ///
    /// # Errors
    ///
    /// `invalid_request` for a broken escape, a value that is not UTF-8 or holds NUL, a repeated name (except
    /// `resource` and `audience`), or more than 100 parameters.
    pub fn parse(raw: &[u8]) -> Result<Self, OAuthError> {
        Self::collect(segments(raw).map(|(name, value)| {
            let name = decode(name).ok_or_else(|| {
                OAuthError::invalid_request("the name of a parameter is not properly encoded")
            })?;
            let value = decode(value).ok_or_else(|| not_encoded(&name))?;
            Ok((name, value))
        }))
    }

    /// Takes pairs that are decoded already, under the same rules as [`Params::parse`].
    ///
    /// # Errors
    ///
    /// `invalid_request` as for [`Params::parse`].
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, OAuthError> {
        Self::collect(pairs.into_iter().map(|(name, value)| {
            if name.contains('\0') || value.contains('\0') {
                Err(not_encoded(&name))
            } else {
                Ok((name, value))
            }
        }))
    }

    fn collect(
        pairs: impl Iterator<Item = Result<(String, String), OAuthError>>,
    ) -> Result<Self, OAuthError> {
        let mut all: Vec<(String, String)> = Vec::new();
        for pair in pairs {
            let (name, value) = pair?;
            if all.len() == MAX_PARAMS {
                return Err(OAuthError::invalid_request(format!("more than {MAX_PARAMS} parameters")));
            }
            if !REPEATABLE.contains(&name.as_str()) && all.iter().any(|(seen, _)| *seen == name) {
                return Err(OAuthError::invalid_request(format!("parameter `{name}` occurs more than once")));
            }
            all.push((name, value));
        }
        all.retain(|(_, value)| !value.is_empty());
        Ok(Self(all))
    }

    /// The value of `name`; the first one, where the name may repeat.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Every value of `name`, in order.
    pub fn get_all(&self, name: &str) -> Vec<&str> {
        self.iter().filter(|(known, _)| *known == name).map(|(_, value)| value).collect()
    }

    /// The value of `name`.
    ///
    /// # Errors
    ///
    /// `invalid_request` if it is missing.
    pub fn require(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::invalid_request(format!("missing parameter `{name}`")))
    }

    /// Whether `name` is present with a value.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same parameters as a form, readable by [`Params::parse`].
    pub fn to_form(&self) -> String {
        encode_form(self.iter())
    }
}

/// Names only: a value may be a password, a code or a token.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Params")?;
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// Writes pairs as a query, a fragment or a form. Everything but the unreserved characters of RFC 3986
/// section 2.3 is escaped; a space is `%20`, which a query and a form both understand.
pub fn encode_form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut form = String::new();
    for (name, value) in pairs {
        if !form.is_empty() {
            form.push('&');
        }
        encode(name, &mut form);
        form.push('=');
        encode(value, &mut form);
    }
    form
}

/// The value of `name`, if `raw` holds that name exactly once with a value that decodes cleanly.
///
/// A request may be broken elsewhere and still say beyond doubt who sent it and where the error shall go.
/// Only such a value may be used to find a redirect for a request that [`Params::parse`] refused.
pub fn unambiguous(raw: &[u8], name: &str) -> Option<String> {
    let mut values = segments(raw).filter(|(known, _)| decode(known).as_deref() == Some(name));
    let (_, value) = values.next()?;
    if values.next().is_some() {
        return None;
    }
    decode(value).filter(|value| !value.is_empty())
}

/// Undoes the escapes of one name or value; `None` if an escape is broken, or what it yields is not UTF-8 or
/// holds NUL.
pub fn decode(raw: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(*rest.next()?)? << 4 | hex(*rest.next()?)?,
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// Whether any name in `raw` is `name`, whatever its value.
pub fn mentions(raw: &[u8], name: &str) -> bool {
    segments(raw).any(|(known, _)| decode(known).as_deref() == Some(name))
}

fn not_encoded(name: &str) -> OAuthError {
    OAuthError::invalid_request(format!("parameter `{name}` is not properly encoded"))
}

/// The undecoded names and values. Nothing between two `&` is no parameter, as in the URL standard.
fn segments(raw: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    raw.split(|byte| *byte == b'&').filter(|segment| !segment.is_empty()).map(|segment| {
        match segment.iter().position(|byte| *byte == b'=') {
            Some(at) => (&segment[..at], &segment[at + 1..]),
            None => (segment, &segment[segment.len()..]),
        }
    })
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn encode(text: &str, into: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(char::from(DIGITS[usize::from(byte >> 4)]));
            into.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorCode;

    fn parsed(raw: &str) -> Vec<(String, String)> {
        let params = Params::parse(raw.as_bytes()).unwrap();
        params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn refusal(raw: &[u8]) -> String {
        let error = Params::parse(raw).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        error.description
    }

    #[test]
    fn escapes_and_pluses_are_undone() {
        let expected = [("a b", "c+d"), ("ü", "1=2")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(parsed("a+b=c%2Bd&&%c3%BC=1=2"), expected);
    }

    #[test]
    fn broken_escapes_are_refused() {
        for raw in ["a=%", "a=%4", "a=%4g", "a=%%41", "a=%+1", "a=%ff", "a=%00"] {
            assert_eq!(refusal(raw.as_bytes()), "parameter `a` is not properly encoded", "{raw}");
        }
        assert_eq!(refusal(b"a=\xff"), "parameter `a` is not properly encoded");
        assert_eq!(refusal(b"%a=1"), "the name of a parameter is not properly encoded");
    }

    #[test]
    fn a_repeated_name_is_refused_however_it_is_written() {
        for raw in
            ["scope=a&scope=b", "scope=a&scope=a", "scope=a&sc%6fpe=b", "scope=&scope=a", "scope&scope=a"]
        {
            assert_eq!(refusal(raw.as_bytes()), "parameter `scope` occurs more than once", "{raw}");
        }
    }

    #[test]
    fn resource_and_audience_may_repeat() {
        let params = Params::parse(b"resource=a&audience=x&resource=b&audience=y").unwrap();
        assert_eq!(params.get_all("resource"), ["a", "b"]);
        assert_eq!(params.get_all("audience"), ["x", "y"]);
        assert_eq!(params.get("resource"), Some("a"));
    }

    #[test]
    fn an_empty_value_counts_as_omitted() {
        let params = Params::parse(b"state=&nonce&scope=a").unwrap();
        assert!(!params.contains("state"));
        assert!(!params.contains("nonce"));
        assert!(params.contains("scope"));
        assert_eq!(params.require("state").unwrap_err().description, "missing parameter `state`");
    }

    #[test]
    fn a_hundred_parameters_are_the_limit() {
        let form = |count: usize| (0..count).map(|i| format!("p{i}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(parsed(&form(100)).len(), 100);
        assert_eq!(refusal(form(101).as_bytes()), "more than 100 parameters");
    }

    #[test]
    fn pairs_follow_the_rules_of_a_form() {
        let pairs = |all: &[(&str, &str)]| {
            Params::from_pairs(all.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())))
        };
        assert!(pairs(&[("a", "1"), ("a", "2")]).is_err());
        assert!(pairs(&[("a", "1\0")]).is_err());
        assert_eq!(pairs(&[("a", "1"), ("b", "")]).unwrap().to_form(), "a=1");
    }

    #[test]
    fn debug_shows_no_values() {
        let params = Params::parse(b"password=hunter2&user=x").unwrap();
        assert_eq!(format!("{params:?}"), r#"Params["password", "user"]"#);
    }

    #[test]
    fn a_value_is_unambiguous_in_a_request_broken_elsewhere() {
        let raw = b"client_id=c&state=%zz&scope=a&scope=b&redirect_uri=https%3A%2F%2Fa";
        assert!(Params::parse(raw).is_err());
        assert_eq!(unambiguous(raw, "redirect_uri").as_deref(), Some("https://a"));
        assert_eq!(unambiguous(raw, "client_id").as_deref(), Some("c"));
        for name in ["scope", "state", "nonce"] {
            assert_eq!(unambiguous(raw, name), None, "{name}");
        }
        assert_eq!(unambiguous(b"redirect_uri=a&redirect%5furi=b", "redirect_uri"), None);
        assert_eq!(unambiguous(b"redirect_uri=a&redirect_uri=%zz", "redirect_uri"), None);
        assert_eq!(unambiguous(b"redirect_uri=", "redirect_uri"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(pairs in prop::collection::btree_map("[^\0]*", "[^\0]+", 0..20)) {
            let form = encode_form(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())));
            prop_assert!(form.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%=&".contains(&b)));
            let expected: Vec<_> = pairs.into_iter().collect();
            prop_assert_eq!(&parsed(&form), &expected);
            prop_assert_eq!(Params::from_pairs(expected).unwrap().to_form(), form);
        }

        #[test]
        fn no_input_is_read_in_two_ways(
            raw in prop::collection::vec(prop::sample::select(b"ab=&%+4\xc3\0".to_vec()), 0..40),
        ) {
            if let Ok(params) = Params::parse(&raw) {
                for (name, value) in params.iter() {
                    prop_assert_eq!(unambiguous(&raw, name), Some(value.to_owned()));
                }
            }
        }
    }
}
