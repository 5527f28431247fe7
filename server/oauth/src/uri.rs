//! What every absolute URI in a request or a registration has to be.

use url::Url;

/// The parts of an absolute URI the rules look at, as they were written.
pub(crate) struct AbsoluteUri<'a> {
    /// The URI as browsers understand it.
    pub(crate) parsed: Url,
    /// What stands between `//` and the path, if there is a `//`.
    pub(crate) authority: Option<&'a str>,
}

impl<'a> AbsoluteUri<'a> {
    /// Reads `uri`; the error says what is wrong with it.
    ///
    /// The parser of the URL standard forgives a lot (missing slashes, tabs, hosts in octal), and another
    /// reader may forgive otherwise. Only what both this parser and RFC 3986 read alike is let through.
    pub(crate) fn parse(uri: &'a str) -> Result<Self, &'static str> {
        let outside = |byte: u8| !byte.is_ascii_graphic() || b"\\\"<>^`{|}".contains(&byte);
        if uri.bytes().any(outside) {
            return Err("holds a character that a URI cannot hold");
        }
        if !escapes_are_whole(uri) {
            return Err("holds a broken percent escape");
        }
        let (Ok(parsed), Some((_, rest))) = (Url::parse(uri), uri.split_once(':')) else {
            return Err("is not an absolute URI");
        };
        if rest.is_empty() {
            return Err("is not an absolute URI");
        }
        let authority =
            rest.strip_prefix("//").map(|after| &after[..after.find(['/', '?', '#']).unwrap_or(after.len())]);
        if matches!(parsed.scheme(), "http" | "https") && !same_host(&parsed, authority) {
            return Err("has no plain host");
        }
        Ok(Self { parsed, authority })
    }
}

/// Whether the host the parser understood is the one that is written down.
fn same_host(parsed: &Url, authority: Option<&str>) -> bool {
    let (Some(host), Some(authority)) = (parsed.host_str(), authority) else { return false };
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let Some(port) = place.get(..host.len()).filter(|written| written.eq_ignore_ascii_case(host)) else {
        return false;
    };
    let port = &place[port.len()..];
    port.is_empty() || port.strip_prefix(':').is_some_and(|digits| !digits.is_empty())
}

fn escapes_are_whole(uri: &str) -> bool {
    uri.split('%').skip(1).all(|after| {
        let digits = after.as_bytes();
        digits.len() >= 2 && digits[..2].iter().all(u8::is_ascii_hexdigit)
    })
}
