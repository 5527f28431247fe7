//! What trusted proxies say of those behind them: their address (`X-Forwarded-For`) and their certificate (RFC 9440).

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use openssl::x509::X509;

use crate::{
    client::{ClientCertificate, certificate::whole},
    config::{CertificateEncoding, Config},
};

/// Certificates between that of a client and its authority, at most.
const MAX_CHAIN: usize = 10;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The proxies that are believed.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    trusted: Vec<IpAddr>,
    headers: Option<CertificateHeaders>,
}

#[derive(Debug)]
struct CertificateHeaders {
    certificate: HeaderName,
    encoding: CertificateEncoding,
    chain: Option<HeaderName>,
}

/// A trusted proxy says something of a certificate that cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) String);

impl Proxies {
    pub(super) fn of(config: &Config) -> Self {
        let name = |name: &Option<String>| name.as_ref().and_then(|name| HeaderName::try_from(name).ok());
        let proxy = &config.mtls.proxy;
        let headers = name(&proxy.header).map(|certificate| CertificateHeaders {
            certificate,
            encoding: proxy.encoding,
            chain: name(&proxy.chain_header),
        });
        Self { trusted: config.trusted_proxies.clone(), headers }
    }

    /// Those that are believed about addresses alone: certificates are those of the connections.
    pub(super) fn without_certificates(config: &Config) -> Self {
        Self { trusted: config.trusted_proxies.clone(), headers: None }
    }

    /// Whether a peer speaks for others.
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted.contains(&peer)
    }

    /// The address of the client: what the nearest proxy that is not trusted says of its peer.
    pub(super) fn address(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        if !self.trusted.contains(&peer) {
            return peer;
        }
        let lines: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("")).collect();
        let mut nearest = peer;
        // From the right: what stands left of a hop that is not trusted, or not readable, anybody may have written.
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            match hop.trim().parse() {
                Ok(address) if self.trusted.contains(&address) => nearest = address,
                Ok(address) => return address,
                Err(_) => return nearest,
            }
        }
        nearest
    }

    /// The certificate of the client. The headers about it are taken out of the request, whoever sent them, so that
    /// nobody reads them who does not know the peer. A trusted proxy alone says which certificate it is: that of the
    /// connection is its own.
    pub(super) fn certificate(
        &self,
        headers: &mut HeaderMap,
        peer: IpAddr,
        shown: Option<ClientCertificate>,
    ) -> Result<Option<ClientCertificate>, Malformed> {
        let Some(rules) = &self.headers else { return Ok(shown) };
        let certificate = take(headers, &rules.certificate);
        let chain = rules.chain.as_ref().map(|name| take(headers, name)).unwrap_or_default();
        if self.trusted.contains(&peer) { rules.read(&certificate, &chain) } else { Ok(shown) }
    }
}

fn take(headers: &mut HeaderMap, name: &HeaderName) -> Vec<HeaderValue> {
    let taken = headers.get_all(name).iter().cloned().collect();
    headers.remove(name);
    taken
}

impl CertificateHeaders {
    fn read(
        &self,
        certificate: &[HeaderValue],
        chain: &[HeaderValue],
    ) -> Result<Option<ClientCertificate>, Malformed> {
        let malformed = |name: &HeaderName| Malformed(format!("header `{name}` of the proxy is malformed"));
        let value = match certificate {
            [] if chain.is_empty() => return Ok(None),
            [value] => value.to_str().map_err(|_| malformed(&self.certificate))?,
            [] => return Err(Malformed(format!("the proxy sent no header `{}`", self.certificate))),
            _ => return Err(Malformed(format!("header `{}` of the proxy is repeated", self.certificate))),
        };
        let certificate = match self.encoding {
            CertificateEncoding::Rfc9440 => binary(value),
            CertificateEncoding::EscapedPem => escaped_pem(value),
        };
        let certificate = certificate.ok_or_else(|| malformed(&self.certificate))?;
        let chain = match &self.chain {
            Some(name) => links(chain).ok_or_else(|| malformed(name))?,
            None => Vec::new(),
        };
        ClientCertificate::new(certificate, chain).map(Some).map_err(|_| malformed(&self.certificate))
    }
}

/// A binary item (RFC 8941 section 3.3.5) that is a certificate.
fn binary(value: &str) -> Option<X509> {
    let base64 = value.trim_matches(' ').strip_prefix(':')?.strip_suffix(':')?;
    whole(&STANDARD.decode(base64).ok()?)
}

/// A list of them, over any number of headers (RFC 8941 section 3.1).
fn links(values: &[HeaderValue]) -> Option<Vec<X509>> {
    let mut links = Vec::new();
    for value in values {
        for member in value.to_str().ok()?.split(',') {
            links.push(binary(member.trim_matches([' ', '\t']))?);
        }
    }
    (links.len() <= MAX_CHAIN).then_some(links)
}

/// One certificate in PEM, percent-encoded. A plus sign is one: it belongs to the base64.
fn escaped_pem(value: &str) -> Option<X509> {
    let mut pem = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits =
                std::str::from_utf8(&digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            pem.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            pem.push(byte);
        }
    }
    let text = std::str::from_utf8(&pem).ok()?.trim();
    let inner = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let base64: String = inner.split_ascii_whitespace().collect();
    whole(&STANDARD.decode(base64).ok()?)
}
