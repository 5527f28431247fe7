use super::*;

fn document(registration: bool) -> Value {
    discovery(&Discovery {
        issuer: "https://as.example",
        mtls_base: None,
        auth_methods: AuthMethod::ALL.to_vec(),
        scopes: vec!["openid".to_owned()],
        acr_values: Vec::new(),
        signing_algs: vec!["RS256".to_owned()],
        encryption: EncryptionAlgs {
            asymmetric: vec!["RSA-OAEP".to_owned()],
            symmetric: vec!["dir".to_owned()],
            content: vec!["A128GCM".to_owned()],
        },
        verified_algs: vec!["ES256".to_owned()],
        dpop_algs: vec!["ES256".to_owned()],
        certificate_bound: true,
        ui_locales: vec!["en".to_owned()],
        grant_types: GrantType::ALL.to_vec(),
        claims: vec!["groups".to_owned(), "email".to_owned()],
        claim_references: false,
        verified_claims: Map::new(),
        require_signed_requests: false,
        requests_by_reference: false,
        unsigned_requests: false,
        decrypted_algs: vec!["RSA-OAEP-256".to_owned()],
        require_pushed_requests: false,
        details_types: vec!["pay".to_owned()],
        protected_resources: Vec::new(),
        session_management: registration,
        registration,
        user_codes: false,
        native_sso: registration,
        attestation: registration.then(|| Attestations {
            algs: vec!["ES256".to_owned()],
            pop_algs: vec!["EdDSA".to_owned()],
            challenges: true,
        }),
        documents: registration,
    })
}

#[test]
fn what_the_specifications_require_is_there() {
    let document = document(false);
    for member in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    ] {
        assert!(!document[member].is_null(), "{member}");
    }
    assert_eq!(document["issuer"], "https://as.example");
    assert_eq!(document["authorization_endpoint"], "https://as.example/authorize");
    assert_eq!(
        document["prompt_values_supported"],
        json!(["none", "login", "consent", "select_account", "create"])
    );
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["request_uri_parameter_supported"], false);
}

#[test]
fn lists_without_values_are_left_out() {
    let document = document(false);
    assert_eq!(document["authorization_details_types_supported"], json!(["pay"]));
    for absent in ["protected_resources", "acr_values_supported", "registration_endpoint"] {
        assert!(document.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn introspection_is_not_for_public_clients_but_revocation_is() {
    let document = document(false);
    let offers_none =
        |member: &str| document[member].as_array().is_some_and(|list| list.contains(&json!("none")));
    assert!(!offers_none("introspection_endpoint_auth_methods_supported"));
    assert!(offers_none("revocation_endpoint_auth_methods_supported"));
    assert!(offers_none("token_endpoint_auth_methods_supported"));
}

#[test]
fn what_is_not_there_is_not_published() {
    assert!(document(false).get("registration_endpoint").is_none());
    assert_eq!(document(true)["registration_endpoint"], "https://as.example/register");
    assert!(document(true).get("acr_values_supported").is_none());
    for member in [
        "challenge_endpoint",
        "client_attestation_signing_alg_values_supported",
        "client_attestation_pop_signing_alg_values_supported",
    ] {
        assert!(document(false).get(member).is_none() && document(true).get(member).is_some(), "{member}");
    }
    assert_eq!(document(true)["challenge_endpoint"], "https://as.example/challenge");
    assert_eq!(document(true)["ui_locales_supported"], json!(["en"]));
}

#[test]
fn no_list_is_empty() {
    let document = document(true);
    for (name, value) in document.as_object().expect("an object") {
        assert!(value.as_array().is_none_or(|list| !list.is_empty()), "{name}");
    }
}

#[test]
fn of_every_answer_as_a_jwt_is_said_how_it_can_be_signed_and_encrypted() {
    let document = document(false);
    for response in ["id_token", "userinfo", "introspection", "authorization"] {
        let list = |name: &str| document[format!("{response}_{name}_values_supported")].clone();
        assert_eq!(list("signing_alg"), json!(["RS256", "HS256", "HS384", "HS512"]));
        assert_eq!(list("encryption_alg"), json!(["RSA-OAEP", "dir"]));
        assert_eq!(list("encryption_enc"), json!(["A128GCM"]));
    }
}
