//! A JWT in compact form: what is taken apart fits together again, and nothing unsigned passes for signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use placet_oauth::jwt;

fuzz_target!(|text: &str| {
    if let Ok(parsed) = jwt::parse(text) {
        assert_eq!(format!("{}.{}", parsed.message, parsed.signature), text);
        assert!(!parsed.header.alg.eq_ignore_ascii_case("none") && !parsed.signature.is_empty());
        assert!(jwt::parse_unsigned(text, usize::MAX).is_err());
    }
    let _ = jwt::parse_unsigned(text, 1024);
});
