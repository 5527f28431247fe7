//! Where outbound requests may go.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::FetchError;

/// The rules of a server.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// Hosts that the operator trusts wherever they are.
    pub(super) allow_hosts: Vec<String>,
    /// Whether this machine may be asked, and without TLS.
    pub(super) development: bool,
}

impl Rules {
    /// The URL, if it may be fetched as far as one can tell before its name is resolved.
    pub(super) fn check(&self, url: &str) -> Result<Url, FetchError> {
        let url = Url::parse(url).map_err(|_| FetchError::NotSecure)?;
        let host = url.host().ok_or(FetchError::NotSecure)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::NotSecure);
        }
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        let this_machine = address.map_or(host == Host::Domain("localhost"), |address| is_loopback(&address));
        match url.scheme() {
            "https" => {}
            "http" if self.development && this_machine => {}
            _ => return Err(FetchError::NotSecure),
        }
        // The connection to an address asks no resolver, so this is the only look at it.
        match address {
            Some(address) if !self.permits(&address.to_string(), address) => Err(FetchError::Unreachable),
            _ => Ok(url),
        }
    }

    /// Whether a connection may be made to `address`, which `host` was resolved to.
    pub(super) fn permits(&self, host: &str, address: IpAddr) -> bool {
        self.allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
            || is_public(address)
            || (self.development && is_loopback(&address))
    }
}

fn is_loopback(address: &IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether an address is one of the public internet, as far as the registries of special-purpose addresses say (RFC
/// 6890 and its successors).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    match first {
        // This network, private, loopback, multicast, reserved, broadcast.
        0 | 10 | 127 | 224.. => false,
        // Shared by the customers of a provider (RFC 6598).
        100 => !(64..=127).contains(&second),
        // Link-local: clouds serve credentials here.
        169 => second != 254,
        // Private.
        172 => !(16..=31).contains(&second),
        // Protocol assignments, documentation, relays for 6to4, private.
        192 => !matches!((second, third), (0, 0 | 2) | (88, 99) | (168, _)),
        // Benchmarks, documentation.
        198 => !matches!((second, third), (18 | 19, _) | (51, 100)),
        // Documentation.
        203 => (second, third) != (0, 113),
        _ => true,
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, .., high, low] = address.segments();
    match first {
        // Through a translator, to an IPv4 address (RFC 6052).
        0x64 => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            address.segments()[1..6] == [0xff9b, 0, 0, 0, 0] && is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Protocol assignments, with Teredo, and documentation.
        0x2001 => second >= 0x200 && second != 0xdb8,
        // 6to4: any IPv4 address can be inside.
        0x2002 => false,
        // Documentation (RFC 9637).
        0x3fff => second >= 0x1000,
        // Everything else that is global lies here: no loopback, link-local, unique local or multicast address does.
        _ => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(development: bool, allow_hosts: &[&str]) -> Rules {
        Rules { allow_hosts: allow_hosts.iter().map(|host| (*host).to_owned()).collect(), development }
    }

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_the_public_internet_are_public() {
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00::1",
        ] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn addresses_with_a_special_purpose_are_not_public() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "100::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_inside_of_an_ipv6_address_counts_as_what_it_is() {
        assert!(public("::ffff:1.1.1.1"));
        assert!(!public("::ffff:127.0.0.1"));
        assert!(!public("::ffff:169.254.169.254"));
        assert!(!public("::127.0.0.1"));
        assert!(public("64:ff9b::1.1.1.1"));
        assert!(!public("64:ff9b::10.0.0.1"));
        assert!(!public("64:ff9b:1::1.1.1.1"));
    }

    #[test]
    fn only_https_is_fetched() {
        let rules = rules(false, &[]);
        assert!(rules.check("https://a.example/sector.json").is_ok());
        for url in ["http://a.example/", "ftp://a.example/", "file:///etc/passwd", "data:,x", "a.example", ""]
        {
            assert_eq!(rules.check(url), Err(FetchError::NotSecure), "{url}");
        }
        assert_eq!(rules.check("https://user:password@a.example/"), Err(FetchError::NotSecure));
        assert_eq!(rules.check("http://localhost/"), Err(FetchError::NotSecure));
    }

    #[test]
    fn an_address_in_a_url_is_judged_however_it_is_written() {
        let rules = rules(false, &[]);
        assert!(rules.check("https://1.1.1.1/").is_ok());
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
        ] {
            assert_eq!(rules.check(url), Err(FetchError::Unreachable), "{url}");
        }
    }

    #[test]
    fn in_development_this_machine_may_be_asked_without_tls_and_no_other() {
        let rules = rules(true, &[]);
        for url in ["http://localhost:1/", "http://127.0.0.1/", "http://[::1]/", "https://127.0.0.1/"] {
            assert!(rules.check(url).is_ok(), "{url}");
        }
        assert_eq!(rules.check("http://a.example/"), Err(FetchError::NotSecure));
        assert_eq!(rules.check("https://10.0.0.1/"), Err(FetchError::Unreachable));
        assert!(rules.permits("a.example", Ipv4Addr::LOCALHOST.into()));
        assert!(!rules.permits("a.example", Ipv4Addr::new(10, 0, 0, 1).into()));
    }

    #[test]
    fn a_host_that_the_operator_allows_may_be_anywhere() {
        let rules = rules(false, &["suite.test", "10.0.0.1", "fd00::1"]);
        assert!(rules.permits("suite.test", Ipv4Addr::LOCALHOST.into()));
        assert!(rules.permits("SUITE.test", Ipv4Addr::new(10, 0, 0, 2).into()));
        assert!(!rules.permits("other.test", Ipv4Addr::LOCALHOST.into()));
        assert!(!rules.permits("x.suite.test", Ipv4Addr::LOCALHOST.into()));
        assert!(rules.check("https://10.0.0.1/").is_ok());
        assert!(rules.check("https://[fd00::1]/").is_ok());
        assert_eq!(rules.check("https://10.0.0.2/"), Err(FetchError::Unreachable));
        assert_eq!(rules.check("http://suite.test/"), Err(FetchError::NotSecure));
    }
}
