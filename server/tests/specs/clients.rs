//! The clients that every stand knows.

use placet_oauth::client::ClientMetadata;
use placet_server::config::{ClientConfig, ClientSettings};
use serde_json::{Value, json};

use super::{CALLBACK, SECRET};

/// The clients that every stand knows.
pub fn clients() -> Vec<ClientConfig> {
    let metadata = |extra: Value| -> ClientMetadata {
        let mut all = json!({
            "redirect_uris": [CALLBACK],
            "client_name": "Books",
            "scope": "openid profile email address phone offline_access reports.read reports.write",
            "grant_types": ["authorization_code", "refresh_token"],
            "post_logout_redirect_uris": ["https://client.example/bye"],
        });
        all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    };
    let client = |id: &str, secret: bool, extra: Value, settings: ClientSettings| ClientConfig {
        client_id: id.to_owned(),
        secret: secret.then(|| SECRET.to_owned()),
        secret_file: None,
        metadata: metadata(extra),
        settings,
    };
    let opaque = |single_use| ClientSettings {
        access_token: placet_server::config::AccessTokens {
            encoding: Some(placet_sdk::grant::Encoding::Opaque),
            single_use,
            ..Default::default()
        },
        ..ClientSettings::default()
    };
    vec![
        client("web", true, json!({}), ClientSettings::default()),
        client("other", true, json!({}), ClientSettings::default()),
        client("opaque", true, json!({}), opaque(false)),
        client("single", true, json!({}), opaque(true)),
        client("spa", false, json!({ "token_endpoint_auth_method": "none" }), ClientSettings::default()),
        client(
            "pairwise",
            true,
            json!({ "subject_type": "pairwise", "redirect_uris": ["https://pairwise.example/cb"] }),
            ClientSettings::default(),
        ),
        client(
            "hybrid",
            true,
            json!({
                "grant_types": ["authorization_code", "implicit", "refresh_token"],
                "response_types": ["code", "id_token", "id_token token", "code id_token", "code token",
                    "code id_token token"],
            }),
            ClientSettings::default(),
        ),
        client(
            "own",
            true,
            json!({ "client_name": "Own app" }),
            ClientSettings {
                first_party: true,
                consent: placet_server::config::ConsentMode::Implicit,
                ..ClientSettings::default()
            },
        ),
        client(
            "service",
            true,
            json!({ "grant_types": ["client_credentials"], "redirect_uris": null,
                "scope": "reports.read reports.write" }),
            ClientSettings::default(),
        ),
        client(
            "api",
            true,
            json!({ "grant_types": ["client_credentials"], "redirect_uris": null, "scope": "reports.read" }),
            ClientSettings { resources: vec!["https://api.example".to_owned()], ..ClientSettings::default() },
        ),
        client(
            "post",
            true,
            json!({ "token_endpoint_auth_method": "client_secret_post" }),
            ClientSettings::default(),
        ),
    ]
}
