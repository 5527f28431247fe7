//! The one form of an encrypted assertion that is taken.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use openssl::{
    md::{Md, MdRef},
    symm::Cipher,
};

use crate::{
    names::{DSIG, SAML, XENC, XENC11},
    refusal::{Reason, Refusal, shown},
    xml::Element,
};

const TYPE_ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
const OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
/// The longest encrypted key: RSA with 8192 bits.
const LONGEST_KEY: usize = 1024;

/// Line breaks are taken out first.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// What is needed to decrypt.
pub(super) struct EncryptedParts {
    pub(super) content_cipher: ContentCipher,
    pub(super) content: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) oaep_digest: &'static MdRef,
    pub(super) mgf1_digest: &'static MdRef,
}

/// AES-GCM with its key length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentCipher {
    Aes128Gcm,
    Aes256Gcm,
}

impl ContentCipher {
    pub(super) fn cipher(self) -> Cipher {
        match self {
            Self::Aes128Gcm => Cipher::aes_128_gcm(),
            Self::Aes256Gcm => Cipher::aes_256_gcm(),
        }
    }
}

/// Reads `EncryptedAssertion`: one `EncryptedData`, and one `EncryptedKey` in its `KeyInfo` or beside it.
pub(super) fn read(root: &Element) -> Result<EncryptedParts, Refusal> {
    let data_and_more = elements(root)?;
    let (data, beside) = match data_and_more.as_slice() {
        [data] => (data, None),
        [data, key] => (data, Some(*key)),
        _ => return Err(shape("there is not one EncryptedData")),
    };
    if !root.is(SAML, "EncryptedAssertion") || !data.is(XENC, "EncryptedData") {
        return Err(shape("there is no EncryptedData"));
    }
    if data.attribute("Type").is_some_and(|kind| kind != TYPE_ELEMENT) {
        return Err(shape("what is encrypted is not an element"));
    }
    let parts = elements(data)?;
    let [method, key_info, cipher_data] = parts.as_slice() else {
        return Err(shape("EncryptedData does not have exactly method, KeyInfo and CipherData"));
    };
    let content_cipher = match algorithm(method, XENC, "EncryptionMethod")? {
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => ContentCipher::Aes128Gcm,
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => ContentCipher::Aes256Gcm,
        other => return Err(not_taken(other)),
    };
    let key = encrypted_key(key_info, beside)?;
    let parts = elements(key)?;
    let (method, key_cipher_data) = match parts.as_slice() {
        [method, cipher_data] => (method, cipher_data),
        [method, info, cipher_data] if info.is(DSIG, "KeyInfo") => (method, cipher_data),
        // Which content the key is for; there is only one.
        [method, info, cipher_data, list] if info.is(DSIG, "KeyInfo") && list.is(XENC, "ReferenceList") => {
            (method, cipher_data)
        }
        _ => return Err(shape("EncryptedKey holds something else than method, KeyInfo and CipherData")),
    };
    let (oaep_digest, mgf1_digest) = key_transport(method)?;
    let key = cipher_value(key_cipher_data)?;
    if key.len() > LONGEST_KEY {
        return Err(shape("the encrypted key is too long"));
    }
    Ok(EncryptedParts { content_cipher, content: cipher_value(cipher_data)?, key, oaep_digest, mgf1_digest })
}

/// The one `EncryptedKey`. Where it stands beside the data, `KeyInfo` may refer to it.
fn encrypted_key<'a>(key_info: &'a Element, beside: Option<&'a Element>) -> Result<&'a Element, Refusal> {
    if !key_info.is(DSIG, "KeyInfo") {
        return Err(shape("there is no KeyInfo"));
    }
    let inside = elements(key_info)?;
    let key = match (inside.as_slice(), beside) {
        ([key], None) => *key,
        ([], Some(key)) => key,
        ([reference], Some(key)) if reference.is(DSIG, "RetrievalMethod") => {
            let target = reference.attribute("URI").and_then(|uri| uri.strip_prefix('#'));
            if target.is_none() || target != key.attribute("Id") || !reference.children.is_empty() {
                return Err(shape("KeyInfo refers to something else than the EncryptedKey"));
            }
            key
        }
        _ => return Err(shape("there is not exactly one EncryptedKey")),
    };
    if key.is(XENC, "EncryptedKey") { Ok(key) } else { Err(shape("there is no EncryptedKey")) }
}

/// The digests of RSA-OAEP: of the label, and of its mask.
fn key_transport(method: &Element) -> Result<(&'static MdRef, &'static MdRef), Refusal> {
    let named = algorithm(method, XENC, "EncryptionMethod")?;
    if named != OAEP_MGF1P && named != OAEP {
        return Err(not_taken(named));
    }
    let (mut oaep, mut mgf1) = (Md::sha1(), Md::sha1());
    for parameter in elements(method)? {
        if parameter.is(DSIG, "DigestMethod") {
            oaep = match algorithm(parameter, DSIG, "DigestMethod")? {
                "http://www.w3.org/2000/09/xmldsig#sha1" => Md::sha1(),
                "http://www.w3.org/2001/04/xmlenc#sha256" => Md::sha256(),
                "http://www.w3.org/2001/04/xmldsig-more#sha384" => Md::sha384(),
                "http://www.w3.org/2001/04/xmlenc#sha512" => Md::sha512(),
                other => return Err(not_taken(other)),
            };
        } else if named == OAEP && parameter.is(XENC11, "MGF") {
            mgf1 = match algorithm(parameter, XENC11, "MGF")? {
                "http://www.w3.org/2009/xmlenc11#mgf1sha1" => Md::sha1(),
                "http://www.w3.org/2009/xmlenc11#mgf1sha256" => Md::sha256(),
                "http://www.w3.org/2009/xmlenc11#mgf1sha384" => Md::sha384(),
                "http://www.w3.org/2009/xmlenc11#mgf1sha512" => Md::sha512(),
                other => return Err(not_taken(other)),
            };
        } else {
            return Err(shape("the key transport has a parameter that is not taken"));
        }
    }
    Ok((oaep, mgf1))
}

fn cipher_value(element: &Element) -> Result<Vec<u8>, Refusal> {
    let parts = elements(element)?;
    let text = match parts.as_slice() {
        [value] if element.is(XENC, "CipherData") && value.is(XENC, "CipherValue") => value.text(),
        _ => None,
    };
    let text: String =
        text.ok_or_else(|| shape("CipherData has no plain CipherValue"))?.split_ascii_whitespace().collect();
    BASE64.decode(text).map_err(|_| shape("a CipherValue is not base64"))
}

fn elements(element: &Element) -> Result<Vec<&Element>, Refusal> {
    if element.has_loose_text() {
        return Err(shape("there is text between its parts"));
    }
    Ok(element.elements().collect())
}

fn algorithm<'a>(element: &'a Element, namespace: &str, local: &str) -> Result<&'a str, Refusal> {
    element
        .attribute("Algorithm")
        .filter(|_| element.is(namespace, local))
        .ok_or_else(|| shape("a part is not what it should be"))
}

fn not_taken(algorithm: &str) -> Refusal {
    Refusal::new(Reason::Algorithm, format!("the encryption algorithm {} is not taken", shown(algorithm)))
}

fn shape(detail: &str) -> Refusal {
    Refusal::new(Reason::Encryption, format!("the encrypted assertion is not taken: {detail}"))
}
