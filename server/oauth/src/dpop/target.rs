//! The URL that a proof is made for, in a form that can be compared (RFC 9449 section 4.3, RFC 3986 section 6.2).

use crate::uri::AbsoluteUri;

/// The longest URL, in bytes.
const MAX_TARGET: usize = 2048;

/// The normal form of an http or https URL, without query and fragment; none for anything else.
///
/// Scheme and host are in lower case, the default port is left out, dot segments are resolved, and what need not be
/// escaped is not.
pub fn normal_target(url: &str) -> Option<String> {
    if url.len() > MAX_TARGET {
        return None;
    }
    let AbsoluteUri { parsed, authority } = AbsoluteUri::parse(url).ok()?;
    if !matches!(parsed.scheme(), "http" | "https") || authority?.contains('@') {
        return None;
    }
    let mut normal = format!("{}://{}", parsed.scheme(), parsed.host_str()?);
    if let Some(port) = parsed.port() {
        normal.push(':');
        normal.push_str(&port.to_string());
    }
    normal.push_str(&unescaped(parsed.path()));
    Some(normal)
}

/// The path with every escape in upper case, and none of a character that may stand for itself (RFC 3986 sections
/// 6.2.2.1 and 6.2.2.2).
fn unescaped(path: &str) -> String {
    let mut parts = path.split('%');
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        match u8::from_str_radix(digits, 16) {
            Ok(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => normal.push(byte.into()),
            _ => normal.extend(['%'].into_iter().chain(digits.chars().map(|c| c.to_ascii_uppercase()))),
        }
        normal.push_str(rest);
    }
    normal
}
