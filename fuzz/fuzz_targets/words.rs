//! Small languages: scope, user codes, distinguished names, strict JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use placet_oauth::{
    claims::{ClaimsRequest, strict_json},
    dn::DistinguishedName,
    scope::Scope,
    user_code::UserCode,
};

fuzz_target!(|data: &[u8]| {
    if let Some(name) = DistinguishedName::from_der(data) {
        assert!(name.matches(&name));
        let _ = name.to_string();
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(scope) = Scope::parse(text) {
        assert_eq!(Scope::parse(&scope.to_string()).expect("what was written is sound"), scope);
    }
    if let Some(code) = UserCode::parse(text) {
        assert_eq!(UserCode::parse(&code.to_string()), Some(code));
    }
    if let Ok(name) = DistinguishedName::parse(text) {
        assert!(name.matches(&name));
    }
    let _ = ClaimsRequest::parse(text);
    if let Ok(value) = strict_json(text) {
        assert_eq!(serde_json::from_str::<serde_json::Value>(text).expect("strict JSON is JSON"), value);
    }
});
