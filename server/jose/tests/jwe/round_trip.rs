//! What is encrypted for somebody is read by that one.

use placet_jose::{
    Accepts, Algorithm, DecryptError, Encryption, Members, RandomFailed, Recipient, decrypt, encrypt,
};
use proptest::prelude::*;
use serde_json::Value;

use super::kit::{CURVES, PLAIN, accepting, on, pair, pairs, parts, random};

#[test]
fn every_algorithm_opens_what_it_made_with_every_encryption() {
    for (alg, enc) in pairs() {
        let pair = pair(alg, enc);
        let opened = pair.decrypt(&pair.encrypt(PLAIN)).unwrap();
        assert_eq!(opened.plaintext.as_slice(), PLAIN, "{alg} {enc}");
        assert_eq!((opened.alg, opened.enc, opened.kid.as_deref()), (alg, enc, Some("k")));
    }
}

#[test]
fn keys_are_agreed_on_with_every_curve() {
    for curve in CURVES {
        for alg in Algorithm::ALL.into_iter().filter(|alg| alg.name().starts_with("ECDH")) {
            for enc in Encryption::ALL {
                let pair = on(curve, alg, enc);
                let opened = pair.decrypt(&pair.encrypt(PLAIN)).unwrap();
                assert_eq!(opened.plaintext.as_slice(), PLAIN, "{curve:?} {alg} {enc}");
            }
        }
    }
}

#[test]
fn the_header_has_what_the_sender_says_and_the_recipient_reads_it() {
    let pair = pair(Algorithm::EcdhEs, Encryption::A128gcm);
    let recipient = Recipient::new(&pair.public, pair.alg, pair.enc).unwrap();
    let members = Members { typ: Some("JWT"), cty: Some("JWT"), apu: Some(b"Alice"), apv: Some(b"Bob") };
    let token = encrypt(&recipient, &members, PLAIN, &mut random).unwrap();
    let header: Value = serde_json::from_slice(&parts(&token)[0]).unwrap();
    let opened = pair.decrypt(&token).unwrap();
    assert_eq!(Value::Object(opened.header), header);
    for (name, value) in [("typ", "JWT"), ("cty", "JWT"), ("apu", "QWxpY2U"), ("apv", "Qm9i"), ("kid", "k")] {
        assert_eq!(header[name], value);
    }
}

#[test]
fn no_two_tokens_share_a_key_or_an_initialization_vector() {
    for (alg, enc) in pairs() {
        let pair = pair(alg, enc);
        let (one, other) = (parts(&pair.encrypt(PLAIN)), parts(&pair.encrypt(PLAIN)));
        assert_ne!(one[2], other[2], "{alg} {enc}");
        assert!(one[1] != other[1] || one[1].is_empty(), "{alg} {enc}");
    }
}

#[test]
fn without_randomness_nothing_is_encrypted_or_opened() {
    for (alg, enc) in pairs() {
        let pair = pair(alg, enc);
        let recipient = Recipient::new(&pair.public, alg, enc).unwrap();
        let mut broken = |_: &mut [u8]| Err(RandomFailed);
        assert!(encrypt(&recipient, &Members::default(), PLAIN, &mut broken).is_err(), "{alg} {enc}");
        let accepts: Accepts<'_> = accepting(&pair.private);
        let opened = decrypt(&pair.encrypt(PLAIN), &accepts, &mut broken);
        assert_eq!(opened.unwrap_err(), DecryptError::Random(RandomFailed), "{alg} {enc}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_text_of_any_length_comes_back(
        plain in prop::collection::vec(any::<u8>(), 0..200),
        chosen in prop::sample::select(pairs().collect::<Vec<_>>()),
    ) {
        let pair = pair(chosen.0, chosen.1);
        let opened = pair.decrypt(&pair.encrypt(&plain)).unwrap();
        prop_assert_eq!(opened.plaintext.as_slice(), plain.as_slice());
    }

    #[test]
    fn nothing_that_is_no_token_is_opened(text in "[A-Za-z0-9_.=-]{0,80}") {
        let pair = pair(Algorithm::Dir, Encryption::A128gcm);
        prop_assert!(pair.decrypt(&text).is_err());
    }
}
