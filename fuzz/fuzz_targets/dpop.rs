//! DPoP proofs, and the URLs that they are for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use placet_oauth::dpop::{Expected, Proof, normal_target, thumbprint};

fuzz_target!(|text: &str| {
    if let Ok(proof) = Proof::parse(text) {
        assert_eq!(thumbprint(&proof.key), Ok(proof.jkt.clone()));
        assert!(!proof.key.contains_key("d") && !proof.key.contains_key("k"));
        assert!(!proof.jti.is_empty() && proof.jti.len() <= 255);
        let targets = [proof.target.clone()];
        let expected =
            Expected { method: "POST", targets: &targets, algorithms: &["ES256"], now: 1, access_token: None };
        let _ = proof.check(&expected);
    }
    if let Some(normal) = normal_target(text) {
        assert_eq!(normal_target(&normal), Some(normal.clone()));
    }
});
