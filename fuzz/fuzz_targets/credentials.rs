//! The header `Authorization`, for clients and for tokens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use placet_oauth::{
    bearer,
    credentials::{self, Credentials},
    params::Params,
};

fuzz_target!(|parts: (&str, &[u8])| {
    let (header, form) = parts;
    let Ok(params) = Params::parse(form) else { return };
    if let Ok(read) = credentials::parse(Some(header), &params, None) {
        assert!(matches!(read, Credentials::SecretBasic { .. }));
        assert!(params.get("client_id").is_none_or(|named| named == read.client_id().as_str()));
    }
    if let Ok(Some(presented)) = bearer::presented(Some(header), "", Some(&params)) {
        assert!(presented.token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
    }
});
