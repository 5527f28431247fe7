//! What becomes of exchanged tokens: they are had for live tokens only, live no longer than those, and die with them.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    exchanging::{ACCESS, ID, REFRESH, SHIPPING, Scene, code},
    granting::tokens_of,
    harness::{CALLBACK, HEADLESS, claims},
    helpers::{client, refresh, text},
};

const CHAIN: [(&str, &str); 1] = [("resource", SHIPPING)];

/// What a user holds, what `api` got for it, and what `shipping` got for that.
struct Chain {
    access: Value,
    refresh: Value,
    id: Value,
    first: Value,
    second: Value,
}

impl Chain {
    async fn of(scene: &Scene, tokens: &Value) -> Self {
        let first = scene.exchanged("api", &text(&tokens["access_token"]), &CHAIN).await;
        let second = scene.exchanged("shipping", &text(&first["access_token"]), &[]).await;
        Self {
            access: tokens["access_token"].clone(),
            refresh: tokens["refresh_token"].clone(),
            id: tokens["id_token"].clone(),
            first: first["access_token"].clone(),
            second: second["access_token"].clone(),
        }
    }

    /// Whether these count: the access token, the refresh token, and the two that were exchanged.
    async fn live(&self, scene: &Scene) -> [bool; 4] {
        [
            scene.is_live("web", &self.access).await,
            scene.is_live("web", &self.refresh).await,
            scene.is_live("api", &self.first).await,
            scene.is_live("shipping", &self.second).await,
        ]
    }

    /// That nothing of it is exchanged any more, and no policy is asked about it.
    async fn is_over(&self, scene: &Scene) {
        for (client, token, kind) in [
            ("web", &self.access, ACCESS),
            ("web", &self.refresh, REFRESH),
            ("web", &self.id, ID),
            ("api", &self.access, ACCESS),
            ("shipping", &self.first, ACCESS),
            ("shipping", &self.second, ACCESS),
        ] {
            let kind = [("subject_token_type", kind)];
            scene.refused_unasked(client, &text(token), &kind, "invalid_request").await;
        }
    }
}

async fn revoke(scene: &Scene, client: &str, token: &Value) {
    assert_eq!(scene.stand.post("/revoke", client, &[("token", &text(token))]).await.status, 200);
}

async fn call(scene: &Scene, method: Method, path: &str, body: Option<&Value>) -> Value {
    let reply = scene.stand.call(HEADLESS, method, path, body).await;
    assert!(reply.status < 300, "{path}: {}", reply.text);
    reply.json
}

/// The entry of a list that is of no other client than `web`.
async fn only(scene: &Scene, path: &str) -> String {
    let list = call(scene, Method::GET, path, None).await;
    let items = list["items"].as_array().unwrap();
    let own = items.iter().find(|item| item.get("client_id").is_none_or(|client| client == "web"));
    text(&own.expect("it is there")["id"])
}

async fn report(scene: &Scene, what: &str, sub: &str) {
    call(scene, Method::POST, "/reports", Some(&json!({ "type": what, "sub": sub }))).await;
}

#[tokio::test]
async fn what_a_revoked_access_token_was_exchanged_for_dies_with_it_and_nothing_else() {
    let scene = Scene::start().await;
    let tokens = scene.user("alice").await;
    let chain = Chain::of(&scene, &tokens).await;
    let sibling = refresh(&scene.stand, "web", &text(&tokens["refresh_token"])).await.json;
    let other = Chain::of(&scene, &sibling).await;
    revoke(&scene, "web", &chain.access).await;
    assert_eq!(
        chain.live(&scene).await,
        [false, false, false, false],
        "its refresh token was replaced before"
    );
    assert_eq!(other.live(&scene).await, [true; 4]);
    revoke(&scene, "api", &other.first).await;
    assert_eq!(other.live(&scene).await, [true, true, false, false]);

    let opaque = scene.tokens("opaque", CALLBACK, "alice", &json!({})).await;
    let issued = scene.exchanged("opaque", &text(&opaque["access_token"]), &[]).await;
    let again = scene.exchanged("opaque", &text(&issued["access_token"]), &[]).await;
    revoke(&scene, "opaque", &opaque["access_token"]).await;
    for token in [&issued, &again] {
        assert!(!scene.is_live("opaque", &token["access_token"]).await);
    }
    assert!(scene.is_live("opaque", &opaque["refresh_token"]).await);
}

#[tokio::test]
async fn the_end_of_an_authorization_is_that_of_everything_exchanged() {
    let scene = Scene::start().await;
    let chain = Chain::of(&scene, &scene.user("alice").await).await;
    let of_id = scene.exchanged("web", &text(&chain.id), &[("subject_token_type", ID)]).await;
    let of_refresh = scene.exchanged("web", &text(&chain.refresh), &[("subject_token_type", REFRESH)]).await;
    let spared = Chain::of(&scene, &scene.user("bob").await).await;
    revoke(&scene, "web", &chain.refresh).await;
    assert_eq!(chain.live(&scene).await, [false; 4]);
    for issued in [&of_id, &of_refresh] {
        assert!(!scene.is_live("web", &issued["access_token"]).await);
    }
    chain.is_over(&scene).await;
    assert_eq!(spared.live(&scene).await, [true; 4]);
}

#[tokio::test]
async fn a_code_or_a_refresh_token_that_comes_back_ends_what_was_exchanged() {
    let scene = Scene::start().await;
    let code = code(&scene.stand).await;
    let tokens = scene.stand.redeem("web", &code).await.json;
    let chain = Chain::of(&scene, &tokens).await;
    assert_eq!(scene.stand.redeem("web", &code).await.error(), "invalid_grant");
    assert_eq!(chain.live(&scene).await, [false; 4]);
    chain.is_over(&scene).await;

    let tokens = scene.user("alice").await;
    let chain = Chain::of(&scene, &tokens).await;
    let second = refresh(&scene.stand, "web", &text(&tokens["refresh_token"])).await.json;
    assert_eq!(refresh(&scene.stand, "web", &text(&second["refresh_token"])).await.status, 200);
    assert_eq!(refresh(&scene.stand, "web", &text(&tokens["refresh_token"])).await.error(), "invalid_grant");
    assert_eq!(chain.live(&scene).await, [false; 4]);
}

#[tokio::test]
async fn a_session_a_consent_and_an_account_end_what_was_exchanged() {
    let scene = Scene::start().await;
    let end_session = async || {
        let id = only(&scene, "/sessions?sub=alice").await;
        call(&scene, Method::DELETE, &format!("/sessions/{id}"), None).await;
    };
    // With offline access a grant outlives its session, and so does what it was exchanged for.
    let offline = Chain::of(&scene, &scene.user("alice").await).await;
    end_session().await;
    assert_eq!(offline.live(&scene).await, [true; 4]);
    let id = only(&scene, "/authorizations?sub=alice").await;
    call(&scene, Method::DELETE, &format!("/authorizations/{id}"), None).await;
    assert_eq!(offline.live(&scene).await, [false; 4]);

    let issue = json!({ "refresh_token": { "issue": true } });
    let asked = ("alice", "openid reports.read", &issue);
    let online = Chain::of(&scene, &tokens_of(&scene.stand, ("web", CALLBACK), asked).await).await;
    assert_eq!(online.live(&scene).await, [true; 4]);
    end_session().await;
    assert_eq!(online.live(&scene).await, [false; 4]);
    online.is_over(&scene).await;

    let code = code(&scene.stand).await;
    let tokens = scene.stand.redeem("web", &code).await.json;
    let chain = Chain::of(&scene, &tokens).await;
    let id = only(&scene, "/consents?sub=alice").await;
    call(&scene, Method::DELETE, &format!("/consents/{id}"), None).await;
    assert_eq!(chain.live(&scene).await, [false; 4]);

    let chain = Chain::of(&scene, &scene.user("alice").await).await;
    report(&scene, "account.disabled", "alice").await;
    report(&scene, "account.enabled", "alice").await;
    assert_eq!(chain.live(&scene).await, [false; 4], "and nothing comes back");
    chain.is_over(&scene).await;
}

#[tokio::test]
async fn an_actor_takes_along_what_was_exchanged_with_its_token() {
    let scene = Scene::start().await;
    let access = text(&scene.user("alice").await["access_token"]);
    let with = async |actor: &str| {
        let extra = [("actor_token", actor), ("actor_token_type", ACCESS), ("resource", SHIPPING)];
        let first = scene.exchanged("api", &access, &extra).await;
        let second = scene.exchanged("shipping", &text(&first["access_token"]), &[]).await;
        [("api", first["access_token"].clone()), ("shipping", second["access_token"].clone())]
    };
    let own = scene.own_token("api").await;
    let another = scene.own_token("api").await;
    let (dying, living) = (with(&own).await, with(&another).await);
    revoke(&scene, "api", &own.into()).await;
    let bob = text(&scene.user("bob").await["access_token"]);
    let by_bob = with(&bob).await;
    report(&scene, "account.disabled", "bob").await;
    for (tokens, live) in [(&dying, false), (&living, true), (&by_bob, false)] {
        for (client, token) in tokens {
            assert_eq!(scene.is_live(client, token).await, live, "{client}");
        }
    }
    assert!(scene.stand.is_active("web", &access).await, "the subject token lives");
}

#[tokio::test]
async fn a_deleted_client_takes_along_what_was_exchanged_for_its_tokens() {
    let scene = Scene::start().await;
    let register = json!({ "redirect_uris": [CALLBACK], "client_name": "Own", "scope": "openid" });
    let stand = &scene.stand;
    let request = stand.http.post(format!("{}/register", stand.issuer)).json(&register);
    let registered: Value = request.send().await.unwrap().json().await.unwrap();
    let id = text(&registered["client_id"]);
    // The operator lets it have tokens of its own, and `api` exchange them.
    let mut record = stand.server.store().client(&id).await.unwrap().unwrap();
    record.doc =
        record.doc.replace("[\"authorization_code\"]", "[\"authorization_code\",\"client_credentials\"]");
    record.doc = record.doc.replace("\"audience\":[]", "\"audience\":[\"https://api.example\"]");
    assert!(stand.server.store().update_client(record, Vec::new()).await.unwrap());
    stand.server.forget_client(&id).await;
    let form = [("grant_type", "client_credentials")];
    let request = stand
        .http
        .post(format!("{}/token", stand.issuer))
        .basic_auth(&id, registered["client_secret"].as_str());
    let own: Value = request.form(&form).send().await.unwrap().json().await.unwrap();
    let issued = scene.exchanged("api", &text(&own["access_token"]), &CHAIN).await;
    let second = scene.exchanged("shipping", &text(&issued["access_token"]), &[]).await;
    assert_eq!(claims(&text(&second["access_token"]))["sub"], id, "a client exchanges for itself");
    let access = text(&scene.user("alice").await["access_token"]);
    let acting = [("actor_token", own["access_token"].as_str().unwrap()), ("actor_token_type", ACCESS)];
    let acted = scene.exchanged("api", &access, &acting).await;
    let delete = stand.http.delete(registered["registration_client_uri"].as_str().unwrap());
    let deleted = delete.bearer_auth(registered["registration_access_token"].as_str().unwrap()).send().await;
    assert_eq!(deleted.unwrap().status(), 204);
    for (client, issued) in [("api", &issued), ("shipping", &second), ("api", &acted)] {
        assert!(!scene.is_live(client, &issued["access_token"]).await, "{client}");
    }
    scene.refused_unasked("api", &text(&own["access_token"]), &[], "invalid_request").await;
}

#[tokio::test]
async fn nothing_lives_longer_than_what_it_was_exchanged_for() {
    let scene = Scene::with(|config, _| {
        client(config, "api").settings.access_token.lifetime = Some(3_600);
        client(config, "shipping").settings.access_token.lifetime = Some(100);
    })
    .await;
    let access = text(&scene.user("alice").await["access_token"]);
    scene.stand.clock.advance(500);
    let own = scene.own_token("shipping").await;
    let first = scene.exchanged("api", &access, &CHAIN).await;
    assert_eq!(first["expires_in"], 100);
    assert_eq!(claims(&text(&first["access_token"]))["exp"], claims(&access)["exp"]);
    scene.sets(&json!({ "access_token": { "lifetime": 101 } }));
    assert_eq!(scene.exchange("api", &access, &CHAIN).await.status, 503);
    scene.answers(json!({ "decision": "allow" }));
    scene.stand.clock.advance(40);
    let acting = [("actor_token", own.as_str()), ("actor_token_type", ACCESS)];
    let second = scene.exchanged("shipping", &text(&first["access_token"]), &acting).await;
    assert_eq!(second["expires_in"], 60);
    scene.stand.clock.advance(60);
    for (client, token) in [("web", &access), ("api", &text(&first["access_token"]))] {
        scene.refused_unasked(client, token, &[], "invalid_request").await;
    }
    assert!(!scene.is_live("shipping", &second["access_token"]).await);
}

#[tokio::test]
async fn no_exchange_escapes_a_revocation_that_it_races_with() {
    let scene = Arc::new(Scene::start().await);
    for round in 0..6 {
        let tokens = scene.user("alice").await;
        let access = text(&tokens["access_token"]);
        let racing: Vec<_> = (0..6)
            .map(|_| {
                let (scene, access) = (scene.clone(), access.clone());
                tokio::spawn(async move { scene.exchange("api", &access, &[]).await })
            })
            .collect();
        tokio::task::yield_now().await;
        revoke(
            &scene,
            "web",
            if round % 2 == 0 { &tokens["access_token"] } else { &tokens["refresh_token"] },
        )
        .await;
        for exchange in racing {
            let reply = exchange.await.unwrap();
            assert!(reply.status == 200 || reply.error() == "invalid_request", "{}", reply.text);
            if reply.status == 200 {
                assert!(!scene.is_live("api", &reply.json["access_token"]).await, "round {round}");
            }
        }
    }
}
