//! Authorization requests: whatever is in them, the answer goes to a registered place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use placet_oauth::{
    authorization::{RequestPolicy, parse_request, resolve_destination},
    client::ClientMetadata,
    params::Params,
    redirect_uri,
    request_object::{RequestObject, parameters},
};

const REGISTERED: [&str; 3] =
    ["https://client.example/cb", "http://127.0.0.1/cb", "https://client.example/other?a=b"];

fuzz_target!(|raw: &[u8]| {
    let registered = REGISTERED.map(str::to_owned);
    let Ok(params) = Params::parse(raw) else {
        let _ = resolve_destination(raw, &registered);
        return;
    };
    if let Some(object) = params.get("request")
        && let Ok(object) = RequestObject::parse(object)
        && let Ok(pairs) = parameters(object.claims())
    {
        let _ = Params::from_pairs(pairs);
    }
    let Ok(destination) = resolve_destination(raw, &registered) else { return };
    let known = |uri: &&String| redirect_uri::matches(uri, &destination.redirect_uri);
    assert!(registered.iter().any(|uri| known(&uri)), "{}", destination.redirect_uri);
    let metadata = ClientMetadata::default().with_defaults();
    let scopes = ["openid", "email"].map(str::to_owned);
    let policy = RequestPolicy {
        metadata: &metadata,
        public_client: true,
        require_pkce: true,
        known_scopes: &scopes,
    };
    if let Ok(request) = parse_request(&params, &destination, &policy) {
        assert_eq!(request.redirect_uri, destination.redirect_uri);
        assert!(request.scope.iter().all(|value| scopes.iter().any(|known| known == value)));
        assert!(request.challenge.is_some() || !request.response_type.code);
    }
});
