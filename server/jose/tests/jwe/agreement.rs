//! What a sender may say about the key to agree on.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{bn::BigNum, nid::Nid};
use placet_jose::{Algorithm, DecryptError, DecryptionKey, Encryption, EncryptionKey, KeyError, decrypt};
use serde_json::{Value, json};

use super::kit::{CURVES, PLAIN, accepting, craft, curve_pem, on, parts};

const CEK: [u8; 16] = [2; 16];

/// Whether the ephemeral key of a token is refused after this change, for a key on `curve`.
///
/// The content is encrypted with what comes out of a random source that can be foreseen: the token opens if, and only
/// if, no key could be agreed on and a random one took its place.
fn is_refused(curve: Option<Nid>, change: impl Fn(&mut Value)) -> bool {
    let pair = on(curve, Algorithm::EcdhEs, Encryption::A128gcm);
    let mut header: Value = serde_json::from_slice(&parts(&pair.encrypt(PLAIN))[0]).unwrap();
    change(&mut header);
    let token = craft(&header.to_string(), b"", &CEK, &[3; 12]);
    assert_eq!(pair.decrypt(&token).unwrap_err(), DecryptError::Refused);
    let mut foreseen = |bytes: &mut [u8]| {
        bytes.copy_from_slice(&CEK);
        Ok(())
    };
    decrypt(&token, &accepting(&pair.private), &mut foreseen).is_ok()
}

#[test]
fn an_ephemeral_key_that_is_sound_is_agreed_with() {
    for curve in CURVES {
        assert!(!is_refused(curve, |_| ()));
        assert!(!is_refused(curve, |header| header["apu"] = "QWxpY2U".into()));
    }
}

#[test]
fn information_about_the_parties_is_base64url_or_refused() {
    for wrong in [json!("QWxpY2U="), json!("!"), json!(7), Value::Null] {
        assert!(is_refused(CURVES[0], |header| header["apu"] = wrong.clone()));
        assert!(is_refused(CURVES[0], |header| header["apv"] = wrong.clone()));
    }
}

fn public(curve: Option<Nid>) -> Value {
    Value::Object(DecryptionKey::from_pem(&curve_pem(curve), None).unwrap().public_jwk().unwrap())
}

fn read(jwk: &Value) -> Result<EncryptionKey, KeyError> {
    EncryptionKey::from_jwk(jwk.as_object().unwrap())
}

#[test]
fn a_point_that_is_not_on_the_curve_is_no_key() {
    for curve in CURVES.into_iter().flatten() {
        let jwk = public(Some(curve));
        let mut y = URL_SAFE_NO_PAD.decode(jwk["y"].as_str().unwrap()).unwrap();
        *y.last_mut().unwrap() ^= 1;
        let y = URL_SAFE_NO_PAD.encode(y);
        let mut off = jwk.clone();
        off["y"] = y.clone().into();
        assert_eq!(read(&off).unwrap_err(), KeyError::Malformed);
        assert!(is_refused(Some(curve), |header| header["epk"] = off.clone()));
    }
}

#[test]
fn coordinates_have_the_length_of_the_curve_and_are_below_its_prime() {
    for curve in CURVES.into_iter().flatten() {
        let jwk = public(Some(curve));
        let bytes = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
        for other in [[&[0][..], &bytes].concat(), bytes[1..].to_vec(), Vec::new(), vec![255; bytes.len()]] {
            let mut wrong = jwk.clone();
            wrong["x"] = URL_SAFE_NO_PAD.encode(other).into();
            assert_eq!(read(&wrong).unwrap_err(), KeyError::Malformed);
        }
    }
}

#[test]
fn a_key_of_another_curve_is_refused() {
    for curve in CURVES {
        for other in CURVES.into_iter().filter(|other| *other != curve) {
            let jwk = public(other);
            assert!(is_refused(curve, |header| header["epk"] = jwk.clone()));
        }
        // Its numbers alone do not make a key of the curve.
        for (name, label) in [("crv", "P-256K"), ("crv", "X448"), ("kty", "RSA")] {
            assert!(is_refused(curve, |header| header["epk"][name] = label.into()));
        }
    }
}

#[test]
fn an_ephemeral_key_that_is_none_is_refused() {
    for curve in CURVES {
        for other in [Value::Null, json!(7), json!({}), json!([]), json!({ "kty": "EC" })] {
            assert!(is_refused(curve, |header| header["epk"] = other.clone()));
        }
    }
}

#[test]
fn points_of_small_order_on_x25519_are_refused() {
    // With these every private key agrees on zero (RFC 7748 section 6.1).
    let other = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    let other = BigNum::from_hex_str(other).unwrap().to_vec_padded(32).unwrap();
    for point in [vec![0; 32], [&[1][..], &[0; 31]].concat(), other] {
        let jwk = json!({ "kty": "OKP", "crv": "X25519", "x": URL_SAFE_NO_PAD.encode(point) });
        assert!(is_refused(None, |header| header["epk"] = jwk.clone()));
    }
}

#[test]
fn a_private_key_that_does_not_belong_to_its_public_half_is_refused() {
    for jwks in [
        [
            json!({
                "kty": "EC", "crv": "P-256",
                "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
                "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
                "d": "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo",
            }),
            json!({ "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw" }),
        ],
        [
            json!({
                "kty": "OKP", "crv": "X25519",
                "x": "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo",
                "d": "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
            }),
            json!({ "d": "XasIfmJKikt54X-Lg4AO5m87sSkmGLb9HC-LJ_-I4Os" }),
        ],
    ] {
        let [mut own, other] = jwks;
        assert!(DecryptionKey::from_jwk(own.as_object().unwrap()).is_ok());
        own["d"] = other["d"].clone();
        assert_eq!(DecryptionKey::from_jwk(own.as_object().unwrap()).unwrap_err(), KeyError::Malformed);
    }
}
