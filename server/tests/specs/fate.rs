//! What dies with what: one test for each row of the table in `docs/fate.md`.

use reqwest::Method;
use serde_json::{Value, json};

use placet_sdk::grant::Rotation;
use placet_server::config::{Config, Tokens};

use super::{
    TOKENS, administering,
    exchanging::{ACCESS, SHIPPING, Scene, code},
    granting::tokens_of,
    harness::{Browser, CALLBACK, HEADLESS, VERIFIER},
    helpers::{client, header, refresh, text},
    leaving::log_out,
    openid_native_sso::{self, SCOPE, Shared, signed_in},
};

/// What a user granted to `web`, and what `api` exchanged it for.
struct Held {
    access: Value,
    refresh: Value,
    derived: Value,
}

impl Held {
    async fn of(scene: &Scene, tokens: &Value) -> Self {
        let derived = scene.exchanged("api", &text(&tokens["access_token"]), &[("resource", SHIPPING)]).await;
        Self {
            access: tokens["access_token"].clone(),
            refresh: tokens["refresh_token"].clone(),
            derived: derived["access_token"].clone(),
        }
    }

    /// Granted for good, in a session of its own.
    async fn offline(scene: &Scene, sub: &str) -> Self {
        Self::of(scene, &scene.user(sub).await).await
    }

    /// Granted for as long as the session, which is one of its own.
    async fn online(scene: &Scene, sub: &str) -> Self {
        let issue = json!({ "refresh_token": { "issue": true } });
        let asked = (sub, "openid reports.read", &issue);
        Self::of(scene, &tokens_of(&scene.stand, ("web", CALLBACK), asked).await).await
    }

    /// Granted for as long as the session of this browser.
    async fn in_browser(scene: &Scene, browser: &mut Browser) -> Self {
        let params = scene.stand.sign_in(browser, "web", &[("scope", "reports.read")]).await;
        Self::of(scene, &scene.stand.redeem("web", &params["code"]).await.json).await
    }

    /// Which of the access token, the refresh token and the exchanged token count.
    async fn live(&self, scene: &Scene) -> [bool; 3] {
        [
            scene.is_live("web", &self.access).await,
            scene.is_live("web", &self.refresh).await,
            scene.is_live("api", &self.derived).await,
        ]
    }

    /// That all of it counts.
    async fn lives(&self, scene: &Scene) {
        assert_eq!(self.live(scene).await, [true; 3]);
    }

    /// That nothing of it counts, wherever it is shown.
    async fn is_over(&self, scene: &Scene) {
        assert_eq!(self.live(scene).await, [false; 3]);
        let (access, token) = (text(&self.access), text(&self.refresh));
        assert_eq!(scene.stand.userinfo(&access).await.status, 401);
        assert_eq!(refresh(&scene.stand, "web", &token).await.error(), "invalid_grant");
        for token in [&access, &text(&self.derived)] {
            scene.refused_unasked("api", token, &[], "invalid_request").await;
        }
    }
}

async fn scene() -> Scene {
    Scene::with(|config, _| {
        keep(config);
        administering::admit(config);
        client(config, "shipping").settings.introspect_all = true;
    })
    .await
}

/// Tokens that carry everything themselves are good again and again, so that nothing but a revocation ends them.
fn keep(config: &mut Config) {
    config.tokens = TOKENS;
    if TOKENS == Tokens::Stateless {
        client(config, "web").settings.refresh_token.rotation = Some(Rotation::Never);
    }
}

async fn ui(scene: &Scene, method: Method, path: &str, body: Option<&Value>) -> Value {
    let reply = scene.stand.call(HEADLESS, method, path, body).await;
    assert!(reply.status < 300, "{path}: {}", reply.text);
    reply.json
}

async fn admin(scene: &Scene, method: Method, path: &str, body: Option<&Value>) -> Value {
    let reply = administering::call(&scene.stand, administering::TOKEN, method, path, body).await;
    assert!(reply.status < 300, "{path}: {}", reply.text);
    reply.json
}

async fn revoke_all(scene: &Scene, whose: &Value) {
    admin(scene, Method::POST, "/revocations", Some(whose)).await;
}

async fn revoke(scene: &Scene, client: &str, token: &Value) {
    assert_eq!(scene.stand.post("/revoke", client, &[("token", &text(token))]).await.status, 200);
}

/// The ids of a list of things of `web`.
async fn ids(scene: &Scene, path: &str) -> Vec<String> {
    let list = ui(scene, Method::GET, path, None).await;
    let own = |item: &&Value| item.get("client_id").is_none_or(|client| client == "web");
    list["items"].as_array().unwrap().iter().filter(own).map(|item| text(&item["id"])).collect()
}

/// What `api` gets for a subject token with an actor token.
async fn acted(scene: &Scene, subject: &Value, actor: &str) -> Value {
    let extra = [("actor_token", actor), ("actor_token_type", ACCESS)];
    scene.exchanged("api", &text(subject), &extra).await["access_token"].clone()
}

#[test]
fn every_row_of_the_table_has_its_test_and_every_test_its_row() {
    let table = include_str!("../../../docs/fate.md");
    let source = include_str!("fate.rs");
    let rows: Vec<_> = table.lines().filter_map(|line| line.strip_suffix("` |")?.rsplit_once('`')).collect();
    assert!(rows.len() > 10, "there is no table");
    for (row, test) in &rows {
        assert!(source.contains(&format!("async fn {test}()")), "{row}");
    }
    assert_eq!(source.matches("#[tokio::test]\nasync fn").count(), rows.len());
}

#[tokio::test]
async fn a_code_is_used_again() {
    let scene = scene().await;
    let spared = Held::offline(&scene, "alice").await;
    let code = code(&scene.stand).await;
    let held = Held::of(&scene, &scene.stand.redeem("web", &code).await.json).await;
    assert_eq!(scene.stand.redeem("web", &code).await.error(), "invalid_grant");
    held.is_over(&scene).await;
    spared.lives(&scene).await;
}

#[tokio::test]
async fn a_refresh_token_is_used_again() {
    let scene = Scene::with(|config, _| {
        administering::admit(config);
        config.tokens = TOKENS;
    })
    .await;
    let (held, spared) = (Held::offline(&scene, "alice").await, Held::offline(&scene, "alice").await);
    let second = refresh(&scene.stand, "web", &text(&held.refresh)).await.json;
    let third = refresh(&scene.stand, "web", &text(&second["refresh_token"])).await.json;
    assert_eq!(refresh(&scene.stand, "web", &text(&held.refresh)).await.error(), "invalid_grant");
    assert!(!scene.is_live("web", &third["access_token"]).await);
    held.is_over(&scene).await;
    spared.lives(&scene).await;
}

#[tokio::test]
async fn a_refresh_token_is_revoked() {
    let scene = scene().await;
    let (held, spared) = (Held::offline(&scene, "alice").await, Held::offline(&scene, "alice").await);
    revoke(&scene, "web", &held.refresh).await;
    held.is_over(&scene).await;
    spared.lives(&scene).await;
}

#[tokio::test]
async fn an_access_token_is_revoked() {
    let scene = scene().await;
    let held = Held::offline(&scene, "alice").await;
    revoke(&scene, "web", &held.access).await;
    assert_eq!(held.live(&scene).await, [false, true, false]);
    assert_eq!(refresh(&scene.stand, "web", &text(&held.refresh)).await.status, 200);
}

#[tokio::test]
async fn a_session_ends() {
    let scene = scene().await;
    let (offline, online) = (Held::offline(&scene, "alice").await, Held::online(&scene, "alice").await);
    let of_bob = Held::online(&scene, "bob").await;
    let mut browser = Browser::new();
    let here = Held::in_browser(&scene, &mut browser).await;
    log_out(&scene.stand, &mut browser, "session", &[]).await;
    here.is_over(&scene).await;
    online.lives(&scene).await;
    for id in ids(&scene, "/sessions?sub=alice").await {
        ui(&scene, Method::DELETE, &format!("/sessions/{id}"), None).await;
    }
    online.is_over(&scene).await;
    offline.lives(&scene).await;
    of_bob.lives(&scene).await;
}

#[tokio::test]
async fn a_session_is_over_by_time() {
    let scene = Scene::with(|config, _| {
        keep(config);
        config.lifetimes.session_idle = 60;
    })
    .await;
    let mut browser = Browser::new();
    let held = Held::in_browser(&scene, &mut browser).await;
    scene.stand.clock.advance(61);
    let silent = browser.authorize(&scene.stand, "web", &[("prompt", "none")]).await.params();
    assert_eq!(silent["error"], "login_required");
    held.lives(&scene).await;
    assert!(scene.stand.rows("SELECT id FROM deliveries").is_empty());
}

#[tokio::test]
async fn one_application_is_signed_out() {
    let scene = scene().await;
    let mut browser = Browser::new();
    let held = Held::in_browser(&scene, &mut browser).await;
    let params = scene.stand.sign_in(&mut browser, "other", &[]).await;
    let other = scene.stand.redeem("other", &params["code"]).await.json;
    log_out(&scene.stand, &mut browser, "client", &[("client_id", "web")]).await;
    held.is_over(&scene).await;
    assert!(scene.is_live("other", &other["access_token"]).await);
    assert_eq!(scene.stand.rows("SELECT destination FROM deliveries"), ["web"]);
    let silent = browser.authorize(&scene.stand, "other", &[("prompt", "none")]).await.params();
    assert!(silent.contains_key("code"), "{silent:?}");
}

#[tokio::test]
async fn a_user_is_signed_out_everywhere() {
    let scene = scene().await;
    let (offline, online) = (Held::offline(&scene, "alice").await, Held::online(&scene, "alice").await);
    let of_bob = Held::online(&scene, "bob").await;
    ui(&scene, Method::DELETE, "/sessions?sub=alice", None).await;
    online.is_over(&scene).await;
    offline.lives(&scene).await;
    of_bob.lives(&scene).await;
    assert!(ids(&scene, "/sessions?sub=alice").await.is_empty());
    assert_eq!(scene.stand.rows("SELECT destination FROM deliveries"), ["web", "web"]);
}

#[tokio::test]
async fn a_consent_is_deleted() {
    let scene = scene().await;
    let code = code(&scene.stand).await;
    let held = Held::of(&scene, &scene.stand.redeem("web", &code).await.json).await;
    let of_bob = Held::offline(&scene, "bob").await;
    for id in ids(&scene, "/consents?sub=alice").await {
        ui(&scene, Method::DELETE, &format!("/consents/{id}"), None).await;
    }
    held.is_over(&scene).await;
    of_bob.lives(&scene).await;
    assert_eq!(ids(&scene, "/sessions?sub=alice").await.len(), 1, "the session lives");
}

#[tokio::test]
async fn an_authorization_is_revoked() {
    let scene = scene().await;
    let held = Held::offline(&scene, "alice").await;
    let [id] = ids(&scene, "/authorizations?sub=alice").await.try_into().unwrap();
    let spared = Held::offline(&scene, "alice").await;
    admin(&scene, Method::DELETE, &format!("/authorizations/{id}"), None).await;
    held.is_over(&scene).await;
    spared.lives(&scene).await;
}

/// A client that an admin registers: what a user grants to it, and what it gets for itself.
async fn registered(scene: &Scene) -> (String, String) {
    let metadata = json!({
        "redirect_uris": [CALLBACK], "scope": "openid reports.read",
        "grant_types": ["authorization_code", "client_credentials"],
    });
    let write = json!({ "client_id": "mine", "metadata": metadata, "settings": {} });
    let secret = text(&admin(scene, Method::POST, "/clients", Some(&write)).await["client_secret"]);
    let asked = [("scope", "openid reports.read")];
    let params = scene.stand.sign_in(&mut Browser::new(), "mine", &asked).await;
    let redeemed = [
        ("grant_type", "authorization_code"),
        ("code", params["code"].as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let token = async |form: &[(&str, &str)]| {
        let request = scene.stand.http.post(format!("{}/token", scene.stand.issuer));
        let reply = request.basic_auth("mine", Some(&secret)).form(form).send().await.unwrap();
        text(&reply.json::<Value>().await.unwrap()["access_token"])
    };
    (token(&redeemed).await, token(&[("grant_type", "client_credentials")]).await)
}

#[tokio::test]
async fn a_client_is_deleted() {
    let scene = scene().await;
    let (granted, own) = registered(&scene).await;
    let spared = Held::offline(&scene, "alice").await;
    let counts = async |token: &str| scene.is_live("shipping", &token.into()).await;
    assert_eq!(scene.stand.userinfo(&granted).await.status, 200);
    assert!(counts(&own).await);
    admin(&scene, Method::DELETE, "/clients/mine", None).await;
    assert_eq!(scene.stand.userinfo(&granted).await.status, 401);
    assert!(!counts(&own).await);
    spared.lives(&scene).await;
    let (_, newer) = registered(&scene).await;
    assert_eq!(scene.stand.userinfo(&granted).await.status, 401);
    assert!(!counts(&own).await, "another client of this id is another client");
    assert!(counts(&newer).await);
}

#[tokio::test]
async fn a_user_is_disabled() {
    let scene = scene().await;
    let (held, of_bob) = (Held::offline(&scene, "alice").await, Held::offline(&scene, "bob").await);
    let acting = acted(&scene, &of_bob.access, &text(&held.access)).await;
    admin(&scene, Method::PUT, "/subjects/alice", Some(&json!({ "disabled": true }))).await;
    held.is_over(&scene).await;
    of_bob.lives(&scene).await;
    assert!(!scene.is_live("api", &acting).await, "where she acted for bob");
    admin(&scene, Method::PUT, "/subjects/alice", Some(&json!({ "disabled": false }))).await;
    held.is_over(&scene).await;
}

#[tokio::test]
async fn an_actor_token_is_revoked() {
    let scene = scene().await;
    let (held, of_bob) = (Held::offline(&scene, "alice").await, Held::offline(&scene, "bob").await);
    let acting = acted(&scene, &of_bob.access, &text(&held.access)).await;
    revoke(&scene, "web", &held.access).await;
    assert!(!scene.is_live("api", &acting).await);
    of_bob.lives(&scene).await;
}

#[tokio::test]
async fn everything_of_a_user_is_revoked() {
    let scene = scene().await;
    let (held, of_bob) = (Held::offline(&scene, "alice").await, Held::offline(&scene, "bob").await);
    let acting = acted(&scene, &of_bob.access, &text(&held.access)).await;
    let unredeemed = code(&scene.stand).await;
    revoke_all(&scene, &json!({ "sub": "alice" })).await;
    held.is_over(&scene).await;
    of_bob.lives(&scene).await;
    assert!(!scene.is_live("api", &acting).await, "where she acted for bob");
    assert_eq!(scene.stand.redeem("web", &unredeemed).await.error(), "invalid_grant");
    assert!(ids(&scene, "/sessions?sub=alice").await.is_empty());
    assert_eq!(scene.stand.rows("SELECT destination FROM deliveries"), ["web", "web"], "the client is told");
    Held::offline(&scene, "alice").await.lives(&scene).await;
    let sub_id = json!({ "format": "iss_sub", "iss": scene.stand.issuer, "sub": "bob" });
    admin(&scene, Method::POST, "/global-token-revocation", Some(&json!({ "sub_id": sub_id }))).await;
    of_bob.is_over(&scene).await;
}

#[tokio::test]
async fn everything_of_a_client_is_revoked() {
    let scene = scene().await;
    let held = Held::offline(&scene, "alice").await;
    let other = scene.tokens("opaque", CALLBACK, "alice", &json!({})).await;
    let unredeemed = code(&scene.stand).await;
    revoke_all(&scene, &json!({ "client_id": "web" })).await;
    held.is_over(&scene).await;
    assert_eq!(scene.stand.redeem("web", &unredeemed).await.error(), "invalid_grant");
    assert!(scene.is_live("opaque", &other["access_token"]).await);
    assert_eq!(ids(&scene, "/sessions?sub=alice").await.len(), 3, "sessions live");
    Held::offline(&scene, "alice").await.lives(&scene).await;

    // A token for itself, and one that it got as somebody who acts.
    let (own, of_another) = (scene.own_token("api").await, scene.own_token("shipping").await);
    let held = Held::offline(&scene, "alice").await;
    let acting = acted(&scene, &held.access, &own).await;
    revoke_all(&scene, &json!({ "client_id": "api" })).await;
    assert!(!scene.is_live("api", &own.clone().into()).await);
    assert_eq!(held.live(&scene).await, [true, true, false], "what it had exchanged ends");
    assert!(!scene.is_live("api", &acting).await);
    assert!(scene.is_live("shipping", &of_another.into()).await);
    let actor = [("actor_token", own.as_str()), ("actor_token_type", ACCESS)];
    scene.refused_unasked("api", &text(&held.access), &actor, "invalid_request").await;
    let newer = scene.own_token("api").await;
    assert!(scene.is_live("api", &newer.into()).await, "what it gets from now on counts");
}

#[tokio::test]
async fn everything_of_an_actor_is_revoked() {
    let scene = scene().await;
    let (held, of_bob) = (Held::offline(&scene, "alice").await, Held::offline(&scene, "bob").await);
    let by_alice = acted(&scene, &of_bob.access, &text(&held.access)).await;
    let own = scene.own_token("api").await;
    let by_client = acted(&scene, &of_bob.access, &own).await;
    revoke_all(&scene, &json!({ "actor": "alice" })).await;
    assert!(!scene.is_live("api", &by_alice).await);
    assert!(scene.is_live("api", &by_client).await);
    held.lives(&scene).await;
    of_bob.lives(&scene).await;
    revoke_all(&scene, &json!({ "actor": "api" })).await;
    assert!(!scene.is_live("api", &by_client).await);
    assert!(scene.is_live("api", &own.into()).await, "its own token lives");
    of_bob.lives(&scene).await;
}

#[tokio::test]
async fn everything_of_everybody_is_revoked() {
    let scene = scene().await;
    let (held, of_bob) = (Held::offline(&scene, "alice").await, Held::online(&scene, "bob").await);
    let opaque = scene.tokens("opaque", CALLBACK, "alice", &json!({})).await;
    let (own, unredeemed) = (scene.own_token("api").await, code(&scene.stand).await);
    revoke_all(&scene, &json!({ "everybody": true })).await;
    held.is_over(&scene).await;
    of_bob.is_over(&scene).await;
    assert!(!scene.is_live("opaque", &opaque["access_token"]).await);
    assert!(!scene.is_live("api", &own.into()).await);
    assert_eq!(scene.stand.redeem("web", &unredeemed).await.error(), "invalid_grant");
    assert_eq!(scene.stand.rows("SELECT id FROM sessions WHERE ended_at IS NULL"), [""; 0]);
    assert_eq!(
        scene.stand.rows("SELECT id FROM deliveries").len(),
        4,
        "the clients of all sessions are told"
    );
    Held::offline(&scene, "alice").await.lives(&scene).await;
    let newer = scene.own_token("api").await;
    assert!(scene.is_live("api", &newer.into()).await);
}

#[tokio::test]
async fn a_device_secret_loses_what_it_belongs_to() {
    let scene = Scene::with(|config, _| {
        openid_native_sso::applications(config);
        config.tokens = TOKENS;
    })
    .await;
    let shared = Shared::by_notes(&scene).await;
    let issued = shared.used(&scene, "mail", &[("scope", "openid")]).await;
    let of_bob = Shared::of(&signed_in(&scene, "notes", ("bob", SCOPE)).await);
    ui(&scene, Method::DELETE, "/sessions?sub=alice", None).await;
    shared.refused(&scene, "mail", (&[], "invalid_grant")).await;
    assert!(!scene.is_live("mail", &issued["access_token"]).await);
    assert_eq!(
        scene.stand.rows("SELECT destination FROM deliveries ORDER BY destination"),
        ["mail", "notes"]
    );
    of_bob.used(&scene, "mail", &[]).await;
}

#[tokio::test]
async fn a_key_is_revoked() {
    let scene = scene().await;
    let held = Held::offline(&scene, "alice").await;
    let kid = text(&header(&text(&held.access))["kid"]);
    admin(&scene, Method::POST, &format!("/keys/{kid}:revoke"), None).await;
    assert_eq!(held.live(&scene).await, [false, true, false]);
    let again = refresh(&scene.stand, "web", &text(&held.refresh)).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert!(scene.is_live("web", &again.json["access_token"]).await);
}
