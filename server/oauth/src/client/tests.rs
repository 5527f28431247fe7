use serde_json::{Map, Value, json};

use super::{json::MEMBERS, *};
use crate::error::{ErrorCode, OAuthError};

mod requests;

fn read(value: Value) -> Result<ClientMetadata, OAuthError> {
    let Value::Object(members) = value else { panic!("not an object") };
    ClientMetadata::from_json(members)
}

fn policy() -> MetadataPolicy {
    MetadataPolicy {
        allowed_grants: GrantType::ALL.to_vec(),
        allowed_scopes: None,
        allowed_details_types: vec!["pay".to_owned()],
        allowed_auth_methods: AuthMethod::ALL.to_vec(),
        signing_algs: vec!["RS256".to_owned(), "ES256".to_owned()],
        encryption: EncryptionAlgs {
            asymmetric: vec!["ECDH-ES".to_owned()],
            symmetric: vec!["dir".to_owned()],
            content: vec!["A128GCM".to_owned()],
        },
        verified_algs: vec!["ES256".to_owned()],
        certificates: true,
        unsigned_requests: false,
        decrypted_algs: vec!["RSA-OAEP-256".to_owned()],
        development: false,
    }
}

/// Registers a web client with one redirect URI, changed by `changes`.
fn register(changes: &Value) -> Result<ClientMetadata, OAuthError> {
    register_under(changes, &policy())
}

fn register_under(changes: &Value, policy: &MetadataPolicy) -> Result<ClientMetadata, OAuthError> {
    let mut members = Map::from_iter([("redirect_uris".to_owned(), json!(["https://app.example/cb"]))]);
    members.extend(changes.as_object().expect("an object").clone());
    let metadata = ClientMetadata::from_json(members)?.with_defaults();
    metadata.validate(policy)?;
    Ok(metadata)
}

#[track_caller]
fn refuses(changes: &Value, code: ErrorCode, member: &str) {
    let error = register(changes).expect_err("should be refused");
    assert_eq!(error.code, code, "{}", error.description);
    assert!(error.description.contains(&format!("`{member}`")), "{}", error.description);
}

#[track_caller]
fn refuses_metadata(changes: &Value, member: &str) {
    refuses(changes, ErrorCode::InvalidClientMetadata, member);
}

#[test]
fn every_member_of_the_struct_is_read_from_json() {
    let mut members = json!({
        "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "implicit"], "response_types": ["code", "id_token code"],
        "client_name": "n", "logo_uri": "l", "client_uri": "c", "policy_uri": "p", "tos_uri": "t",
        "contacts": ["x"], "jwks_uri": "j", "jwks": {"keys": []}, "software_id": "s", "software_version": "1",
        "scope": "a b", "authorization_details_types": ["pay"],
        "application_type": "native", "sector_identifier_uri": "s", "subject_type": "pairwise",
        "default_max_age": 60, "require_auth_time": true, "default_acr_values": ["gold"],
        "initiate_login_uri": "i", "post_logout_redirect_uris": ["p"], "client_name#fr": "nom",
    });
    let more = json!({
        "tls_client_auth_subject_dn": "CN=x", "tls_client_auth_san_dns": "d", "tls_client_auth_san_uri": "u",
        "tls_client_auth_san_ip": "i", "tls_client_auth_san_email": "e",
        "dpop_bound_access_tokens": true, "tls_client_certificate_bound_access_tokens": false,
        "request_uris": ["r"], "require_signed_request_object": true,
        "require_pushed_authorization_requests": true,
        "backchannel_token_delivery_mode": "ping", "backchannel_client_notification_endpoint": "n",
        "backchannel_user_code_parameter": true,
        "backchannel_logout_uri": "b", "backchannel_logout_session_required": true,
        "frontchannel_logout_uri": "f", "frontchannel_logout_session_required": false,
    });
    members.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    for algorithm in MEMBERS.iter().filter(|name| name.ends_with("_alg") || name.ends_with("_enc")) {
        members[*algorithm] = json!("ES256");
    }
    let metadata = read(members).expect("sound metadata");
    let Value::Object(written) = serde_json::to_value(&metadata).expect("can be written") else {
        panic!("not an object")
    };
    let mut names: Vec<&str> = written.keys().map(String::as_str).collect();
    let mut known = MEMBERS.to_vec();
    known.push("client_name#fr");
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known);
    assert_eq!(ClientMetadata::from_json(written).expect("what was written can be read"), metadata);
}

#[test]
fn members_that_are_null_or_unknown_are_ignored() {
    let metadata = read(json!({
        "client_name": null, "scope": null, "unknown": true, "scope#fr": "x", "client_name#": "x",
        "client_name#<b>": "x", "tos_uri#de": null,
    }));
    assert_eq!(metadata, Ok(ClientMetadata::default()));
}

#[test]
fn a_member_of_the_wrong_type_is_named() {
    for (member, value) in [
        ("redirect_uris", json!("https://a.example/cb")),
        ("grant_types", json!(["Password"])),
        ("token_endpoint_auth_method", json!("password_jwt")),
        ("default_max_age", json!(-1)),
        ("client_name", json!(7)),
        ("client_name#fr", json!(7)),
    ] {
        let error = read(json!({"client_uri": "https://a.example", member: value})).expect_err(member);
        assert_eq!(error.code, ErrorCode::InvalidClientMetadata);
        assert!(error.description.contains(&format!("`{member}`")), "{}", error.description);
    }
}

#[test]
fn the_defaults_are_those_of_the_specifications() {
    let metadata = ClientMetadata::default().with_defaults();
    assert_eq!(metadata.grant_types, Some(vec![GrantType::AuthorizationCode]));
    assert_eq!(metadata.response_types, Some(vec![ResponseType::parse("code").expect("a response type")]));
    assert_eq!(metadata.token_endpoint_auth_method, Some(AuthMethod::ClientSecretBasic));
    assert_eq!(metadata.application_type, Some(ApplicationType::Web));
    assert_eq!(metadata.subject_type, Some(SubjectType::Public));
    assert_eq!(metadata.id_token_signed_response_alg.as_deref(), Some("RS256"));
    assert_eq!(metadata.clone().with_defaults(), metadata, "filling in twice changes nothing");
}

#[test]
fn a_client_without_the_authorization_endpoint_needs_neither_response_types_nor_redirect_uris() {
    let metadata = register(&json!({"grant_types": ["client_credentials"], "redirect_uris": null}));
    assert_eq!(metadata.expect("sound").response_types, Some(Vec::new()));
}

#[test]
fn the_language_of_a_name_is_chosen_by_exact_tag_then_language_then_no_tag() {
    let metadata = read(json!({
        "client_name": "App", "client_name#fr": "Appli", "client_name#de-AT": "Anwendung",
        "client_name#pt-BR": "Aplicativo", "logo_uri": "https://a.example/l.png",
        "tos_uri#fr": "https://a.example/fr",
    }))
    .expect("sound");
    let name = |locales: &[&str]| {
        let locales: Vec<String> = locales.iter().map(|locale| (*locale).to_owned()).collect();
        metadata.client_name_for(&locales).map(str::to_owned)
    };
    assert_eq!(name(&["de-at"]).as_deref(), Some("Anwendung"));
    assert_eq!(name(&["fr-CA", "de-AT"]).as_deref(), Some("Appli"));
    assert_eq!(name(&["pt"]).as_deref(), Some("Aplicativo"));
    assert_eq!(name(&["ja", "fr"]).as_deref(), Some("Appli"));
    assert_eq!(name(&["ja"]).as_deref(), Some("App"));
    assert_eq!(name(&[]).as_deref(), Some("App"));
    assert_eq!(metadata.logo_uri_for(&["fr".to_owned()]), Some("https://a.example/l.png"));
    assert_eq!(metadata.tos_uri_for(&["fr".to_owned()]), Some("https://a.example/fr"));
    assert_eq!(metadata.tos_uri_for(&[]), None);
    assert_eq!(metadata.policy_uri_for(&[]), None);
    assert_eq!(metadata.client_uri_for(&[]), None);
}

#[test]
fn response_types_need_the_grants_they_use() {
    refuses_metadata(&json!({"response_types": ["id_token"]}), "response_types");
    refuses_metadata(&json!({"response_types": ["code id_token"]}), "response_types");
    refuses_metadata(&json!({"response_types": ["code"], "grant_types": ["implicit"]}), "response_types");
    let hybrid =
        json!({"response_types": ["code id_token"], "grant_types": ["authorization_code", "implicit"]});
    assert!(register(&hybrid).is_ok());
}

#[test]
fn a_client_that_wants_bound_tokens_gets_none_in_the_browser() {
    let grants = json!(["authorization_code", "implicit"]);
    for member in ["dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"] {
        let of = |types: Value, bound: bool| json!({ "grant_types": grants, "response_types": types, member: bound });
        refuses_metadata(&of(json!(["code id_token token"]), true), "response_types");
        refuses_metadata(&of(json!(["code", "id_token token"]), true), "response_types");
        assert!(register(&of(json!(["code id_token"]), true)).is_ok());
        assert!(register(&of(json!(["code id_token token"]), false)).is_ok());
    }
}

#[test]
fn a_client_cannot_be_bound_to_certificates_that_nobody_sees() {
    let member = "tls_client_certificate_bound_access_tokens";
    let blind = MetadataPolicy { certificates: false, ..policy() };
    let error = register_under(&json!({ member: true }), &blind).expect_err("it would get no tokens");
    assert_eq!(error.code, ErrorCode::InvalidClientMetadata);
    assert!(error.description.contains(member), "{}", error.description);
    assert!(register_under(&json!({ member: false }), &blind).is_ok());
    assert!(register_under(&json!({ member: true }), &policy()).is_ok());
}

#[test]
fn redirect_uris_are_required_and_checked_one_by_one() {
    let code = ErrorCode::InvalidRedirectUri;
    refuses(&json!({"redirect_uris": null}), code, "redirect_uris");
    refuses(&json!({"redirect_uris": []}), code, "redirect_uris");
    let one_is_bad = json!({"redirect_uris": ["https://a.example/cb", "http://a.example/cb"]});
    refuses(&one_is_bad, code, "redirect_uris");
    refuses_metadata(&json!({"post_logout_redirect_uris": ["javascript:x"]}), "post_logout_redirect_uris");
}

#[test]
fn uris_for_users_are_web_pages_and_uris_for_protocols_are_https() {
    refuses_metadata(&json!({"logo_uri": "data:image/png;base64,AA"}), "logo_uri");
    refuses_metadata(&json!({"tos_uri#de": "javascript:alert(1)"}), "tos_uri#de");
    assert!(register(&json!({"client_uri": "http://a.example", "client_name#de": "Anwendung"})).is_ok());
    for member in ["jwks_uri", "initiate_login_uri", "sector_identifier_uri"] {
        refuses_metadata(&json!({member: "http://localhost/x"}), member);
        refuses_metadata(&json!({member: "https://a@b.example/x"}), member);
        assert!(register(&json!({member: "https://a.example/x"})).is_ok());
        let development = MetadataPolicy { development: true, ..policy() };
        assert!(register_under(&json!({member: "http://127.0.0.1:99/x"}), &development).is_ok());
        assert!(register_under(&json!({member: "http://a.example/x"}), &development).is_err());
    }
}

#[test]
fn types_of_authorization_details_are_those_that_the_server_allows() {
    let metadata = register(&json!({"authorization_details_types": ["pay"]})).unwrap();
    assert_eq!(metadata.authorization_details_types, Some(vec!["pay".to_owned()]));
    for types in [json!(["own"]), json!(["pay", "own"]), json!("pay"), json!([1])] {
        let changes = json!({"authorization_details_types": types});
        refuses(&changes, ErrorCode::InvalidClientMetadata, "authorization_details_types");
    }
}

#[test]
fn the_policy_of_the_server_is_obeyed() {
    let narrow = MetadataPolicy {
        allowed_grants: vec![GrantType::AuthorizationCode],
        allowed_scopes: Some(vec!["openid".to_owned(), "email".to_owned()]),
        allowed_auth_methods: vec![AuthMethod::ClientSecretBasic],
        ..policy()
    };
    assert!(register_under(&json!({"scope": "openid email"}), &narrow).is_ok());
    for changes in [
        json!({"grant_types": ["authorization_code", "refresh_token"]}),
        json!({"scope": "openid admin"}),
        json!({"token_endpoint_auth_method": "none"}),
    ] {
        let error = register_under(&changes, &narrow).expect_err("should be refused");
        assert_eq!(error.code, ErrorCode::InvalidClientMetadata);
    }
}

#[test]
fn every_answer_is_signed_as_the_server_can_and_not_with_none() {
    for response in JwtResponse::ALL {
        let member = format!("{}_signed_response_alg", response.prefix());
        for alg in ["ES256", "HS512"] {
            let metadata = register(&json!({ &member: alg })).expect("sound");
            assert_eq!(metadata.algs_of(response).signed, Some(alg));
        }
        for alg in ["none", "PS256", "hs256", ""] {
            refuses_metadata(&json!({ &member: alg }), &member);
        }
        // Whose authentication needs no secret has none to sign with.
        for method in ["none", "private_key_jwt"] {
            let changes = json!({
                &member: "HS256", "token_endpoint_auth_method": method, "jwks_uri": "https://a.example/jwks",
            });
            refuses_metadata(&changes, &member);
        }
    }
    let plain = register(&json!({})).expect("sound");
    assert_eq!(plain.algs_of(JwtResponse::IdToken).signed, Some("RS256"));
    assert_eq!(plain.algs_of(JwtResponse::Introspection).signed, Some("RS256"));
    assert_eq!(plain.algs_of(JwtResponse::Userinfo).signed, None);
}

#[test]
fn what_is_encrypted_needs_a_key_of_the_client() {
    for response in JwtResponse::ALL {
        let alg = format!("{}_encrypted_response_alg", response.prefix());
        let enc = format!("{}_encrypted_response_enc", response.prefix());
        let jwks_uri = "https://a.example/jwks";
        assert!(register(&json!({ &alg: "ECDH-ES", "jwks_uri": jwks_uri })).is_ok());
        assert!(register(&json!({ &alg: "dir", &enc: "A128GCM" })).is_ok());
        refuses_metadata(&json!({ &alg: "ECDH-ES" }), &alg);
        refuses_metadata(&json!({ &alg: "RSA1_5", "jwks_uri": jwks_uri }), &alg);
        refuses_metadata(&json!({ &alg: "dir", "token_endpoint_auth_method": "none" }), &alg);
        refuses_metadata(&json!({ &enc: "A128GCM", "jwks_uri": jwks_uri }), &enc);
        refuses_metadata(&json!({ &alg: "dir", &enc: "A128CBC" }), &enc);
    }
}

#[test]
fn a_public_client_cannot_use_client_credentials() {
    let changes = json!({
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "client_credentials"],
    });
    refuses_metadata(&changes, "token_endpoint_auth_method");
}

#[test]
fn keys_come_from_one_place_and_are_a_key_set() {
    let both = json!({"jwks": {"keys": []}, "jwks_uri": "https://a.example/jwks"});
    refuses_metadata(&both, "jwks");
    refuses_metadata(&json!({"jwks": []}), "jwks");
}

#[test]
fn pairwise_subjects_need_one_sector() {
    let several = ["https://a.example/cb", "https://b.example/cb"];
    let changes = json!({"subject_type": "pairwise", "redirect_uris": several});
    refuses_metadata(&changes, "sector_identifier_uri");
    let changes = json!({
        "subject_type": "pairwise", "redirect_uris": several, "sector_identifier_uri": "https://a.example/s.json",
    });
    assert!(register(&changes).is_ok());
    assert!(register(&json!({"subject_type": "pairwise"})).is_ok());
}

#[test]
fn too_much_is_refused() {
    let uris = |count: usize| (0..count).map(|n| format!("https://a.example/{n}")).collect::<Vec<_>>();
    assert!(register(&json!({"redirect_uris": uris(50)})).is_ok());
    assert!(register(&json!({"redirect_uris": uris(51)})).is_err());
    assert!(register(&json!({"client_name": "n".repeat(2048)})).is_ok());
    refuses_metadata(&json!({"client_name": "n".repeat(2049)}), "client_name");
    refuses_metadata(&json!({"client_name#fr": "n".repeat(2049)}), "client_name#fr");
    refuses_metadata(&json!({"contacts": ["n".repeat(2049)]}), "contacts");
}

#[test]
fn a_client_that_signs_needs_keys_and_an_algorithm_that_fits() {
    let jwks = json!({ "keys": [] });
    for (metadata, sound) in [
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), false),
        (json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks }), true),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks,
                "token_endpoint_auth_signing_alg": "ES256" }),
            true,
        ),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks,
                "token_endpoint_auth_signing_alg": "HS256" }),
            false,
        ),
        (
            json!({ "token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS256" }),
            true,
        ),
        (
            json!({ "token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "ES256" }),
            false,
        ),
        (json!({ "token_endpoint_auth_signing_alg": "HS256" }), false),
    ] {
        let Value::Object(mut members) = metadata.clone() else { panic!("not an object") };
        members.insert("redirect_uris".to_owned(), json!(["https://a.example/cb"]));
        let validated =
            ClientMetadata::from_json(members).expect("well formed").with_defaults().validate(&policy());
        assert_eq!(validated.is_ok(), sound, "{metadata}");
    }
}
