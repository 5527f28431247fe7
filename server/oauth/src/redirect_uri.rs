//! Which redirect URIs may be registered, and which presented one is a registered one.
//!
//! A redirect URI is where codes and tokens go, so the comparison is of bytes (RFC 9700 section 4.1.3), and
//! the only freedom is the port of an app that listens on the loopback interface (RFC 8252 section 7.3).

use crate::{client::ApplicationType, uri::AbsoluteUri};

/// Schemes that make a browser run or show the response instead of delivering it.
const NEVER: [&str; 6] = ["javascript", "data", "file", "vbscript", "blob", "about"];

/// The hosts whose port is free when a redirect URI is presented. `localhost` is not among them: a name can
/// be made to mean another machine (RFC 8252 section 8.3).
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// What the operator permits beyond the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UriPolicy {
    /// Whether any client may use plain http on this machine, as one does while developing.
    pub development: bool,
}

/// Checks a redirect URI that a client wants to register (OpenID Connect Registration section 2, RFC 8252
/// section 7).
///
/// # Errors
///
/// Why it cannot be registered, worded for a description.
pub fn validate(uri: &str, application_type: ApplicationType, policy: UriPolicy) -> Result<(), String> {
    check(uri, application_type, policy).map_err(|reason| format!("redirect URI `{uri}` {reason}"))
}

fn check(uri: &str, application_type: ApplicationType, policy: UriPolicy) -> Result<(), &'static str> {
    let AbsoluteUri { parsed, authority } = AbsoluteUri::parse(uri)?;
    if uri.contains('#') {
        return Err("has a fragment");
    }
    if authority.is_some_and(|authority| authority.contains('@')) {
        return Err("holds user information");
    }
    let scheme = parsed.scheme();
    if NEVER.contains(&scheme) {
        return Err("has a scheme that is never permitted");
    }
    let native = matches!(application_type, ApplicationType::Native);
    let this_machine = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match scheme {
        "https" => Ok(()),
        "http" if this_machine && (native || policy.development) => Ok(()),
        "http" if native => Err("uses http with a host that is not this machine"),
        _ if !native => Err("does not use https"),
        _ if is_reverse_dns(scheme) => Ok(()),
        _ => Err("has a custom scheme that is not a domain name in reverse"),
    }
}

/// A private scheme has to be named after a domain of its owner, so that no two apps claim it (RFC 8252
/// section 7.1).
fn is_reverse_dns(scheme: &str) -> bool {
    scheme.contains('.') && scheme.split('.').all(|label| !label.is_empty())
}

/// Whether `presented` is the redirect URI `registered`: the same bytes, except that the port of a registered
/// `http://127.0.0.1` or `http://[::1]` is free.
pub fn matches(registered: &str, presented: &str) -> bool {
    registered == presented
        || LOOPBACK.iter().any(|host| {
            let tail = |uri| str::strip_prefix(uri, *host).and_then(without_port);
            tail(registered).is_some_and(|registered| tail(presented) == Some(registered))
        })
}

/// What follows the port, or the host where there is none; `None` if the host or the port goes on in another
/// way.
fn without_port(after_host: &str) -> Option<&str> {
    let tail = match after_host.strip_prefix(':') {
        None => after_host,
        Some(after_colon) => {
            let end = after_colon.find(|c: char| !c.is_ascii_digit()).unwrap_or(after_colon.len());
            let (port, tail) = after_colon.split_at(end);
            // Five digits at most, and not more than a port can be.
            (port.len() <= 5 && port.parse::<u16>().is_ok()).then_some(tail)?
        }
    };
    (tail.is_empty() || tail.starts_with(['/', '?'])).then_some(tail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use ApplicationType::{Native, Web};

    const STRICT: UriPolicy = UriPolicy { development: false };
    const DEVELOPMENT: UriPolicy = UriPolicy { development: true };

    #[test]
    fn a_web_client_uses_https() {
        for uri in ["https://app.example/cb", "https://app.example", "https://App.example:8443/cb?a=b%20c&d"]
        {
            assert_eq!(validate(uri, Web, STRICT), Ok(()));
        }
        for uri in
            ["http://app.example/cb", "http://localhost/cb", "http://127.0.0.1/cb", "com.example.app:/cb"]
        {
            assert!(validate(uri, Web, STRICT).unwrap_err().ends_with("does not use https"), "{uri}");
        }
    }

    #[test]
    fn a_native_client_uses_a_private_scheme_or_this_machine() {
        for uri in [
            "com.example.app:/cb",
            "com.example.app://cb",
            "http://127.0.0.1/cb",
            "http://[::1]:7777/cb",
            "http://localhost:3000/cb",
            "https://app.example/cb",
        ] {
            assert_eq!(validate(uri, Native, STRICT), Ok(()));
        }
        for uri in ["http://app.example/cb", "http://127.0.0.2/cb", "myapp:/cb", "com..app:/cb", "app.:/cb"] {
            assert!(validate(uri, Native, DEVELOPMENT).is_err(), "{uri}");
        }
    }

    #[test]
    fn development_lets_everyone_use_this_machine_and_nothing_else() {
        for uri in ["http://localhost:3000/cb", "http://127.0.0.1/cb", "http://[::1]/cb"] {
            assert_eq!(validate(uri, Web, DEVELOPMENT), Ok(()));
        }
        for uri in
            ["http://app.example/cb", "http://localhost.evil.example/cb", "http://127.0.0.1.evil.example/"]
        {
            assert!(validate(uri, Web, DEVELOPMENT).is_err(), "{uri}");
        }
    }

    #[test]
    fn some_schemes_are_never_permitted() {
        for uri in
            ["javascript:alert(1)", "JavaScript://x.y/%0aalert(1)", "data:text/html,x", "file:///etc/passwd"]
                .into_iter()
                .chain(["vbscript:x", "blob:https://a.example/x", "about:blank"])
        {
            assert!(validate(uri, Native, DEVELOPMENT).unwrap_err().contains("never permitted"), "{uri}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for uri in [
            "",
            "/cb",
            "//app.example/cb",
            "app.example/cb",
            "https:",
            "https:app.example/cb",
            "https:/app.example/cb",
            "https:///app.example/cb",
            "https://app.example/cb#",
            "https://app.example/cb#x",
            "https://user@app.example/cb",
            "https://@app.example/cb",
            "https://app.example:443@evil.example/cb",
            "com.example.app://user@host/cb",
            "https://app.example\\@evil.example/cb",
            "https://app.example/c b",
            " https://app.example/cb",
            "https://app.example/cb\n",
            "https://app.ex\tample/cb",
            "https://äpp.example/cb",
            "https://app%2eexample/cb",
            "https://app.example/%zz",
            "https://app.example/%0",
            "https://app.example:/cb",
            "https://app.example:99999/cb",
            "https://0x7f.1/cb",
            "https://app.example/\"><script>",
        ] {
            assert!(validate(uri, Native, DEVELOPMENT).is_err(), "{uri:?}");
            assert!(validate(uri, Web, DEVELOPMENT).is_err(), "{uri:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_uri() {
        let reason = validate("http://a.example/", Web, STRICT).unwrap_err();
        assert_eq!(reason, "redirect URI `http://a.example/` does not use https");
    }

    #[test]
    fn the_same_meaning_in_other_bytes_does_not_match() {
        let registered = "https://app.example/cb";
        for presented in [
            "https://app.example/cb/",
            "https://app.example/cb?",
            "https://app.example:443/cb",
            "https://APP.example/cb",
            "https://app.example/%63b",
            "https://app.example/x/../cb",
            "https://app.example/cb?x=1",
            "https://app.example/cb#x",
        ] {
            assert!(!matches(registered, presented), "{presented}");
        }
        assert!(matches(registered, registered));
    }

    #[test]
    fn the_port_of_a_loopback_address_is_free() {
        for registered in ["http://127.0.0.1/cb", "http://127.0.0.1:1234/cb"] {
            for presented in ["http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb"] {
                assert!(matches(registered, presented), "{registered} {presented}");
            }
        }
        assert!(matches("http://[::1]/cb?x", "http://[::1]:5000/cb?x"));
        assert!(matches("http://127.0.0.1", "http://127.0.0.1:80"));
    }

    #[test]
    fn nothing_but_the_port_is_free() {
        let registered = "http://127.0.0.1/cb";
        for presented in [
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:123456/cb",
            "http://127.0.0.1:00080/cb2",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:+80/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:80.evil.example/cb",
            "http://127.0.0.1:80/other",
            "http://127.0.0.1:80",
            "https://127.0.0.1:80/cb",
            "HTTP://127.0.0.1:80/cb",
            "http://[::1]:80/cb",
            "http://localhost:80/cb",
        ] {
            assert!(!matches(registered, presented), "{presented}");
        }
    }

    #[test]
    fn the_port_is_not_free_elsewhere() {
        assert!(!matches("http://localhost/cb", "http://localhost:80/cb"));
        assert!(!matches("https://127.0.0.1/cb", "https://127.0.0.1:80/cb"));
        assert!(!matches("http://127.0.0.1.a.example/cb", "http://127.0.0.1:80.a.example/cb"));
        assert!(!matches("https://app.example/cb", "https://app.example:1/cb"));
    }

    proptest! {
        #[test]
        fn every_uri_matches_itself_and_no_other_outside_loopback(
            a in "https://[a-c]{1,3}/[a-c]{0,3}",
            b in "https://[a-c]{1,3}/[a-c]{0,3}",
        ) {
            prop_assert_eq!(matches(&a, &b), a == b);
        }

        #[test]
        fn matching_is_symmetric(
            a in "http://(127\\.0\\.0\\.1|\\[::1\\]|localhost)(:[0-9]{0,6})?[/?a]{0,2}",
            b in "http://(127\\.0\\.0\\.1|\\[::1\\])(:[0-9]{0,6})?[/?a]{0,2}",
        ) {
            prop_assert_eq!(matches(&a, &b), matches(&b, &a));
        }

        #[test]
        fn what_matches_the_same_matches_each_other(
            a in "http://(127\\.0\\.0\\.1|\\[::1\\])(:[0-9]{1,5})?/?",
            b in "http://(127\\.0\\.0\\.1|\\[::1\\])(:[0-9]{1,5})?/?",
            c in "http://(127\\.0\\.0\\.1|\\[::1\\])(:[0-9]{1,5})?/?",
        ) {
            prop_assert!(matches(&a, &a));
            if matches(&a, &b) && matches(&b, &c) {
                prop_assert!(matches(&a, &c));
            }
        }

        #[test]
        fn a_loopback_uri_matches_itself_at_any_port_and_nothing_that_differs_elsewhere(
            host in "(127\\.0\\.0\\.1|\\[::1\\])",
            (one, other) in any::<(u16, u16)>(),
            (path, another) in ("(/[a-z?=&]{0,6})?", "(/[a-z?=&]{0,6})?"),
        ) {
            let registered = format!("http://{host}:{one}{path}");
            let at_another = format!("http://{host}:{other}{path}");
            let at_none = format!("http://{host}{path}");
            prop_assert!(matches(&registered, &at_another) && matches(&registered, &at_none));
            let elsewhere = format!("http://{host}:{other}{another}");
            prop_assert_eq!(matches(&registered, &elsewhere), path == another);
        }

        #[test]
        fn what_may_be_registered_holds_only_visible_ascii(uri in "https://[a-z]{1,5}/.{0,10}") {
            if validate(&uri, Web, STRICT).is_ok() {
                prop_assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
