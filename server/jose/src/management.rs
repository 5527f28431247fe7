//! How the content encryption key travels (RFC 7518 section 4).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    Algorithm, DecryptionKey, EncryptError, Encryption, Members, Random, Recipient,
    agreement::{Derivation, agree},
    algorithm::Method,
    content::{self, Sealed},
    key::Material,
    wrap,
};

/// A content encryption key on its way to the recipient.
pub(crate) struct Sent {
    /// The key itself.
    pub(crate) cek: Zeroizing<Vec<u8>>,
    /// The second part of the token; empty where the key is agreed on or shared.
    pub(crate) encrypted: Vec<u8>,
}

/// Makes a content encryption key, and adds to `header` what the recipient needs to get at it.
pub(crate) fn send(
    recipient: &Recipient<'_>,
    members: &Members<'_>,
    header: &mut Map<String, Value>,
    random: &mut Random<'_>,
) -> Result<Sent, EncryptError> {
    let (alg, enc) = (recipient.alg(), recipient.enc());
    let mut fresh = |len: usize| {
        let mut bytes = Zeroizing::new(vec![0; len]);
        random(&mut bytes).map(|()| bytes)
    };
    Ok(match (recipient.key().material(), alg.method()) {
        (Material::Rsa(key), Method::Rsa(hash)) => {
            let cek = fresh(enc.key_len())?;
            let encrypted = wrap::encrypt(key, hash(), &cek)?;
            Sent { cek, encrypted }
        }
        (Material::Curve(curve, key), Method::Agreement { wrap: size }) => {
            let ephemeral = curve.generate()?;
            header.insert("epk".to_owned(), curve.public_jwk(&ephemeral)?.into());
            for (name, party) in [("apu", members.apu), ("apv", members.apv)] {
                if let Some(party) = party {
                    header.insert(name.to_owned(), URL_SAFE_NO_PAD.encode(party).into());
                }
            }
            let secret = agree(&ephemeral, key, curve.len())?;
            let apu = members.apu.unwrap_or_default();
            let derived = derivation(alg, enc, apu, members.apv.unwrap_or_default()).key(&secret);
            if size.is_some() {
                let cek = fresh(enc.key_len())?;
                let encrypted = wrap::wrap(&derived, &cek)?;
                Sent { cek, encrypted }
            } else {
                Sent { cek: derived, encrypted: Vec::new() }
            }
        }
        (Material::Shared(key), Method::Wrap(_)) => {
            let cek = fresh(enc.key_len())?;
            let encrypted = wrap::wrap(key, &cek)?;
            Sent { cek, encrypted }
        }
        (Material::Shared(key), Method::GcmWrap(_)) => {
            let cek = fresh(enc.key_len())?;
            let gcm = gcm(key);
            let sealed = content::seal(gcm, key, fresh(gcm.iv_len())?.to_vec(), b"", &cek)?;
            header.insert("iv".to_owned(), URL_SAFE_NO_PAD.encode(sealed.iv).into());
            header.insert("tag".to_owned(), URL_SAFE_NO_PAD.encode(sealed.tag).into());
            Sent { cek, encrypted: sealed.ciphertext }
        }
        (Material::Shared(key), Method::Direct) => Sent { cek: key.clone(), encrypted: Vec::new() },
        _ => return Err(EncryptError::KeyDoesNotFit(alg)),
    })
}

/// The content encryption key that a token brings along, or none if anything about it is wrong.
pub(crate) fn receive(
    key: &DecryptionKey,
    (alg, enc): (Algorithm, Encryption),
    header: &Map<String, Value>,
    encrypted: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let len = enc.key_len();
    match (key.material(), alg.method()) {
        (Material::Rsa(key), Method::Rsa(hash)) => wrap::decrypt(key, hash(), encrypted, len),
        (Material::Curve(curve, key), Method::Agreement { wrap: size }) => {
            // Its curve must be that of the key, and the point on it.
            let ephemeral = curve.public_key(header.get("epk")?.as_object()?).ok()?;
            let secret = agree(key, &ephemeral, curve.len()).ok()?;
            let (apu, apv) = (party(header, "apu")?, party(header, "apv")?);
            let derived = derivation(alg, enc, &apu, &apv).key(&secret);
            match size {
                Some(_) => wrap::unwrap(&derived, encrypted, len),
                None => encrypted.is_empty().then_some(derived),
            }
        }
        (Material::Shared(key), Method::Wrap(_)) => wrap::unwrap(key, encrypted, len),
        (Material::Shared(key), Method::GcmWrap(_)) => {
            let member = |name: &str| URL_SAFE_NO_PAD.decode(header.get(name)?.as_str()?).ok();
            let sealed = Sealed { iv: member("iv")?, ciphertext: encrypted.to_vec(), tag: member("tag")? };
            content::open(gcm(key), key, &sealed, b"").filter(|cek| cek.len() == len)
        }
        (Material::Shared(key), Method::Direct) => encrypted.is_empty().then(|| key.clone()),
        _ => None,
    }
}

/// How the agreed secret becomes a key: for the content, or for wrapping the key of the content.
fn derivation<'a>(alg: Algorithm, enc: Encryption, apu: &'a [u8], apv: &'a [u8]) -> Derivation<'a> {
    match alg.method() {
        Method::Agreement { wrap: Some(len) } => Derivation { id: alg.name(), apu, apv, len },
        _ => Derivation { id: enc.name(), apu, apv, len: enc.key_len() },
    }
}

/// GCM with a key of this size.
fn gcm(key: &[u8]) -> Encryption {
    match key.len() {
        16 => Encryption::A128gcm,
        24 => Encryption::A192gcm,
        _ => Encryption::A256gcm,
    }
}

/// A member with information about a party; empty if it is not there, none if it is malformed.
fn party(header: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    match header.get(name) {
        None => Some(Vec::new()),
        Some(value) => URL_SAFE_NO_PAD.decode(value.as_str()?).ok(),
    }
}
