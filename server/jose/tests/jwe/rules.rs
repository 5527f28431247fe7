//! The caller says what is accepted; the token chooses among it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_jose::{Accepts, Algorithm, DecryptError, DecryptionKey, Encryption, decrypt};
use serde_json::json;

use super::kit::{PLAIN, accepting, craft, pair, random};

const KEY: [u8; 16] = [1; 16];
const IV: [u8; 12] = [3; 12];

fn open(token: &str) -> Result<(), DecryptError> {
    let keys = [DecryptionKey::shared(Some("k"), KEY.to_vec().into())];
    decrypt(token, &accepting(&keys), &mut random).map(drop)
}

#[test]
fn only_accepted_algorithms_and_encryptions_are_opened() {
    for alg in Algorithm::ALL {
        let pair = pair(alg, Encryption::A256gcm);
        let token = pair.encrypt(PLAIN);
        let others: Vec<_> = Algorithm::ALL.into_iter().filter(|other| *other != alg).collect();
        let accepts = accepting(&pair.private);
        for accepts in [
            Accepts { algorithms: &others, ..accepts },
            Accepts { encryptions: &[Encryption::A128gcm, Encryption::A256cbcHs512], ..accepts },
            Accepts { algorithms: &[], ..accepts },
        ] {
            assert_eq!(
                decrypt(&token, &accepts, &mut random).unwrap_err(),
                DecryptError::NotAccepted,
                "{alg}"
            );
        }
        let exactly = Accepts { algorithms: &[alg], encryptions: &[Encryption::A256gcm], ..accepts };
        assert!(decrypt(&token, &exactly, &mut random).is_ok());
    }
}

#[test]
fn names_are_those_of_the_rfc_and_no_others() {
    for alg in ["RSA1_5", "PBES2-HS256+A128KW", "none", "rsa-oaep", "DIR", "RSA-OAEP-512", ""] {
        let header = json!({ "alg": alg, "enc": "A128GCM" }).to_string();
        assert_eq!(open(&craft(&header, b"", &KEY, &IV)), Err(DecryptError::NotAccepted), "{alg}");
    }
    for enc in ["A128CBC", "a128gcm", "A128GCM ", ""] {
        let header = json!({ "alg": "dir", "enc": enc }).to_string();
        assert_eq!(open(&craft(&header, b"", &KEY, &IV)), Err(DecryptError::NotAccepted), "{enc}");
    }
    for alg in Algorithm::ALL {
        assert_eq!(alg.name().parse(), Ok(alg));
        assert_eq!(serde_json::to_value(alg).unwrap(), alg.name());
    }
    for enc in Encryption::ALL {
        assert_eq!(serde_json::from_value::<Encryption>(enc.name().into()).unwrap(), enc);
    }
    assert!(serde_json::from_value::<Algorithm>("RSA1_5".into()).is_err());
}

#[test]
fn headers_that_demand_more_than_is_done_are_refused() {
    assert_eq!(open(&craft(r#"{"alg":"dir","enc":"A128GCM"}"#, b"", &KEY, &IV)), Ok(()));
    assert_eq!(open(&craft(r#"{"alg":"dir","enc":"A128GCM","x":{}}"#, b"", &KEY, &IV)), Ok(()));
    for header in [
        r#"{"alg":"dir","enc":"A128GCM","crit":["exp"],"exp":1}"#,
        r#"{"alg":"dir","enc":"A128GCM","crit":[]}"#,
        r#"{"alg":"dir","enc":"A128GCM","zip":"DEF"}"#,
        r#"{"alg":"dir","enc":"A128GCM","zip":"NONE"}"#,
        r#"{"alg":"dir","enc":"A128GCM","jwk":{"kty":"oct","k":"AAAA"}}"#,
        r#"{"alg":"dir","enc":"A128GCM","jku":"https://attacker.example/keys"}"#,
        r#"{"alg":"dir","enc":"A128GCM","x5u":"https://attacker.example/cert"}"#,
        r#"{"alg":"dir","enc":"A128GCM","x5c":[]}"#,
        r#"{"alg":"dir","enc":"A128GCM","kid":7}"#,
        r#"{"alg":"dir","alg":"dir","enc":"A128GCM"}"#,
        r#"{"alg":["dir"],"enc":"A128GCM"}"#,
        r#"{"alg":"dir"}"#,
        r#"{"enc":"A128GCM"}"#,
        r#"["dir"]"#,
        "",
    ] {
        assert_eq!(open(&craft(header, b"", &KEY, &IV)), Err(DecryptError::Refused), "{header}");
    }
}

#[test]
fn base64url_has_one_form() {
    let token = craft(r#"{"alg":"dir","enc":"A128GCM"}"#, b"", &KEY, &IV);
    for other in [format!("{token}="), format!("{token}\n"), format!(" {token}"), token.replace('.', ". ")] {
        assert_eq!(open(&other), Err(DecryptError::Refused), "{other}");
    }
    // The tag of 16 bytes leaves four bits of its last character unused; they are zero.
    let last = token.chars().next_back().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    let other = format!("{}{next}", &token[..token.len() - 1]);
    assert_eq!(open(&other), Err(DecryptError::Refused));
}

#[test]
fn a_token_may_be_as_long_as_the_limit_and_no_longer() {
    let pair = pair(Algorithm::Dir, Encryption::A128gcm);
    let token = pair.encrypt(PLAIN);
    let accepts = |max_bytes| Accepts { max_bytes, ..accepting(&pair.private) };
    assert!(decrypt(&token, &accepts(token.len()), &mut random).is_ok());
    let answer = decrypt(&token, &accepts(token.len() - 1), &mut random);
    assert_eq!(answer.unwrap_err(), DecryptError::Refused);
}

#[test]
fn the_key_is_the_one_that_is_named_or_any_that_fits() {
    let shared = |kid, byte| DecryptionKey::shared(kid, vec![byte; 16].into());
    let keys =
        [shared(Some("old"), 9), shared(Some("k"), 1), DecryptionKey::shared(Some("k"), vec![1; 32].into())];
    let token = |header: &str| craft(header, b"", &KEY, &IV);
    let open = |keys: &[DecryptionKey], token: &str| {
        decrypt(token, &accepting(keys), &mut random).map(|opened| opened.kid)
    };
    let named = token(r#"{"alg":"dir","enc":"A128GCM","kid":"k"}"#);
    let unnamed = token(r#"{"alg":"dir","enc":"A128GCM"}"#);
    assert_eq!(open(&keys, &named), Ok(Some("k".to_owned())));
    assert_eq!(open(&keys, &unnamed), Ok(Some("k".to_owned())));
    // A key without an id may be the one.
    assert_eq!(open(&[shared(None, 1)], &named), Ok(None));
    // The right key by another name is not tried.
    assert_eq!(open(&[shared(Some("x"), 1)], &named), Err(DecryptError::NoKey));
    assert_eq!(open(&[shared(Some("k"), 9)], &named), Err(DecryptError::Refused));
    assert_eq!(open(&[], &unnamed), Err(DecryptError::NoKey));
    // A key of the wrong size fits nothing.
    assert_eq!(open(&keys[2..], &named), Err(DecryptError::NoKey));
}

#[test]
fn neither_keys_nor_plaintexts_are_shown() {
    let pair = pair(Algorithm::Dir, Encryption::A128gcm);
    let opened = pair.decrypt(&pair.encrypt(PLAIN)).unwrap();
    assert!(!format!("{opened:?}").contains("119, 104, 97, 116"));
    let key = DecryptionKey::shared(Some("k"), vec![222; 16].into());
    assert!(!format!("{key:?}").contains("222"), "{key:?}");
    assert!(!format!("{key:?}").contains(&URL_SAFE_NO_PAD.encode([222; 16])));
}
