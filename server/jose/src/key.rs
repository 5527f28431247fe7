//! Keys: public ones of a recipient, private ones of ours, and shared ones.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    bn::BigNum,
    pkey::{HasPublic, Id, PKey, Private, Public},
    rsa::{Rsa, RsaRef},
};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{Algorithm, Encryption, KeyError, algorithm::Method, curve::Curve};

/// The weakest RSA key (RFC 7518 section 4.3), and the largest: the work grows with the cube.
const RSA_BITS: std::ops::RangeInclusive<i32> = 2048..=8192;
/// The longest exponent of an RSA key, in bits; it is 17 bits long nearly everywhere.
const EXPONENT_BITS: i32 = 33;
/// The members of a JWK that nobody but its owner may see.
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// What a key is made of.
pub(crate) enum Material<T> {
    Rsa(PKey<T>),
    Curve(Curve, PKey<T>),
    Shared(Zeroizing<Vec<u8>>),
}

/// What the `alg` of a key names: an algorithm, or for `dir` the encryption (as in RFC 7520 section 5.6.1).
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Algorithm(Algorithm),
    Encryption(Encryption),
}

struct Key<T> {
    kid: Option<String>,
    /// The only algorithm that its owner uses it with.
    alg: Option<Purpose>,
    /// Whether its owner says that it is for encryption.
    marked: bool,
    material: Material<T>,
}

/// A key that encrypts: the public key of a recipient, or one that is shared with it.
pub struct EncryptionKey(Key<Public>);

/// A key that decrypts: private, or shared with the sender. Its content is never shown.
pub struct DecryptionKey(Key<Private>);

impl Purpose {
    fn named(name: &str) -> Result<Self, KeyError> {
        let algorithm = name.parse().map(Self::Algorithm);
        algorithm.or_else(|_| name.parse().map(Self::Encryption)).map_err(|_| KeyError::Unsupported)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Algorithm(alg) => alg.name(),
            Self::Encryption(enc) => enc.name(),
        }
    }

    fn covers(self, alg: Algorithm, enc: Encryption) -> bool {
        match self {
            Self::Algorithm(only) => only == alg,
            Self::Encryption(only) => alg == Algorithm::Dir && only == enc,
        }
    }
}

impl<T> Key<T> {
    /// Nothing but a key: no id, no algorithm.
    fn bare(kid: Option<&str>, material: Material<T>) -> Self {
        Self { kid: kid.map(str::to_owned), alg: None, marked: false, material }
    }

    /// What a JWK says about itself (RFC 7517 section 4), with what it is made of.
    fn described(jwk: &Map<String, Value>, material: Material<T>) -> Result<Self, KeyError> {
        let text = |name: &str| match jwk.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(KeyError::Malformed),
        };
        let usage = text("use")?;
        if usage.is_some_and(|usage| usage != "enc") || !allows_encryption(jwk)? {
            return Err(KeyError::WrongUse);
        }
        let alg = text("alg")?.map(Purpose::named).transpose()?;
        Ok(Self { kid: text("kid")?.map(str::to_owned), alg, marked: usage.is_some(), material })
    }

    fn fits(&self, alg: Algorithm, enc: Encryption) -> bool {
        self.alg.is_none_or(|only| only.covers(alg, enc))
            && match (&self.material, alg.method()) {
                (Material::Rsa(_), Method::Rsa(_)) | (Material::Curve(..), Method::Agreement { .. }) => true,
                (Material::Shared(bytes), _) => alg.shared_key_len(enc) == Some(bytes.len()),
                _ => false,
            }
    }

    fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name).field("kid", &self.kid).field("alg", &self.alg).finish_non_exhaustive()
    }
}

impl EncryptionKey {
    /// The public key in a JWK. It must not say that it is for something else (`use`, `key_ops`) nor hold a private key.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        if holds_a_secret(jwk) {
            return Err(KeyError::SecretPublished);
        }
        let material = if let Some(curve) = Curve::of_jwk(jwk) {
            Material::Curve(curve, curve.public_key(jwk)?)
        } else if is_rsa(jwk) {
            let rsa = Rsa::from_public_components(number(jwk, "n")?, number(jwk, "e")?)
                .map_err(|_| KeyError::Malformed)?;
            check_strength(&rsa)?;
            Material::Rsa(PKey::from_rsa(rsa).map_err(|_| KeyError::Malformed)?)
        } else {
            return Err(KeyError::Unsupported);
        };
        Key::described(jwk, material).map(Self)
    }

    /// A key that the recipient has too, for example one from a client secret ([`crate::secret_key`]).
    pub fn shared(kid: Option<&str>, key: Zeroizing<Vec<u8>>) -> Self {
        Self(Key::bare(kid, Material::Shared(key)))
    }

    /// Its id, which goes into the header of a token.
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// Whether it can be used with these algorithms.
    pub fn fits(&self, alg: Algorithm, enc: Encryption) -> bool {
        self.0.fits(alg, enc)
    }

    /// How plainly its owner says that it is for this algorithm; the highest is the best.
    pub(crate) fn preference(&self) -> u8 {
        2 * u8::from(self.0.alg.is_some()) + u8::from(self.0.marked)
    }

    pub(crate) fn material(&self) -> &Material<Public> {
        &self.0.material
    }
}

impl DecryptionKey {
    /// The private or symmetric key in a JWK. Its parts must belong together.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        let material = if let Some(curve) = Curve::of_jwk(jwk) {
            Material::Curve(curve, curve.private_key(jwk)?)
        } else if is_rsa(jwk) {
            let part = |name| number(jwk, name);
            let rsa = Rsa::from_private_components(
                part("n")?,
                part("e")?,
                part("d")?,
                part("p")?,
                part("q")?,
                part("dp")?,
                part("dq")?,
                part("qi")?,
            )
            .map_err(|_| KeyError::Malformed)?;
            Material::Rsa(checked(rsa)?)
        } else if jwk.get("kty").and_then(Value::as_str) == Some("oct") {
            Material::Shared(bytes(jwk, "k")?)
        } else {
            return Err(KeyError::Unsupported);
        };
        Key::described(jwk, material).map(Self)
    }

    /// The private key in a PEM document without a password, of RSA, of a curve of NIST, or X25519.
    pub fn from_pem(pem: &[u8], kid: Option<&str>) -> Result<Self, KeyError> {
        // Without this, OpenSSL would ask for the password of an encrypted document at the terminal.
        let key = PKey::private_key_from_pem_callback(pem, |_| Ok(0)).map_err(|_| KeyError::Malformed)?;
        Self::of(key, kid)
    }

    /// The private key in a PKCS#8 document, of RSA, of a curve of NIST, or X25519.
    pub fn from_pkcs8(der: &[u8], kid: Option<&str>) -> Result<Self, KeyError> {
        Self::of(PKey::private_key_from_pkcs8(der).map_err(|_| KeyError::Malformed)?, kid)
    }

    fn of(key: PKey<Private>, kid: Option<&str>) -> Result<Self, KeyError> {
        let material = match key.id() {
            Id::RSA => Material::Rsa(checked(key.rsa().map_err(|_| KeyError::Malformed)?)?),
            Id::EC | Id::X25519 => {
                let curve = Curve::of_key(&key).ok_or(KeyError::Unsupported)?;
                Material::Curve(curve, key)
            }
            _ => return Err(KeyError::Unsupported),
        };
        Ok(Self(Key::bare(kid, material)))
    }

    /// A key that the sender has too, for example one from a client secret ([`crate::secret_key`]).
    pub fn shared(kid: Option<&str>, key: Zeroizing<Vec<u8>>) -> Self {
        Self(Key::bare(kid, Material::Shared(key)))
    }

    /// Its id.
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// Whether it can be used with these algorithms.
    pub fn fits(&self, alg: Algorithm, enc: Encryption) -> bool {
        self.0.fits(alg, enc)
    }

    /// Its public half as a JWK for a published key set; none for a shared key.
    pub fn public_jwk(&self) -> Option<Map<String, Value>> {
        let mut jwk = match &self.0.material {
            Material::Shared(_) => return None,
            Material::Curve(curve, key) => curve.public_jwk(key).ok()?,
            Material::Rsa(key) => {
                let rsa = key.rsa().ok()?;
                let text = |number: &openssl::bn::BigNumRef| URL_SAFE_NO_PAD.encode(number.to_vec()).into();
                Map::from_iter([
                    ("kty".to_owned(), "RSA".into()),
                    ("n".to_owned(), text(rsa.n())),
                    ("e".to_owned(), text(rsa.e())),
                ])
            }
        };
        jwk.insert("use".to_owned(), "enc".into());
        if let Some(kid) = self.kid() {
            jwk.insert("kid".to_owned(), kid.into());
        }
        if let Some(alg) = self.0.alg {
            jwk.insert("alg".to_owned(), alg.name().into());
        }
        Some(jwk)
    }

    pub(crate) fn material(&self) -> &Material<Private> {
        &self.0.material
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show("EncryptionKey", f)
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show("DecryptionKey", f)
    }
}

/// Whether a JWK has a member that only its owner may see.
pub(crate) fn holds_a_secret(jwk: &Map<String, Value>) -> bool {
    SECRET_MEMBERS.iter().any(|member| jwk.contains_key(*member))
}

/// Whether `key_ops`, if it is there, has an operation of encryption (RFC 7517 section 4.3).
fn allows_encryption(jwk: &Map<String, Value>) -> Result<bool, KeyError> {
    const OPERATIONS: [&str; 6] = ["encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"];
    match jwk.get("key_ops") {
        None => Ok(true),
        Some(Value::Array(list)) => {
            Ok(list.iter().filter_map(Value::as_str).any(|operation| OPERATIONS.contains(&operation)))
        }
        Some(_) => Err(KeyError::Malformed),
    }
}

fn is_rsa(jwk: &Map<String, Value>) -> bool {
    jwk.get("kty").and_then(Value::as_str) == Some("RSA") && !jwk.contains_key("oth")
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or(KeyError::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new).map_err(|_| KeyError::Malformed)
}

fn number(jwk: &Map<String, Value>, name: &str) -> Result<BigNum, KeyError> {
    BigNum::from_slice(&bytes(jwk, name)?).map_err(|_| KeyError::Malformed)
}

fn check_strength<T: HasPublic>(rsa: &RsaRef<T>) -> Result<(), KeyError> {
    // An exponent of one would not encrypt at all.
    let sound = rsa.e().is_bit_set(0) && (2..=EXPONENT_BITS).contains(&rsa.e().num_bits());
    if sound && RSA_BITS.contains(&rsa.n().num_bits()) { Ok(()) } else { Err(KeyError::Strength) }
}

fn checked(rsa: Rsa<Private>) -> Result<PKey<Private>, KeyError> {
    check_strength(&rsa)?;
    if !rsa.check_key().is_ok_and(|sound| sound) {
        return Err(KeyError::Malformed);
    }
    PKey::from_rsa(rsa).map_err(|_| KeyError::Malformed)
}
