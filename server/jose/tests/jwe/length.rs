//! Sizes are exact: keys, initialization vectors, tags, and what is left empty.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::symm::{Cipher, encrypt_aead};
use placet_jose::{
    Algorithm, DecryptError, DecryptionKey, Encryption, EncryptionKey, Members, Recipient, decrypt, encrypt,
};
use serde_json::json;

use super::kit::{PLAIN, accepting, craft, pair, parts, random, rsa_pem};

const KEY: [u8; 16] = [1; 16];
const CEK: [u8; 16] = [2; 16];
const IV: [u8; 12] = [3; 12];

fn opens(token: &str) -> bool {
    let keys = [DecryptionKey::shared(None, KEY.to_vec().into())];
    match decrypt(token, &accepting(&keys), &mut random) {
        Ok(opened) => opened.plaintext.as_slice() == PLAIN,
        Err(error) => {
            assert_eq!(error, DecryptError::Refused);
            false
        }
    }
}

#[test]
fn an_initialization_vector_of_any_other_length_is_refused() {
    let header = r#"{"alg":"dir","enc":"A128GCM"}"#;
    for len in 1..=20 {
        assert_eq!(opens(&craft(header, b"", &KEY, &vec![3; len])), len == 12, "{len} bytes");
    }
}

/// A token whose content encryption key is wrapped with GCM; the content is as it should be.
fn gcm_wrapped(cek: &[u8], iv: &[u8], tag_len: usize) -> String {
    let mut tag = vec![0; 16];
    let wrapped = encrypt_aead(Cipher::aes_128_gcm(), &KEY, Some(iv), b"", cek, &mut tag).unwrap();
    tag.truncate(tag_len);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let header = json!({ "alg": "A128GCMKW", "enc": "A128GCM", "iv": text(iv), "tag": text(&tag) });
    craft(&header.to_string(), &wrapped, &cek[..16], &IV)
}

#[test]
fn a_wrapped_key_with_part_of_its_tag_is_refused() {
    assert!(opens(&gcm_wrapped(&CEK, &IV, 16)));
    for len in 0..16 {
        assert!(!opens(&gcm_wrapped(&CEK, &IV, len)), "{len} bytes");
    }
}

#[test]
fn a_wrapped_key_with_an_initialization_vector_of_any_other_length_is_refused() {
    for len in 1..=20 {
        assert_eq!(opens(&gcm_wrapped(&CEK, &vec![3; len], 16)), len == 12, "{len} bytes");
    }
}

#[test]
fn a_wrapped_key_of_another_size_is_refused() {
    assert!(!opens(&gcm_wrapped(&[2; 32], &IV, 16)));
    assert!(!opens(&gcm_wrapped(&[2; 17], &IV, 16)));
}

#[test]
fn where_no_key_is_sent_none_may_be_there() {
    let header = r#"{"alg":"dir","enc":"A128GCM"}"#;
    assert!(opens(&craft(header, b"", &KEY, &IV)));
    assert!(!opens(&craft(header, b"\0", &KEY, &IV)));
}

#[test]
fn a_broken_key_is_replaced_by_a_random_one_before_the_content_is_looked_at() {
    // Whoever can foresee the random source could encrypt with what comes out of it, and so show that it is used.
    let mut foreseen = |bytes: &mut [u8]| {
        bytes.copy_from_slice(&CEK);
        Ok(())
    };
    let rsa = [DecryptionKey::from_pem(rsa_pem(), None).unwrap()];
    for alg in ["RSA-OAEP", "RSA-OAEP-256"] {
        for encrypted in [&[7; 256][..], b"", b"short", &[255; 256], &[7; 300]] {
            let header = json!({ "alg": alg, "enc": "A128GCM" }).to_string();
            let token = craft(&header, encrypted, &CEK, &IV);
            assert!(decrypt(&token, &accepting(&rsa), &mut foreseen).is_ok(), "{alg}");
            let answer = decrypt(&token, &accepting(&rsa), &mut random);
            assert_eq!(answer.unwrap_err(), DecryptError::Refused);
        }
    }
}

#[test]
fn an_agreed_key_comes_alone_or_wraps_one_of_the_right_size() {
    // The token opens if the encrypted key is refused, as above.
    let mut foreseen = |bytes: &mut [u8]| {
        bytes.copy_from_slice(&CEK);
        Ok(())
    };
    for (alg, lengths) in
        [(Algorithm::EcdhEs, vec![1, 8, 16, 24]), (Algorithm::EcdhEsA128kw, vec![0, 16, 23, 24, 25, 40])]
    {
        let pair = pair(alg, Encryption::A128gcm);
        let header = String::from_utf8(parts(&pair.encrypt(PLAIN))[0].clone()).unwrap();
        for len in lengths {
            let token = craft(&header, &vec![7; len], &CEK, &IV);
            assert!(decrypt(&token, &accepting(&pair.private), &mut foreseen).is_ok(), "{alg}: {len} bytes");
        }
    }
}

#[test]
fn a_key_wrapped_with_aes_has_the_size_of_the_encryption() {
    let wrapping = |cek: &[u8]| {
        let mut scripted = |bytes: &mut [u8]| {
            bytes.copy_from_slice(&cek[..bytes.len()]);
            Ok(())
        };
        let key = EncryptionKey::shared(None, KEY.to_vec().into());
        let enc = if cek.len() == 16 { Encryption::A128gcm } else { Encryption::A256gcm };
        let recipient = Recipient::new(&key, Algorithm::A128kw, enc).unwrap();
        let token = encrypt(&recipient, &Members::default(), PLAIN, &mut scripted).unwrap();
        craft(r#"{"alg":"A128KW","enc":"A128GCM"}"#, &parts(&token)[1], &cek[..16], &IV)
    };
    assert!(opens(&wrapping(&[2; 16])));
    assert!(!opens(&wrapping(&[2; 32])));
}
