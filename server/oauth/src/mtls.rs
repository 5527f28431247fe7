//! What of a certificate names a client (RFC 8705 section 2.1.2).

use std::net::IpAddr;

use crate::{client::ClientMetadata, dn::DistinguishedName, uri::AbsoluteUri};

/// The metadata members that say it.
pub const MEMBERS: [&str; 5] = [
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
];

/// What the certificate of a client with `tls_client_auth` must say.
#[derive(Clone, Debug)]
pub enum CertificateSubject {
    /// Its subject is this.
    Name(DistinguishedName),
    /// It has this DNS name.
    Dns(String),
    /// It has this URI.
    Uri(String),
    /// It has this address.
    Ip(IpAddr),
    /// It has this email address.
    Email(String),
}

/// What a certificate says.
#[derive(Clone, Debug, Default)]
pub struct CertificateNames {
    /// Its subject.
    pub subject: Option<DistinguishedName>,
    /// The DNS names among its alternative names.
    pub dns: Vec<String>,
    /// The URIs.
    pub uris: Vec<String>,
    /// The addresses, as their bytes.
    pub ips: Vec<Vec<u8>>,
    /// The email addresses.
    pub emails: Vec<String>,
}

impl CertificateSubject {
    /// What the client registered; none without any of the members.
    ///
    /// # Errors
    ///
    /// The member that is wrong, and why: more than one of them, or a malformed value.
    pub fn registered(metadata: &ClientMetadata) -> Result<Option<Self>, (&'static str, String)> {
        let values = [
            &metadata.tls_client_auth_subject_dn,
            &metadata.tls_client_auth_san_dns,
            &metadata.tls_client_auth_san_uri,
            &metadata.tls_client_auth_san_ip,
            &metadata.tls_client_auth_san_email,
        ];
        let mut given =
            MEMBERS.into_iter().zip(values).filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let Some((member, value)) = given.next() else { return Ok(None) };
        if let Some((another, _)) = given.next() {
            return Err((another, format!("must not be given together with `{member}`")));
        }
        let malformed = |reason: &str| (member, reason.to_owned());
        let subject = match member {
            "tls_client_auth_subject_dn" => Self::Name(DistinguishedName::parse(value).map_err(malformed)?),
            "tls_client_auth_san_dns" if is_host(value) => Self::Dns(value.clone()),
            "tls_client_auth_san_dns" => return Err(malformed("must be the name of a host")),
            "tls_client_auth_san_uri" if AbsoluteUri::parse(value).is_ok() => Self::Uri(value.clone()),
            "tls_client_auth_san_uri" => return Err(malformed("must be an absolute URI")),
            "tls_client_auth_san_ip" => {
                Self::Ip(value.parse().map_err(|_| malformed("must be an IPv4 or IPv6 address"))?)
            }
            _ if is_email(value) => Self::Email(value.clone()),
            _ => return Err(malformed("must be an email address")),
        };
        Ok(Some(subject))
    }

    /// Whether a certificate says it. Nothing is a pattern: a name with a star is only that name.
    pub fn is_in(&self, names: &CertificateNames) -> bool {
        match self {
            Self::Name(name) => names.subject.as_ref().is_some_and(|subject| subject.matches(name)),
            Self::Dns(name) => names.dns.iter().any(|other| other.eq_ignore_ascii_case(name)),
            Self::Uri(uri) => names.uris.contains(uri),
            Self::Ip(IpAddr::V4(address)) => names.ips.iter().any(|bytes| bytes[..] == address.octets()),
            Self::Ip(IpAddr::V6(address)) => names.ips.iter().any(|bytes| bytes[..] == address.octets()),
            Self::Email(address) => names.emails.iter().any(|other| is_same_email(address, other)),
        }
    }
}

fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_email(address: &str) -> bool {
    let printable = address.bytes().all(|byte| byte.is_ascii_graphic());
    printable && address.rsplit_once('@').is_some_and(|(local, host)| !local.is_empty() && is_host(host))
}

/// RFC 5280 section 7.5: case counts in front of the at sign only.
fn is_same_email(a: &str, b: &str) -> bool {
    match (a.rsplit_once('@'), b.rsplit_once('@')) {
        (Some((a, host_of_a)), Some((b, host_of_b))) => a == b && host_of_a.eq_ignore_ascii_case(host_of_b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(member: &str, value: &str) -> Result<CertificateSubject, (&'static str, String)> {
        let metadata = serde_json::json!({ member: value });
        let metadata = ClientMetadata::from_json(metadata.as_object().unwrap().clone()).unwrap();
        CertificateSubject::registered(&metadata).map(Option::unwrap)
    }

    fn names() -> CertificateNames {
        let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        CertificateNames {
            subject: DistinguishedName::parse("CN=app,O=Acme").ok(),
            dns: list(&["App.example", "*.wild.example"]),
            uris: list(&["https://app.example/a"]),
            ips: vec![vec![192, 0, 2, 1], [[0x20, 0x01, 0x0d, 0xb8].as_slice(), &[0; 11], &[1]].concat()],
            emails: list(&["App@Example.com"]),
        }
    }

    #[test]
    fn each_kind_of_name_is_found_where_it_belongs() {
        for (member, value) in [
            ("tls_client_auth_subject_dn", "cn=app,o=acme"),
            ("tls_client_auth_san_dns", "app.example"),
            ("tls_client_auth_san_uri", "https://app.example/a"),
            ("tls_client_auth_san_ip", "192.0.2.1"),
            ("tls_client_auth_san_ip", "2001:db8::1"),
            ("tls_client_auth_san_ip", "2001:0DB8:0:0::1"),
            ("tls_client_auth_san_email", "App@example.COM"),
        ] {
            assert!(registered(member, value).unwrap().is_in(&names()), "{member} {value}");
        }
        for (member, value) in [
            ("tls_client_auth_subject_dn", "cn=app"),
            ("tls_client_auth_san_dns", "app"),
            ("tls_client_auth_san_dns", "sub.app.example"),
            ("tls_client_auth_san_dns", "x.wild.example"),
            ("tls_client_auth_san_dns", "192.0.2.1"),
            ("tls_client_auth_san_uri", "https://app.example/A"),
            ("tls_client_auth_san_uri", "https://app.example/"),
            ("tls_client_auth_san_ip", "192.0.2.2"),
            ("tls_client_auth_san_ip", "::ffff:192.0.2.1"),
            ("tls_client_auth_san_email", "app@example.com"),
        ] {
            assert!(!registered(member, value).unwrap().is_in(&names()), "{member} {value}");
        }
        assert!(
            !registered("tls_client_auth_subject_dn", "cn=app").unwrap().is_in(&CertificateNames::default())
        );
    }

    #[test]
    fn malformed_values_are_refused() {
        for (member, value) in [
            ("tls_client_auth_subject_dn", ""),
            ("tls_client_auth_subject_dn", "app"),
            ("tls_client_auth_san_dns", ""),
            ("tls_client_auth_san_dns", "*.app.example"),
            ("tls_client_auth_san_dns", "app..example"),
            ("tls_client_auth_san_dns", "app example"),
            ("tls_client_auth_san_uri", "/relative"),
            ("tls_client_auth_san_ip", "192.0.2.1/24"),
            ("tls_client_auth_san_ip", "192.0.2"),
            ("tls_client_auth_san_email", "app"),
            ("tls_client_auth_san_email", "@example.com"),
            ("tls_client_auth_san_email", "a b@example.com"),
        ] {
            assert_eq!(registered(member, value).unwrap_err().0, member, "{value}");
        }
    }

    #[test]
    fn only_one_can_be_registered() {
        let metadata = ClientMetadata {
            tls_client_auth_san_dns: Some("app.example".to_owned()),
            tls_client_auth_san_ip: Some("192.0.2.1".to_owned()),
            ..ClientMetadata::default()
        };
        assert_eq!(CertificateSubject::registered(&metadata).unwrap_err().0, "tls_client_auth_san_ip");
        assert!(CertificateSubject::registered(&ClientMetadata::default()).unwrap().is_none());
    }
}
