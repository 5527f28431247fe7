//! Redirect URIs: what matches a registered one leads to the same place on the same host.
#![no_main]

use libfuzzer_sys::fuzz_target;
use placet_oauth::{
    client::ApplicationType,
    redirect_uri::{UriPolicy, matches, validate},
};
use url::Url;

fuzz_target!(|uris: (&str, &str)| {
    let (registered, presented) = uris;
    assert!(matches(registered, registered));
    assert_eq!(matches(registered, presented), matches(presented, registered));
    for kind in [ApplicationType::Web, ApplicationType::Native] {
        for development in [false, true] {
            if validate(registered, kind, UriPolicy { development }).is_err() {
                continue;
            }
            let one = Url::parse(registered).expect("what may be registered is a URL");
            assert!(registered.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(one.fragment().is_none() && one.username().is_empty() && one.password().is_none());
            if matches(registered, presented) {
                let other = Url::parse(presented).expect("what matches a URL is one");
                assert_eq!((one.scheme(), one.host()), (other.scheme(), other.host()));
                assert_eq!((one.path(), one.query()), (other.path(), other.query()));
                assert_eq!((other.username(), other.password(), other.fragment()), ("", None, None));
            }
        }
    }
});
