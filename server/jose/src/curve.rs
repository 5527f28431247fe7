//! The curves of ECDH-ES, and their keys as JWKs (RFC 7518 section 6.2, RFC 8037).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    bn::{BigNum, BigNumContext},
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    nid::Nid,
    pkey::{HasPublic, Id, PKey, PKeyRef, Private, Public},
};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::KeyError;

/// A curve that keys are agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
    X25519,
}

impl Curve {
    const ALL: [Self; 4] = [Self::P256, Self::P384, Self::P521, Self::X25519];

    const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::X25519 => "X25519",
        }
    }

    const fn key_type(self) -> &'static str {
        if matches!(self, Self::X25519) { "OKP" } else { "EC" }
    }

    /// Bytes of a coordinate, of a private key, and of what two keys agree on.
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::P256 | Self::X25519 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// `OpenSSL`'s name; none for X25519, which is a kind of key of its own there.
    const fn nid(self) -> Option<Nid> {
        match self {
            Self::P256 => Some(Nid::X9_62_PRIME256V1),
            Self::P384 => Some(Nid::SECP384R1),
            Self::P521 => Some(Nid::SECP521R1),
            Self::X25519 => None,
        }
    }

    /// The curve that a JWK names.
    pub(crate) fn of_jwk(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        Self::ALL
            .into_iter()
            .find(|curve| text("kty") == Some(curve.key_type()) && text("crv") == Some(curve.name()))
    }

    /// The curve of a key of `OpenSSL`.
    pub(crate) fn of_key<T: HasPublic>(key: &PKeyRef<T>) -> Option<Self> {
        if key.id() == Id::X25519 {
            return Some(Self::X25519);
        }
        let nid = key.ec_key().ok()?.group().curve_name()?;
        Self::ALL.into_iter().find(|curve| curve.nid() == Some(nid))
    }

    /// A member with exactly as many bytes as the curve has.
    fn member(self, jwk: &Map<String, Value>, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        jwk.get(name)
            .and_then(Value::as_str)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .map(Zeroizing::new)
            .filter(|bytes| bytes.len() == self.len())
            .ok_or(KeyError::Malformed)
    }

    /// The public key in a JWK of this curve. A point that is not on the curve is refused: agreeing on a key with one
    /// would give the private key away.
    pub(crate) fn public_key(self, jwk: &Map<String, Value>) -> Result<PKey<Public>, KeyError> {
        if Self::of_jwk(jwk) != Some(self) {
            return Err(KeyError::Malformed);
        }
        let x = self.member(jwk, "x")?;
        let read = || match self.nid() {
            None => PKey::public_key_from_raw_bytes(&x, Id::X25519).map_err(|_| KeyError::Malformed),
            Some(nid) => {
                let y = self.member(jwk, "y")?;
                point(nid, &x, &y).and_then(PKey::from_ec_key).map_err(|_| KeyError::Malformed)
            }
        };
        read()
    }

    /// The private key in a JWK of this curve, whose public half must belong to it.
    pub(crate) fn private_key(self, jwk: &Map<String, Value>) -> Result<PKey<Private>, KeyError> {
        let public = self.public_key(jwk)?;
        let d = self.member(jwk, "d")?;
        let key = match self.nid() {
            None => PKey::private_key_from_raw_bytes(&d, Id::X25519),
            Some(nid) => private_point(nid, &d, &public),
        }
        .map_err(|_| KeyError::Malformed)?;
        if key.public_eq(&public) { Ok(key) } else { Err(KeyError::Malformed) }
    }

    /// A new key pair, from `OpenSSL`'s own generator.
    pub(crate) fn generate(self) -> Result<PKey<Private>, ErrorStack> {
        match self.nid() {
            None => PKey::generate_x25519(),
            Some(nid) => PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(nid)?)?),
        }
    }

    /// The public half of a key of this curve as a JWK.
    pub(crate) fn public_jwk<T: HasPublic>(self, key: &PKeyRef<T>) -> Result<Map<String, Value>, ErrorStack> {
        let text = |bytes: &[u8]| Value::from(URL_SAFE_NO_PAD.encode(bytes));
        let mut jwk = Map::new();
        jwk.insert("kty".to_owned(), self.key_type().into());
        jwk.insert("crv".to_owned(), self.name().into());
        if self == Self::X25519 {
            jwk.insert("x".to_owned(), text(&key.raw_public_key()?));
        } else {
            let key = key.ec_key()?;
            let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
            let mut context = BigNumContext::new()?;
            key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context)?;
            let len = i32::try_from(self.len()).expect("a coordinate is short");
            jwk.insert("x".to_owned(), text(&x.to_vec_padded(len)?));
            jwk.insert("y".to_owned(), text(&y.to_vec_padded(len)?));
        }
        Ok(jwk)
    }
}

fn point(nid: Nid, x: &[u8], y: &[u8]) -> Result<EcKey<Public>, ErrorStack> {
    let group = EcGroup::from_curve_name(nid)?;
    let (x, y) = (BigNum::from_slice(x)?, BigNum::from_slice(y)?);
    let key = EcKey::from_public_key_affine_coordinates(&group, &x, &y)?;
    key.check_key()?;
    Ok(key)
}

fn private_point(nid: Nid, d: &[u8], public: &PKeyRef<Public>) -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(nid)?;
    let public = public.ec_key()?;
    let d = BigNum::from_slice(d)?;
    let key = EcKey::from_private_components(&group, &d, public.public_key())?;
    key.check_key()?;
    PKey::from_ec_key(key)
}
