//! Keys that two sides agree on (RFC 7518 section 4.6).

use openssl::{
    derive::Deriver,
    error::ErrorStack,
    pkey::{HasPublic, PKeyRef, Private},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What goes into the derivation beside the agreed secret.
pub(crate) struct Derivation<'a> {
    /// The name of the algorithm that the derived key is for.
    pub(crate) id: &'a str,
    /// Agreement `PartyUInfo`.
    pub(crate) apu: &'a [u8],
    /// Agreement `PartyVInfo`.
    pub(crate) apv: &'a [u8],
    /// Bytes of the derived key.
    pub(crate) len: usize,
}

/// The secret of `len` bytes that the owner of `private` shares with the owner of `public`, a key of the same curve.
pub(crate) fn agree<T: HasPublic>(
    private: &PKeyRef<Private>,
    public: &PKeyRef<T>,
    len: usize,
) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut secret = Zeroizing::new(vec![0; len]);
    let mut deriver = Deriver::new(private)?;
    deriver.set_peer(public)?;
    let written = deriver.derive(&mut secret)?;
    assert_eq!(written, len, "the curve says how long the secret is");
    Ok(secret)
}

impl Derivation<'_> {
    /// The Concat KDF of NIST SP 800-56A section 5.8.1, with SHA-256.
    pub(crate) fn key(&self, secret: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(Vec::with_capacity(self.len.next_multiple_of(32)));
        for round in 1_u32.. {
            let mut hash = Sha256::new();
            hash.update(round.to_be_bytes());
            hash.update(secret);
            for part in [self.id.as_bytes(), self.apu, self.apv] {
                hash.update(length(part.len()));
                hash.update(part);
            }
            hash.update(length(self.len * 8));
            key.extend_from_slice(&Zeroizing::new(<[u8; 32]>::from(hash.finalize()))[..]);
            if key.len() >= self.len {
                break;
            }
        }
        key.truncate(self.len);
        key
    }
}

fn length(of: usize) -> [u8; 4] {
    u32::try_from(of).expect("tokens are far smaller than 4 GiB").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::curve::Curve;

    #[test]
    fn the_agreement_of_rfc_7518_appendix_c_gives_its_key() {
        let alice = json!({
            "kty": "EC", "crv": "P-256",
            "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
            "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
            "d": "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo",
        });
        let bob = json!({
            "kty": "EC", "crv": "P-256",
            "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
            "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
            "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
        });
        let pairs = [(&alice, &bob), (&bob, &alice)];
        for (own, other) in pairs {
            let own = Curve::P256.private_key(own.as_object().unwrap()).unwrap();
            let other = Curve::P256.public_key(other.as_object().unwrap()).unwrap();
            let secret = agree(&own, &other, 32).unwrap();
            let derivation = Derivation { id: "A128GCM", apu: b"Alice", apv: b"Bob", len: 16 };
            let key = derivation.key(&secret);
            assert_eq!(URL_SAFE_NO_PAD.encode(&*key), "VqqN6vgjbSBcIijNcacQGg");
        }
    }

    #[test]
    fn a_key_longer_than_the_hash_is_made_in_rounds_that_differ() {
        let derivation = Derivation { id: "A256CBC-HS512", apu: b"", apv: b"", len: 64 };
        let key = derivation.key(&[7; 32]);
        assert_eq!(key.len(), 64);
        assert_ne!(key[..32], key[32..]);
    }

    #[test]
    fn x25519_agrees_on_the_secret_of_rfc_7748_section_6_1() {
        // RFC 8037 appendix A.6 uses the same keys.
        let bob =
            json!({ "kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08" });
        let alice = json!({
            "kty": "OKP", "crv": "X25519",
            "x": "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo",
            "d": "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
        });
        let alice = Curve::X25519.private_key(alice.as_object().unwrap()).unwrap();
        let bob = Curve::X25519.public_key(bob.as_object().unwrap()).unwrap();
        let secret = agree(&alice, &bob, 32).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(&*secret), "Sl2dW6TOLeFyjjv0gDUPJeB-IclH0Z4zdvCbPB4WF0I");
    }
}
