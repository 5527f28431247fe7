//! Metadata of clients: what is understood is written and understood again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use placet_oauth::{
    claims::strict_json_bytes,
    client::{
        AuthMethod, ClientMetadata, EncryptionAlgs, MetadataPolicy,
        document::{self, DocumentRules},
    },
    grant_type::GrantType,
    profile::Profile,
};
use serde_json::Value;

fn policy() -> MetadataPolicy {
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    MetadataPolicy {
        allowed_grants: GrantType::ALL.to_vec(),
        allowed_scopes: None,
        allowed_details_types: names(&["payment"]),
        allowed_auth_methods: AuthMethod::ALL.to_vec(),
        signing_algs: names(&["RS256", "ES256"]),
        encryption: EncryptionAlgs {
            asymmetric: names(&["RSA-OAEP-256"]),
            symmetric: names(&["dir"]),
            content: names(&["A256GCM"]),
        },
        verified_algs: names(&["RS256", "ES256"]),
        certificates: true,
        unsigned_requests: true,
        decrypted_algs: names(&["RSA-OAEP-256"]),
        development: false,
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(Value::Object(members)) = strict_json_bytes(data) else { return };
    let rules = DocumentRules { same_origin: true, development: false };
    let _ = document::read("https://tool.example/client.json", members.clone(), rules);
    let Ok(metadata) = ClientMetadata::from_json(members) else { return };
    let written = serde_json::to_value(&metadata).expect("metadata is JSON");
    let Value::Object(written) = written else { panic!("metadata is an object") };
    assert_eq!(ClientMetadata::from_json(written).expect("what was written is sound"), metadata);
    let complete = metadata.with_defaults();
    assert_eq!(complete.clone().with_defaults(), complete);
    let _ = complete.validate(&policy());
    for profile in Profile::ALL {
        let _ = profile.shortcomings(&complete);
    }
});
