//! The examples of RFC 7516 appendix A and of RFC 7520 section 5.

use placet_jose::{
    Accepts, Algorithm, DecryptError, DecryptionKey, Encryption, EncryptionKey, KeyError, Members, Recipient,
    decrypt, encrypt,
};
use serde::Deserialize;
use serde_json::Value;

use super::kit::{accepting, object, random};

#[derive(Deserialize)]
struct Vector {
    section: String,
    alg: String,
    enc: Encryption,
    key: Value,
    token: String,
    plaintext: String,
}

fn vectors(text: &str) -> Vec<Vector> {
    serde_json::from_str(text).unwrap()
}

fn rfc7516() -> Vec<Vector> {
    vectors(include_str!("vectors/rfc7516.json"))
}

fn rfc7520() -> Vec<Vector> {
    vectors(include_str!("vectors/rfc7520.json"))
}

fn opens(vector: &Vector) -> bool {
    let keys = [DecryptionKey::from_jwk(object(&vector.key)).unwrap()];
    let alg: Algorithm = vector.alg.parse().unwrap();
    let accepts =
        Accepts { algorithms: &[alg], encryptions: &[vector.enc], max_bytes: 5000, ..accepting(&keys) };
    match decrypt(&vector.token, &accepts, &mut random) {
        Ok(opened) => {
            assert_eq!(opened.plaintext.as_slice(), vector.plaintext.as_bytes(), "{}", vector.section);
            true
        }
        Err(error) => {
            assert_eq!(error, DecryptError::Refused);
            false
        }
    }
}

#[test]
fn the_examples_with_supported_algorithms_are_opened() {
    let opened: Vec<_> = rfc7516()
        .into_iter()
        .chain(rfc7520())
        .filter(|vector| vector.alg != "RSA1_5" && opens(vector))
        .map(|vector| vector.section)
        .collect();
    assert_eq!(opened, ["A.1", "A.3", "5.2", "5.4", "5.5", "5.6", "5.7", "5.8"]);
}

#[test]
fn the_example_with_compressed_content_is_refused() {
    let compressed = rfc7520().into_iter().find(|vector| vector.section == "5.9").unwrap();
    assert!(!opens(&compressed));
}

#[test]
fn the_examples_with_rsa1_5_are_refused_with_their_own_key() {
    for mut vector in rfc7516().into_iter().chain(rfc7520()).filter(|vector| vector.alg == "RSA1_5") {
        let keys = [DecryptionKey::from_jwk(object(&vector.key)).unwrap()];
        let answer = decrypt(&vector.token, &accepting(&keys), &mut random);
        assert_eq!(answer.unwrap_err(), DecryptError::NotAccepted, "{}", vector.section);
        vector.key["alg"] = "RSA1_5".into();
        assert_eq!(DecryptionKey::from_jwk(object(&vector.key)).unwrap_err(), KeyError::Unsupported);
    }
}

#[test]
fn with_the_randomness_of_rfc_7516_appendix_a_3_its_token_comes_out() {
    let vector = rfc7516().into_iter().find(|vector| vector.section == "A.3").unwrap();
    let cek: &[u8] = &[
        4, 211, 31, 197, 84, 157, 252, 254, 11, 100, 157, 250, 63, 170, 106, 206, 107, 124, 212, 45, 111,
        107, 9, 219, 200, 177, 0, 240, 143, 156, 44, 207,
    ];
    let iv: &[u8] = &[3, 22, 60, 12, 43, 67, 104, 105, 108, 108, 105, 99, 111, 116, 104, 101];
    let mut drawn = [cek, iv].into_iter();
    let mut scripted = |bytes: &mut [u8]| {
        bytes.copy_from_slice(drawn.next().unwrap());
        Ok(())
    };
    let shared = DecryptionKey::from_jwk(object(&vector.key)).unwrap();
    assert!(shared.fits(Algorithm::A128kw, vector.enc));
    let key = b"\x19\xac\x20\x82\xe1\x72\x1a\xb5\x8a\x6a\xfe\xc0\x5f\x85\x4a\x52";
    let key = EncryptionKey::shared(None, key.to_vec().into());
    let recipient = Recipient::new(&key, Algorithm::A128kw, vector.enc).unwrap();
    let token = encrypt(&recipient, &Members::default(), vector.plaintext.as_bytes(), &mut scripted);
    assert_eq!(token.unwrap(), vector.token);
}
