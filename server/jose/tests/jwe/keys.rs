//! Which keys are taken, and which of them is chosen.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    bn::BigNum,
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::PKey,
    rsa::Rsa,
    symm::Cipher,
};
use placet_jose::{
    Algorithm, DecryptionKey, EncryptError, Encryption, EncryptionKey, EncryptionKeySet, KeyError, Recipient,
    secret_key,
};
use serde_json::{Value, json};

use super::kit::{CURVES, curve_pem, object, pair, rsa_pem};

const GCM: Encryption = Encryption::A128gcm;

fn rsa_jwk() -> Value {
    Value::Object(DecryptionKey::from_pem(rsa_pem(), None).unwrap().public_jwk().unwrap())
}

fn read(jwk: &Value) -> Result<EncryptionKey, KeyError> {
    EncryptionKey::from_jwk(object(jwk))
}

fn with(jwk: &Value, name: &str, value: &Value) -> Value {
    let mut changed = jwk.clone();
    changed[name] = value.clone();
    changed
}

#[test]
fn a_key_fits_only_what_it_is_for() {
    let rsa = read(&rsa_jwk()).unwrap();
    let fitting: Vec<_> = Algorithm::ALL.into_iter().filter(|alg| rsa.fits(*alg, GCM)).collect();
    assert_eq!(fitting, [Algorithm::RsaOaep, Algorithm::RsaOaep256]);
    let only = read(&with(&rsa_jwk(), "alg", &json!("RSA-OAEP-256"))).unwrap();
    assert!(only.fits(Algorithm::RsaOaep256, GCM) && !only.fits(Algorithm::RsaOaep, GCM));
    let shared = EncryptionKey::shared(None, vec![1; 32].into());
    let fitting: Vec<_> = Algorithm::ALL.into_iter().filter(|alg| shared.fits(*alg, GCM)).collect();
    assert_eq!(fitting, [Algorithm::A256kw, Algorithm::A256gcmkw]);
    assert!(shared.fits(Algorithm::Dir, Encryption::A128cbcHs256));
    let ec = pair(Algorithm::EcdhEs, GCM);
    for (alg, _) in super::kit::pairs().filter(|(alg, _)| !alg.name().starts_with("ECDH")) {
        let answer = Recipient::new(&ec.public, alg, GCM);
        assert!(matches!(answer, Err(EncryptError::KeyDoesNotFit(named)) if named == alg));
    }
}

#[test]
fn a_key_for_something_else_is_not_for_encryption() {
    let jwk = rsa_jwk();
    assert_eq!(read(&with(&jwk, "use", &json!("sig"))).unwrap_err(), KeyError::WrongUse);
    assert_eq!(read(&with(&jwk, "key_ops", &json!(["verify"]))).unwrap_err(), KeyError::WrongUse);
    assert_eq!(read(&with(&jwk, "key_ops", &json!([]))).unwrap_err(), KeyError::WrongUse);
    assert_eq!(read(&with(&jwk, "alg", &json!("RS256"))).unwrap_err(), KeyError::Unsupported);
    assert!(read(&with(&jwk, "key_ops", &json!(["wrapKey"]))).is_ok());
    for (name, value) in
        [("use", json!(1)), ("alg", json!(1)), ("kid", json!(1)), ("key_ops", json!("encrypt"))]
    {
        assert_eq!(read(&with(&jwk, name, &value)).unwrap_err(), KeyError::Malformed, "{name}");
    }
    assert_eq!(read(&json!({ "kty": "oct" })).unwrap_err(), KeyError::Unsupported);
    let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert_eq!(read(&ed).unwrap_err(), KeyError::Unsupported);
    assert_eq!(read(&with(&ed, "kty", &json!("EC"))).unwrap_err(), KeyError::Unsupported);
}

#[test]
fn rsa_keys_have_at_least_2048_bits_and_an_exponent_that_encrypts() {
    let small = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let pem = small.private_key_to_pem_pkcs8().unwrap();
    assert_eq!(DecryptionKey::from_pem(&pem, None).unwrap_err(), KeyError::Strength);
    let n = URL_SAFE_NO_PAD.encode(small.rsa().unwrap().n().to_vec());
    assert_eq!(read(&json!({ "kty": "RSA", "n": n, "e": "AQAB" })).unwrap_err(), KeyError::Strength);
    let large = URL_SAFE_NO_PAD.encode([255; 1025]);
    assert_eq!(read(&json!({ "kty": "RSA", "n": large, "e": "AQAB" })).unwrap_err(), KeyError::Strength);
    let huge = BigNum::from_slice(&[255; 8]).unwrap();
    for exponent in [vec![1], vec![2], vec![0], huge.to_vec()] {
        let jwk = with(&rsa_jwk(), "e", &URL_SAFE_NO_PAD.encode(exponent).into());
        assert_eq!(read(&jwk).unwrap_err(), KeyError::Strength);
    }
}

#[test]
fn a_private_rsa_key_whose_parts_do_not_belong_together_is_refused() {
    let rsa = PKey::private_key_from_pem(rsa_pem()).unwrap().rsa().unwrap();
    let text = |number: &openssl::bn::BigNumRef| Value::from(URL_SAFE_NO_PAD.encode(number.to_vec()));
    let jwk = json!({
        "kty": "RSA", "n": text(rsa.n()), "e": text(rsa.e()), "d": text(rsa.d()),
        "p": text(rsa.p().unwrap()), "q": text(rsa.q().unwrap()), "dp": text(rsa.dmp1().unwrap()),
        "dq": text(rsa.dmq1().unwrap()), "qi": text(rsa.iqmp().unwrap()),
    });
    assert!(DecryptionKey::from_jwk(object(&jwk)).is_ok());
    let mut wrong = rsa.d().to_owned().unwrap();
    wrong.add_word(2).unwrap();
    for name in ["d", "p", "dp"] {
        let jwk = with(&jwk, name, &text(&wrong));
        assert_eq!(DecryptionKey::from_jwk(object(&jwk)).unwrap_err(), KeyError::Malformed, "{name}");
    }
}

#[test]
fn pem_documents_of_other_keys_or_with_a_password_are_refused() {
    let read = |pem: &[u8]| DecryptionKey::from_pem(pem, None).map(drop);
    for curve in CURVES {
        assert_eq!(read(&curve_pem(curve)), Ok(()));
    }
    let ed = PKey::generate_ed25519().unwrap().private_key_to_pem_pkcs8().unwrap();
    assert_eq!(read(&ed), Err(KeyError::Unsupported));
    let other = EcKey::generate(&EcGroup::from_curve_name(Nid::SECP256K1).unwrap()).unwrap();
    assert_eq!(read(&other.private_key_to_pem().unwrap()), Err(KeyError::Unsupported));
    let key = PKey::private_key_from_pem(rsa_pem()).unwrap();
    let locked = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"secret").unwrap();
    assert_eq!(read(&locked), Err(KeyError::Malformed));
    assert_eq!(read(b"no PEM"), Err(KeyError::Malformed));
}

#[test]
fn a_published_set_with_a_secret_in_it_is_refused_as_a_whole() {
    let parse = |keys: Value| EncryptionKeySet::parse(object(&json!({ "keys": keys }))).map(drop);
    assert_eq!(parse(json!([rsa_jwk(), { "kty": "new" }, 7])), Ok(()));
    for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let leaked = with(&rsa_jwk(), secret, &json!("AQAB"));
        assert_eq!(read(&leaked).unwrap_err(), KeyError::SecretPublished);
        assert_eq!(parse(json!([rsa_jwk(), leaked])), Err(KeyError::SecretPublished), "{secret}");
    }
    assert_eq!(parse(json!(vec![json!({}); 101])), Err(KeyError::MalformedSet));
    assert_eq!(parse(json!({})), Err(KeyError::MalformedSet));
}

#[test]
fn of_several_keys_the_one_that_says_most_plainly_what_it_is_for_is_chosen() {
    let named = |kid: &str, usage: Option<&str>, alg: Option<&str>| {
        let mut jwk = rsa_jwk();
        jwk["kid"] = kid.into();
        jwk.as_object_mut().unwrap().remove("use");
        for (name, value) in [("use", usage), ("alg", alg)] {
            if let Some(value) = value {
                jwk[name] = value.into();
            }
        }
        jwk
    };
    let keys = [
        named("signs", Some("sig"), None),
        named("silent", None, None),
        named("other", Some("enc"), Some("RSA-OAEP")),
        named("marked", Some("enc"), None),
        named("first", Some("enc"), Some("RSA-OAEP-256")),
        named("second", Some("enc"), Some("RSA-OAEP-256")),
    ];
    let chosen = |keys: &[Value], kid: Option<&str>| {
        let set = EncryptionKeySet::parse(object(&json!({ "keys": keys }))).unwrap();
        set.select(Algorithm::RsaOaep256, GCM, kid).and_then(|key| key.kid().map(str::to_owned))
    };
    assert_eq!(chosen(&keys, None).as_deref(), Some("first"));
    assert_eq!(chosen(&keys[..4], None).as_deref(), Some("marked"));
    assert_eq!(chosen(&keys[..2], None).as_deref(), Some("silent"));
    assert_eq!(chosen(&keys[..1], None), None);
    assert_eq!(chosen(&keys, Some("second")).as_deref(), Some("second"));
    assert_eq!(chosen(&keys, Some("other")), None);
    assert_eq!(chosen(&keys, Some("unknown")), None);
}

#[test]
fn a_client_secret_gives_the_left_part_of_its_hash() {
    let hex = |alg, enc| {
        let key = BigNum::from_slice(&secret_key("abc", alg, enc)?).unwrap();
        Some(key.to_hex_str().unwrap().to_lowercase())
    };
    // The hashes of `abc` in FIPS 180-4.
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let sha384 =
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
    let sha512 = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                  2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    assert_eq!(hex(Algorithm::A128kw, GCM).as_deref(), Some(&sha256[..32]));
    assert_eq!(hex(Algorithm::A192gcmkw, GCM).as_deref(), Some(&sha256[..48]));
    assert_eq!(hex(Algorithm::Dir, Encryption::A256gcm).as_deref(), Some(sha256));
    assert_eq!(hex(Algorithm::Dir, Encryption::A192cbcHs384).as_deref(), Some(sha384));
    assert_eq!(hex(Algorithm::Dir, Encryption::A256cbcHs512).as_deref(), Some(sha512));
    assert_eq!(hex(Algorithm::RsaOaep, GCM), None);
}
