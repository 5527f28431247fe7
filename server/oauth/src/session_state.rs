//! `session_state`: by which a client sees, without asking the server, whether the user is still signed in as before
//! (OpenID Connect Session Management 1.0).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use url::{Origin, Url};

/// The origin of a URI as browsers serialize it (RFC 6454 section 6.2); none of a URI that has none, as those of apps on
/// devices.
pub fn origin_of(uri: &str) -> Option<String> {
    match Url::parse(uri).ok()?.origin() {
        origin @ Origin::Tuple(..) => Some(origin.ascii_serialization()),
        Origin::Opaque(_) => None,
    }
}

/// The value for a client whose pages have this origin, while the browser holds `browser_state` (section 2): a hash over
/// both and over a random `salt`, so that clients cannot compare what they got. It contains no space.
pub fn session_state(client_id: &str, origin: &str, browser_state: &str, salt: &str) -> String {
    let text = format!("{client_id} {origin} {browser_state} {salt}");
    format!("{}.{salt}", URL_SAFE_NO_PAD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_says_of_a_page() {
        for (uri, origin) in [
            ("https://rp.example/cb?x=1", Some("https://rp.example")),
            ("https://RP.example:443/cb", Some("https://rp.example")),
            ("http://localhost:8093/callback", Some("http://localhost:8093")),
            ("http://[::1]:9/cb", Some("http://[::1]:9")),
            ("com.example.app:/cb", None),
            ("not a uri", None),
        ] {
            assert_eq!(origin_of(uri).as_deref(), origin, "{uri}");
        }
    }

    #[test]
    fn everything_that_it_says_is_in_it() {
        let one = session_state("web", "https://rp.example", "state", "salt");
        assert_eq!(one, session_state("web", "https://rp.example", "state", "salt"));
        assert_eq!(one.split_once('.').map(|(_, salt)| salt), Some("salt"));
        assert!(!one.contains(' '), "{one}");
        for other in [
            session_state("other", "https://rp.example", "state", "salt"),
            session_state("web", "https://rp2.example", "state", "salt"),
            session_state("web", "https://rp.example", "other", "salt"),
            session_state("web", "https://rp.example", "", "salt"),
            session_state("web", "https://rp.example", "state", "salt2"),
        ] {
            assert_ne!(other, one);
        }
    }
}
