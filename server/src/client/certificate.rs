//! The certificate of a caller (RFC 8705).

mod authorities;
mod prove;

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    asn1::Asn1Time,
    error::ErrorStack,
    x509::{X509, X509Ref},
};
use placet_oauth::{dn::DistinguishedName, mtls::CertificateNames};
use sha2::{Digest as _, Sha256};

pub use authorities::Authorities;
pub(super) use prove::prove;

/// A certificate whose private key the caller has: the listener saw the proof, or a trusted proxy says that it did.
/// Whose it is, whether anybody vouches for it and whether its time has come is not checked yet. Cheap to clone.
#[derive(Clone)]
pub struct ClientCertificate(Arc<Inner>);

struct Inner {
    certificate: X509,
    der: Vec<u8>,
    digest: [u8; 32],
    thumbprint: String,
    chain: Vec<X509>,
}

impl ClientCertificate {
    /// The certificate, with what was sent along to link it to an authority.
    ///
    /// # Errors
    ///
    /// It cannot be encoded.
    pub fn new(certificate: X509, chain: Vec<X509>) -> Result<Self, ErrorStack> {
        let der = certificate.to_der()?;
        let digest: [u8; 32] = Sha256::digest(&der).into();
        let thumbprint = URL_SAFE_NO_PAD.encode(digest);
        Ok(Self(Arc::new(Inner { certificate, der, digest, thumbprint, chain })))
    }

    /// The certificate in this DER, and nothing behind it.
    pub fn from_der(der: &[u8], chain: Vec<X509>) -> Option<Self> {
        Self::new(whole(der)?, chain).ok()
    }

    /// The certificate as it was sent.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The certificate, parsed.
    pub fn x509(&self) -> &X509Ref {
        &self.0.certificate
    }

    /// What was sent along to link it to an authority.
    pub fn chain(&self) -> &[X509] {
        &self.0.chain
    }

    /// Its subject; none if it cannot be read.
    pub fn subject(&self) -> Option<DistinguishedName> {
        DistinguishedName::from_der(&self.0.certificate.subject_name().to_der().ok()?)
    }

    /// Its subject and its alternative names (RFC 5280 sections 4.1.2.6 and 4.2.1.6).
    pub fn names(&self) -> CertificateNames {
        let mut names = CertificateNames { subject: self.subject(), ..CertificateNames::default() };
        for name in self.0.certificate.subject_alt_names().into_iter().flatten() {
            names.dns.extend(name.dnsname().map(str::to_owned));
            names.uris.extend(name.uri().map(str::to_owned));
            names.ips.extend(name.ipaddress().map(<[u8]>::to_vec));
            names.emails.extend(name.email().map(str::to_owned));
        }
        // Names that cannot be read are none, and leave an error behind.
        drop(ErrorStack::get());
        names
    }

    /// Whether its time has come and is not over at `now`, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// OpenSSL cannot compare the times.
    pub fn is_timely(&self, now: i64) -> Result<bool, ErrorStack> {
        let now = Asn1Time::from_unix(now)?;
        // Over at its last instant, as OpenSSL has it for those that are vouched for.
        Ok(self.0.certificate.not_before() <= now && self.0.certificate.not_after() > now)
    }

    /// The SHA-256 digest of its DER.
    pub fn digest(&self) -> [u8; 32] {
        self.0.digest
    }

    /// Its SHA-256 thumbprint in base64url: `x5t#S256` (RFC 8705 section 3.1).
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientCertificate").field(&self.0.thumbprint).finish()
    }
}

/// The certificate in this DER; none if there is more in it, which OpenSSL would leave unread.
pub fn whole(der: &[u8]) -> Option<X509> {
    let certificate = X509::from_der(der).ok()?;
    (certificate.to_der().ok()? == der).then_some(certificate)
}
