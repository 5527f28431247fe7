//! Subject identifiers that differ from sector to sector (OpenID Connect Core section 8.1).

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use url::Url;

/// The subject that clients of a sector see instead of `sub`: 43 characters of base64url.
///
/// Each field goes into the hash with its length, so that no two different triples are the same input. Nobody without
/// `salt` can compute or compare the results.
pub fn pairwise_subject(sector: &str, sub: &str, salt: &[u8]) -> String {
    let mut hash = Sha256::new();
    for field in [sector.as_bytes(), sub.as_bytes(), salt] {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// The sector of a client: the host of its sector identifier URI, else the one host of its redirect URIs.
///
/// `None` where the redirect URIs are on several hosts, or one of them has none.
pub fn sector_of(redirect_uris: &[String], sector_identifier_uri: Option<&str>) -> Option<String> {
    if let Some(uri) = sector_identifier_uri {
        return host_of(uri);
    }
    let mut hosts = redirect_uris.iter().map(|uri| host_of(uri)).collect::<Option<BTreeSet<_>>>()?;
    let host = hosts.pop_first()?;
    hosts.is_empty().then_some(host)
}

fn host_of(uri: &str) -> Option<String> {
    Url::parse(uri).ok()?.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uris(list: &[&str]) -> Vec<String> {
        list.iter().map(|uri| (*uri).to_owned()).collect()
    }

    #[test]
    fn the_sector_is_the_host_of_the_sector_identifier_uri_if_there_is_one() {
        let redirects = uris(&["https://a.example/cb", "https://b.example/cb"]);
        assert_eq!(sector_of(&redirects, Some("https://s.example/file.json")), Some("s.example".to_owned()));
    }

    #[test]
    fn the_sector_is_else_the_only_host_of_the_redirect_uris() {
        let redirects = uris(&["https://a.example/cb", "https://A.example:8443/other"]);
        assert_eq!(sector_of(&redirects, None), Some("a.example".to_owned()));
        assert_eq!(sector_of(&uris(&["https://a.example/cb", "https://b.example/cb"]), None), None);
        assert_eq!(sector_of(&uris(&["https://a.example/cb", "com.example.app:/cb"]), None), None);
        assert_eq!(sector_of(&[], None), None);
    }

    proptest! {
        #[test]
        fn a_subject_is_the_same_for_equal_fields_and_differs_otherwise(
            a in ("[a-c]{0,3}", "[a-c]{0,3}", "[a-c]{0,3}"), b in ("[a-c]{0,3}", "[a-c]{0,3}", "[a-c]{0,3}"),
        ) {
            let of = |(sector, sub, salt): &(String, String, String)| pairwise_subject(sector, sub, salt.as_bytes());
            prop_assert_eq!(of(&a) == of(&b), a == b);
            prop_assert_eq!(of(&a).len(), 43);
        }
    }
}
