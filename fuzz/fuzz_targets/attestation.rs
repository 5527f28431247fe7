//! Attestations about instances of clients, and their proofs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use placet_oauth::{
    attestation::{Attestation, Pop, named_client},
    dpop::thumbprint,
};

fuzz_target!(|parts: (&str, i64)| {
    let (text, now) = parts;
    if let Ok(attestation) = Attestation::parse(text) {
        assert_eq!(named_client(text), Some(attestation.client_id.clone()));
        assert_eq!(thumbprint(&attestation.key), Ok(attestation.jkt.clone()));
        let _ = attestation.check("wallet", now);
        let _ = attestation.check_age(300, now);
        assert!(Pop::parse(text).is_err(), "nothing is both");
    }
    if let Ok(pop) = Pop::parse(text)
        && pop.check("https://as.example", now, &["ES256"]).is_ok()
    {
        assert!(pop.issued_at.abs_diff(now) <= 60);
    }
});
