//! An encrypted token, opened with keys of every kind that nobody encrypted to: nothing comes out.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use placet_jose::{Accepts, Algorithm, DecryptionKey, Encryption, EncryptionKeySet, decrypt};
use serde_json::{Map, Value, json};

static KEYS: OnceLock<Vec<DecryptionKey>> = OnceLock::new();

fn keys() -> &'static [DecryptionKey] {
    KEYS.get_or_init(|| {
        let ec = json!({
            "kty": "EC", "crv": "P-256", "kid": "ec",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
        });
        let Value::Object(ec) = ec else { unreachable!() };
        let shared = DecryptionKey::shared(Some("shared"), vec![7; 32].into());
        vec![DecryptionKey::from_jwk(&ec).expect("the key of RFC 7517 appendix A.2"), shared]
    })
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let accepts = Accepts {
            keys: keys(),
            algorithms: &[
                Algorithm::RsaOaep256,
                Algorithm::EcdhEs,
                Algorithm::EcdhEsA256kw,
                Algorithm::A256kw,
                Algorithm::A256gcmkw,
                Algorithm::Dir,
            ],
            encryptions: &[Encryption::A256gcm, Encryption::A128cbcHs256, Encryption::A256cbcHs512],
            max_bytes: 64 * 1024,
        };
        let mut constant = |bytes: &mut [u8]| {
            bytes.fill(9);
            Ok(())
        };
        assert!(decrypt(text, &accepts, &mut constant).is_err());
    }
    if let Ok(set) = serde_json::from_slice::<Map<String, Value>>(data) {
        let _ = EncryptionKeySet::parse(&set);
    }
});
