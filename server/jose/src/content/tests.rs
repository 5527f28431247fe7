//! The vectors of RFC 7518 appendix B.

use super::*;

const PLAIN: &[u8] =
    b"A cipher system must not be required to be secret, and it must be able to fall into the hands of \
the enemy without inconvenience";
const AAD: &[u8] = b"The second principle of Auguste Kerckhoffs";
const IV: &str = "1af38c2dc2b96ffdd86694092341bc04";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The key of each vector counts from zero.
fn sealed(enc: Encryption) -> Sealed {
    let key: Vec<_> = (0..u8::try_from(enc.key_len()).unwrap()).collect();
    let sealed = seal(enc, &key, bytes(IV), AAD, PLAIN).unwrap();
    assert_eq!(open(enc, &key, &sealed, AAD).as_deref().map(Vec::as_slice), Some(PLAIN));
    sealed
}

#[test]
fn a128cbc_hs256_seals_as_in_appendix_b_1() {
    let ciphertext = "c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9\
                      a94ac9b47ad2655c5f10f9aef71427e2fc6f9b3f399a221489f16362c7032336\
                      09d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9cf1b\
                      384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade5\
                      4b8851ffb598f7f80074b9473c82e2db";
    let found = sealed(Encryption::A128cbcHs256);
    assert_eq!(found.ciphertext, bytes(ciphertext));
    assert_eq!(found.tag, bytes("652c3fa36b0a7c5b3219fab3a30bc1c4"));
}

#[test]
fn a192cbc_hs384_seals_as_in_appendix_b_2() {
    // The tag covers the ciphertext.
    let found = sealed(Encryption::A192cbcHs384);
    assert_eq!(found.ciphertext[..16], bytes("ea65da6b59e61edb419be62d19712ae5"));
    assert_eq!(found.tag, bytes("8490ac0e58949bfe51875d733f93ac2075168039ccc733d7"));
}

#[test]
fn a256cbc_hs512_seals_as_in_appendix_b_3() {
    let found = sealed(Encryption::A256cbcHs512);
    assert_eq!(found.ciphertext[..16], bytes("4affaaadb78c31c5da4b1b590d10ffbd"));
    assert_eq!(found.tag, bytes("4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5"));
}
