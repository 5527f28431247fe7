//! How a client asks: by request objects.

use serde_json::json;

use super::{super::*, policy, refuses_metadata, register, register_under};

#[test]
fn a_client_asks_by_request_objects_that_can_be_verified_and_opened() {
    let jwks = json!({ "keys": [] });
    for (changes, member) in [
        (json!({ "request_uris": ["http://app.example/r"] }), "request_uris"),
        (json!({ "request_uris": ["https://user@app.example/r"] }), "request_uris"),
        (json!({ "request_uris": ["#https://app.example/r"] }), "request_uris"),
        (json!({ "request_object_signing_alg": "ES256" }), "jwks"),
        (json!({ "require_signed_request_object": true }), "jwks"),
        (json!({ "request_object_signing_alg": "RS1", "jwks": jwks }), "request_object_signing_alg"),
        (
            json!({ "request_object_signing_alg": "HS256", "token_endpoint_auth_method": "none" }),
            "request_object_signing_alg",
        ),
        (
            json!({
                "request_object_signing_alg": "HS512", "token_endpoint_auth_method": "private_key_jwt",
                "jwks": jwks,
            }),
            "request_object_signing_alg",
        ),
        (json!({ "request_object_signing_alg": "none" }), "request_object_signing_alg"),
        (json!({ "request_object_encryption_alg": "RSA1_5" }), "request_object_encryption_alg"),
        (json!({ "request_object_encryption_enc": "A128GCM" }), "request_object_encryption_enc"),
        (
            json!({ "request_object_encryption_alg": "RSA-OAEP-256", "request_object_encryption_enc": "A1" }),
            "request_object_encryption_enc",
        ),
    ] {
        refuses_metadata(&changes, member);
    }
    let unsigned = MetadataPolicy { unsigned_requests: true, ..policy() };
    let none = json!({ "request_object_signing_alg": "none" });
    assert!(register_under(&none, &unsigned).is_ok());
    for alg in HMAC_ALGS {
        let by_secret = json!({ "request_object_signing_alg": alg, "require_signed_request_object": true });
        assert!(register(&by_secret).is_ok(), "its secret is the key");
    }
    let both = json!({
        "request_object_signing_alg": "none", "require_signed_request_object": true, "jwks": jwks,
    });
    assert!(register_under(&both, &unsigned).is_err());
    let sound = json!({
        "request_uris": ["https://app.example/r#47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"],
        "request_object_signing_alg": "ES256", "require_signed_request_object": true, "jwks": jwks,
        "request_object_encryption_alg": "RSA-OAEP-256", "request_object_encryption_enc": "A128GCM",
    });
    assert!(register(&sound).is_ok());
}
