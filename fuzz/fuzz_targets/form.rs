//! A form: what is read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use placet_oauth::{
    bearer, ciba, credentials,
    params::{Params, mentions},
    rar,
    token_request::TokenRequest,
};

fuzz_target!(|raw: &[u8]| {
    let Ok(params) = Params::parse(raw) else { return };
    let pairs = |params: &Params| params.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect::<Vec<_>>();
    let again = Params::parse(params.to_form().as_bytes()).expect("what was written is sound");
    assert_eq!(pairs(&params), pairs(&again));
    for (name, value) in params.iter() {
        assert!(mentions(raw, name) && !value.is_empty() && !value.contains('\0'));
    }
    let _ = credentials::parse(None, &params, None);
    let _ = bearer::presented(None, "", Some(&params));
    if let Ok(request) = TokenRequest::parse(&params) {
        assert_eq!(params.get("grant_type"), Some(request.grant_type().as_str()));
    }
    if let Ok(Some(details)) = rar::parse_details(&params) {
        let _ = rar::check_details(&details);
        for detail in &details {
            let canonical = rar::canonical(detail);
            let read = serde_json::from_str(&canonical).expect("canonical JSON is JSON");
            assert_eq!(rar::canonical(&read), canonical);
        }
    }
    let _ = ciba::DeliveryMode::ALL;
});
