//! A key that verifies signatures.

use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKey, PKeyRef, Private, Public},
    x509::{X509, X509Builder, X509NameBuilder},
};

/// RSA keys below are broken, or will be.
const SHORTEST_RSA: u32 = 2048;
/// RSA keys above cost too much.
const LONGEST_RSA: u32 = 8192;
/// Curves that are taken.
const CURVES: [Nid; 3] = [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1];

/// A public key of an issuer.
///
/// It is held in a certificate, since that is what `samael` takes. The certificate is a container: the operator vouches
/// for the key, so neither its dates nor its signature count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    kind: KeyKind,
    certificate: Vec<u8>,
}

/// What signatures a key verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSASSA-PKCS1-v1.5.
    Rsa,
    /// ECDSA.
    Ec,
}

/// What is wrong with a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is not what it should be.
    #[error("there is no PEM or DER of the expected kind")]
    Unreadable(#[from] ErrorStack),
    /// No signature algorithm that is taken uses it.
    #[error("a key is RSA with 2048 to 8192 bits, or EC on P-256, P-384 or P-521")]
    NotTaken,
}

impl Key {
    /// The keys of one or several certificates in PEM.
    pub fn from_certificates_pem(pem: &[u8]) -> Result<Vec<Self>, KeyError> {
        X509::stack_from_pem(pem)?.iter().map(|certificate| Self::new(&*certificate.public_key()?)).collect()
    }

    /// The key of a certificate in DER.
    pub fn from_certificate_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::new(&*X509::from_der(der)?.public_key()?)
    }

    /// A public key in PEM (`SubjectPublicKeyInfo`).
    pub fn from_public_key_pem(pem: &[u8]) -> Result<Self, KeyError> {
        Self::new(&*PKey::public_key_from_pem(pem)?)
    }

    /// A public key.
    pub fn new(key: &PKeyRef<Public>) -> Result<Self, KeyError> {
        let kind = match key.id() {
            Id::RSA if (SHORTEST_RSA..=LONGEST_RSA).contains(&key.bits()) => KeyKind::Rsa,
            Id::EC if key.ec_key()?.group().curve_name().is_some_and(|name| CURVES.contains(&name)) => {
                KeyKind::Ec
            }
            _ => return Err(KeyError::NotTaken),
        };
        Ok(Self { kind, certificate: contain(key)? })
    }

    /// What signatures it verifies.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The certificate that holds it, in DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }
}

/// A certificate with this key, signed by a key that is thrown away.
fn contain(key: &PKeyRef<Public>) -> Result<Vec<u8>, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, "container")?;
    let name = name.build();
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::from_unix(0)?)?;
    builder.set_not_after(&*Asn1Time::from_str("99991231235959Z")?)?;
    let thrown_away: PKey<Private> =
        PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)?;
    builder.sign(&thrown_away, MessageDigest::sha256())?;
    builder.build().to_der()
}
