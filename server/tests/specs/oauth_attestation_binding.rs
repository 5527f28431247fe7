//! Attestation-Based Client Authentication: what an instance of a client got, no other instance can use.

use placet_oauth::grant_type::GrantType;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    attesting::{Backend, WALLETS, headers, post, post_with},
    calling::{self, CIBA, directory},
    device_flow::{self, DEVICE},
    exchanging::{self, EXCHANGE, REFRESH},
    harness::{Browser, CALLBACK, CHALLENGE, HEADLESS, Reply, Stand},
    helpers::{client, text},
    prover::{Prover, code_form, refresh_form},
    sidecar::Sidecar,
};

/// A server, an attester, and two instances of each client.
struct Scene {
    stand: Stand,
    backend: Backend,
    own: Prover,
    other: Prover,
}

impl Scene {
    async fn start() -> Self {
        let backend = Backend::new();
        let stand = backend.stand().await;
        Self { stand, backend, own: Prover::new(), other: Prover::new() }
    }

    async fn post(&self, who: (&str, &Prover), path: &str, form: &[(&str, &str)]) -> Reply {
        post(&self.stand, &self.backend, who, (path, form)).await
    }

    /// The code of a request that an instance pushed, or that nobody did.
    async fn code(&self, client: &str, pushed_by: Option<&Prover>) -> String {
        let mut browser = Browser::new();
        let params = [
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid offline_access"),
            ("prompt", "consent"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let visited = if let Some(instance) = pushed_by {
            let reply = self.post((client, instance), "/par", &params).await;
            assert_eq!(reply.status, 201, "{}", reply.text);
            let request =
                [("client_id", client), ("request_uri", reply.json["request_uri"].as_str().unwrap())];
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(request).finish();
            browser.get(&format!("{}/authorize?{query}", self.stand.issuer)).await
        } else {
            browser.authorize(&self.stand, client, &params).await
        };
        let id = visited.interaction();
        self.stand.finish(&mut browser, &id, "alice").await["code"].clone()
    }

    async fn tokens(&self, client: &str) -> Value {
        let code = self.code(client, None).await;
        let reply = self.post((client, &self.own), "/token", &code_form(&code)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json
    }
}

#[track_caller]
fn assert_not_its(reply: &Reply) {
    assert_eq!((reply.status, reply.error()), (400, "invalid_grant"), "{}", reply.text);
    assert!(reply.text.contains("instance"), "{}", reply.text);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_the_instance_that_got_it() {
    let scene = Scene::start().await;
    for client in WALLETS {
        let mut token = text(&scene.tokens(client).await["refresh_token"]);
        for _ in 0..2 {
            let reply = scene.post((client, &scene.other), "/token", &refresh_form(&token)).await;
            assert_not_its(&reply);
            // Nothing happened to it.
            let reply = scene.post((client, &scene.own), "/token", &refresh_form(&token)).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            let kind = if client == "combined" { "DPoP" } else { "Bearer" };
            assert_eq!(reply.json["token_type"], kind, "what is bound is the refresh token");
            token = text(&reply.json["refresh_token"]);
        }
    }
}

#[tokio::test]
async fn an_attestation_may_be_new_while_the_key_is_the_same() {
    let scene = Scene::start().await;
    let token = text(&scene.tokens("wallet").await["refresh_token"]);
    scene.stand.clock.advance(7200);
    let reply = scene.post(("wallet", &scene.own), "/token", &refresh_form(&token)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn a_code_is_good_for_the_instance_that_pushed_its_request() {
    let scene = Scene::start().await;
    for client in WALLETS {
        let code = scene.code(client, Some(&scene.own)).await;
        let reply = scene.post((client, &scene.other), "/token", &code_form(&code)).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_grant"), "{}", reply.text);
        let reply = scene.post((client, &scene.own), "/token", &code_form(&code)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        // Whose request was not pushed is not known to be anybody's.
        let code = scene.code(client, None).await;
        let reply = scene.post((client, &scene.other), "/token", &code_form(&code)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
}

#[tokio::test]
async fn a_device_code_is_good_for_the_instance_that_asked_for_it() {
    let scene = Scene::start().await;
    let reply = scene.post(("wallet", &scene.own), "/device_authorization", &[("scope", "openid")]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    device_flow::approve(&scene.stand, &mut Browser::new(), &text(&reply.json["user_code"]), "alice").await;
    let device_code = text(&reply.json["device_code"]);
    let form = [("grant_type", DEVICE), ("device_code", device_code.as_str())];
    assert_not_its(&scene.post(("wallet", &scene.other), "/token", &form).await);
    let reply = scene.post(("wallet", &scene.own), "/token", &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn an_auth_req_id_is_good_for_the_instance_that_asked_for_the_user() {
    let backend = Backend::new();
    let sidecar = Sidecar::start(directory).await;
    let stand = Stand::with(|config| {
        config.policy = vec![sidecar.policy("directory", &["ciba.request"])];
        backend.introduce(config);
    })
    .await;
    let scene = Scene { stand, backend, own: Prover::new(), other: Prover::new() };
    let asked = [("scope", "openid email"), ("login_hint", "alice"), ("binding_message", "W4SCT")];
    let reply = scene.post(("wallet", &scene.own), "/bc-authorize", &asked).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let id = text(&reply.json["auth_req_id"]);
    let form = [("grant_type", CIBA), ("auth_req_id", id.as_str())];
    assert_not_its(&scene.post(("wallet", &scene.other), "/token", &form).await);
    calling::approve(&scene.stand, "alice").await;
    assert_not_its(&scene.post(("wallet", &scene.other), "/token", &form).await);
    let reply = scene.post(("wallet", &scene.own), "/token", &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn a_refresh_token_of_another_instance_cannot_be_exchanged() {
    let backend = Backend::new();
    let exchanging = exchanging::Scene::with(|config, _| {
        backend.introduce(config);
        for id in WALLETS {
            client(config, id).metadata.grant_types.as_mut().unwrap().push(GrantType::TokenExchange);
        }
    })
    .await;
    let scene = Scene { stand: exchanging.stand, backend, own: Prover::new(), other: Prover::new() };
    let token = text(&scene.tokens("wallet").await["refresh_token"]);
    let form = [("grant_type", EXCHANGE), ("subject_token", token.as_str()), ("subject_token_type", REFRESH)];
    let reply = scene.post(("wallet", &scene.other), "/token", &form).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{}", reply.text);
    let reply = scene.post(("wallet", &scene.own), "/token", &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn where_no_instance_asks_there_is_no_refresh_token() {
    let backend = Backend::new();
    let stand = Stand::with(|config| {
        backend.introduce(config);
        config.ui[1].direct_grant_clients.push("wallet".to_owned());
    })
    .await;
    let mut got = Vec::new();
    for client in ["web", "wallet"] {
        let grant = json!({ "scope": ["offline_access"] });
        let body = json!({ "client_id": client, "sub": "alice", "grant": grant });
        let reply = stand.call(HEADLESS, Method::POST, "/grants", Some(&body)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        got.push(reply.json.get("refresh_token").is_some());
    }
    assert_eq!(got, [true, false]);
}

#[tokio::test]
async fn who_has_a_refresh_token_and_an_attestation_has_not_the_key() {
    let scene = Scene::start().await;
    let token = text(&scene.tokens("wallet").await["refresh_token"]);
    let rows = scene.stand.rows("SELECT bound FROM families WHERE bound IS NOT NULL");
    let bound: Value = serde_json::from_str(&rows[0]).unwrap();
    assert_eq!(bound, json!({ "instance": scene.own.jkt(), "bearer": true }));
    let form = [&refresh_form(&token)[..], &[("client_id", "wallet")]].concat();
    let reply = post_with(&scene.stand, "/token", &form, &[]).await;
    assert_eq!((reply.status, reply.error()), (401, "invalid_client"), "{}", reply.text);
    let mut mixed = headers(&scene.stand, &scene.backend, ("wallet", &scene.own), "/token");
    mixed[1] = headers(&scene.stand, &scene.backend, ("wallet", &scene.other), "/token").remove(1);
    let reply = post_with(&scene.stand, "/token", &form, &mixed).await;
    assert_eq!(reply.error(), "invalid_client_attestation", "{}", reply.text);
}
