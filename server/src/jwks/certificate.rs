//! Keys of clients that authenticate by certificates which nobody vouches for (RFC 8705 section 2.2).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::pkey::{PKey, Public};
use serde_json::{Map, Value};

use super::{KeySet, material};
use crate::client::ClientCertificate;

/// What a key of a set says of the certificates of its owner.
pub(super) enum Registered {
    /// This certificate and no other (`x5c`, RFC 7517 section 4.7).
    Certificate(Vec<u8>),
    /// Any certificate with this key.
    Key(PKey<Public>),
}

impl Registered {
    /// Reads a key. One with an `x5c` that is malformed says nothing.
    pub(super) fn in_key(jwk: &Map<String, Value>) -> Option<Self> {
        if jwk.get("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        let Some(chain) = jwk.get("x5c") else {
            let (_, _, der) = material(jwk)?;
            return PKey::public_key_from_der(&der).ok().map(Self::Key);
        };
        STANDARD.decode(chain.as_array()?.first()?.as_str()?).ok().map(Self::Certificate)
    }
}

impl KeySet {
    /// Whether the owner of these keys registered this certificate, or its key.
    pub fn holds(&self, certificate: &ClientCertificate) -> bool {
        let key = certificate.x509().public_key().ok();
        self.registered.iter().any(|registered| match registered {
            Registered::Certificate(der) => der == certificate.der(),
            Registered::Key(registered) => key.as_ref().is_some_and(|key| key.public_eq(registered)),
        })
    }
}
