//! OpenID Connect Native SSO for Mobile Apps 1.0: applications of one vendor on one device share a sign-in.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::client::AuthMethod;
use placet_server::config::{Config, ConsentMode};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    exchanging::{ACCESS, EXCHANGE, ID, REFRESH, Scene},
    granting::tokens_of,
    harness::{Browser, CALLBACK, HEADLESS, Reply, claims},
    helpers::{client, configured, refresh, text},
};

/// The type of device secrets.
const DEVICE_SECRET: &str = "urn:openid:params:token-type:device-secret";
/// What the first application asks for.
pub const SCOPE: &str = "openid profile email device_sso";

/// Applications: `notes` and `maps` ask their users, `mail` is one that the operator answers for, `strict` asks each time;
/// `rival` is of another vendor, and `loner` of none.
pub fn applications(config: &mut Config) {
    config.native_sso.groups = vec!["acme".to_owned(), "umbrella".to_owned()];
    for (id, group, consent) in [
        ("notes", Some("acme"), ConsentMode::Explicit),
        ("maps", Some("acme"), ConsentMode::Explicit),
        ("mail", Some("acme"), ConsentMode::Implicit),
        ("strict", Some("acme"), ConsentMode::Always),
        ("rival", Some("umbrella"), ConsentMode::Implicit),
        ("loner", None, ConsentMode::Implicit),
    ] {
        let metadata = json!({
            "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token", EXCHANGE],
            "scope": "openid profile email offline_access device_sso reports.read",
        });
        let mut app = configured(id, &metadata);
        app.settings.native_sso = group.map(str::to_owned);
        app.settings.first_party = true;
        app.settings.consent = consent;
        config.clients.push(app);
    }
}

async fn scene() -> Scene {
    Scene::with(|config, _| applications(config)).await
}

/// A sign-in of a user to an application, in a browser of its own.
pub async fn signed_in(scene: &Scene, app: &str, (sub, scope): (&str, &str)) -> Value {
    let mut browser = Browser::new();
    let extra = [("scope", scope), ("prompt", "consent")];
    let id = browser.authorize(&scene.stand, app, &extra).await.interaction();
    let params = scene.stand.finish(&mut browser, &id, sub).await;
    let reply = scene.stand.redeem(app, &params["code"]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

/// What an application has that others of the device can use.
pub struct Shared {
    id_token: String,
    secret: String,
}

impl Shared {
    /// As a token response has it.
    pub fn of(tokens: &Value) -> Self {
        Self { id_token: text(&tokens["id_token"]), secret: text(&tokens["device_secret"]) }
    }

    /// What alice signed in to `notes` with.
    pub async fn by_notes(scene: &Scene) -> Self {
        Self::of(&signed_in(scene, "notes", ("alice", SCOPE)).await)
    }

    /// What another application presents; `extra` parameters replace the usual ones, an empty one leaves them out.
    fn form<'a>(&'a self, issuer: &'a str, extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let usual = [
            ("grant_type", EXCHANGE),
            ("subject_token", self.id_token.as_str()),
            ("subject_token_type", ID),
            ("actor_token", self.secret.as_str()),
            ("actor_token_type", DEVICE_SECRET),
            ("audience", issuer),
        ];
        let mut form: Vec<_> =
            usual.into_iter().filter(|(name, _)| extra.iter().all(|(n, _)| n != name)).collect();
        form.extend(extra.iter().copied().filter(|(_, value)| !value.is_empty()));
        form
    }

    async fn present(&self, scene: &Scene, app: &str, extra: &[(&str, &str)]) -> Reply {
        scene.stand.post("/token", app, &self.form(&scene.stand.issuer, extra)).await
    }

    /// Another application gets tokens for it.
    pub async fn used(&self, scene: &Scene, app: &str, extra: &[(&str, &str)]) -> Value {
        let reply = self.present(scene, app, extra).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json
    }

    /// It is refused, before any policy is asked.
    pub async fn refused(&self, scene: &Scene, app: &str, (extra, error): (&[(&str, &str)], &str)) {
        let asked = scene.sidecar.requests().len();
        let reply = self.present(scene, app, extra).await;
        assert_eq!((reply.status, reply.error()), (400, error), "{app} {extra:?}: {}", reply.text);
        assert_eq!(scene.sidecar.requests().len(), asked, "a policy was asked");
    }
}

async fn ui(scene: &Scene, method: Method, path: &str) -> Value {
    let reply = scene.stand.call(HEADLESS, method, path, None).await;
    assert!(reply.status < 300, "{path}: {}", reply.text);
    reply.json
}

async fn end_sessions(scene: &Scene, sub: &str) {
    ui(scene, Method::DELETE, &format!("/sessions?sub={sub}")).await;
}

#[tokio::test]
async fn a_sign_in_gives_a_secret_that_its_id_token_is_bound_to() {
    let scene = scene().await;
    let tokens = signed_in(&scene, "notes", ("alice", SCOPE)).await;
    let (secret, said) = (text(&tokens["device_secret"]), claims(&text(&tokens["id_token"])));
    assert_eq!(said["ds_hash"], URL_SAFE_NO_PAD.encode(Sha256::digest(&secret)));
    assert!(said["sid"].is_string());
    assert!(tokens["scope"].as_str().unwrap().contains("device_sso"));
    // Section 3.2: what lies in the store opens nothing.
    for table in ["authorizations", "outbox"] {
        let column = if table == "outbox" { "data" } else { "doc" };
        let kept = scene.stand.rows(&format!("SELECT {column} FROM {table}"));
        assert!(!kept.is_empty() && kept.iter().all(|row| !row.contains(&secret)), "{table}");
    }

    let offline = signed_in(&scene, "notes", ("alice", "openid offline_access device_sso")).await;
    let again = refresh(&scene.stand, "notes", &text(&offline["refresh_token"])).await.json;
    let hashes = [&offline, &again].map(|tokens| claims(&text(&tokens["id_token"]))["ds_hash"].clone());
    assert_eq!(hashes[0], hashes[1], "a fresher ID token is bound to the same secret");
    assert!(again.get("device_secret").is_none());
}

#[tokio::test]
async fn without_the_scope_or_a_group_there_is_no_secret() {
    let scene = scene().await;
    for (app, scope) in [("notes", "openid"), ("notes", "reports.read device_sso"), ("loner", SCOPE)] {
        let tokens = match app {
            // Nobody asks the user of this one.
            "loner" => {
                let mut browser = Browser::new();
                let id = browser.authorize(&scene.stand, app, &[("scope", scope)]).await.interaction();
                let params = scene.stand.finish(&mut browser, &id, "alice").await;
                scene.stand.redeem(app, &params["code"]).await.json
            }
            _ => signed_in(&scene, app, ("alice", scope)).await,
        };
        assert!(tokens["access_token"].is_string(), "{app} {scope}");
        assert!(tokens.get("device_secret").is_none(), "{app} {scope}");
        if let Some(token) = tokens["id_token"].as_str() {
            assert!(claims(token).get("ds_hash").is_none());
        }
    }
    let plain = signed_in(&scene, "loner", ("alice", SCOPE)).await;
    assert!(!text(&plain["scope"]).contains("device_sso"));
}

#[tokio::test]
async fn another_application_signs_the_user_in_with_them() {
    let scene = scene().await;
    let first = signed_in(&scene, "notes", ("alice", SCOPE)).await;
    let (before, shared) = (claims(&text(&first["id_token"])), Shared::of(&first));
    scene.stand.clock.advance(1_200);
    let issued = shared.used(&scene, "mail", &[("scope", "openid email")]).await;
    assert_eq!((&issued["issued_token_type"], &issued["token_type"]), (&json!(ACCESS), &json!("Bearer")));
    assert_eq!((&issued["scope"], issued.get("refresh_token")), (&json!("openid email"), None));
    let said = claims(&text(&issued["id_token"]));
    assert_eq!((&said["aud"], &said["sub"]), (&json!("mail"), &json!("alice")));
    for name in ["auth_time", "acr", "amr", "ds_hash"] {
        assert_eq!(said[name], before[name], "{name}");
    }
    assert!(said["sid"].is_string() && said["sid"] != before["sid"], "{said}");
    let access = text(&issued["access_token"]);
    let seen = scene.stand.userinfo(&access).await.json;
    assert_eq!((&seen["sub"], &seen["email"]), (&json!("alice"), &json!("alice@example.com")));
    assert!(seen.get("name").is_none(), "the scope does not have it: {seen}");
    assert!(claims(&access).get("act").is_none(), "nobody acts for her");

    let asked = scene.asked();
    assert_eq!(asked["subject"], json!({ "sub": "alice", "type": "user", "source": "subject_token" }));
    assert_eq!(asked["grant"]["requested"]["audience"], json!([scene.stand.issuer]));
    let presented = &asked["token_exchange"]["subject_token"];
    assert_eq!((&presented["type"], &presented["claims"]["aud"]), (&json!(ID), &json!("notes")));
    assert!(!asked.to_string().contains(&shared.secret), "no policy is told the secret");
}

#[tokio::test]
async fn a_third_application_goes_on_from_the_second() {
    let scene = scene().await;
    let shared = Shared::by_notes(&scene).await;
    let second = shared.used(&scene, "mail", &[("scope", "openid offline_access")]).await;
    signed_in(&scene, "maps", ("alice", "openid email")).await;
    let shared = Shared { id_token: text(&second["id_token"]), secret: shared.secret };
    let third = shared.used(&scene, "maps", &[("scope", "openid")]).await;
    assert_eq!(claims(&text(&third["id_token"]))["aud"], "maps");
    let again = refresh(&scene.stand, "mail", &text(&second["refresh_token"])).await;
    assert_eq!(again.status, 200, "{}", again.text);
    // What drafts called the secret is known too.
    let before =
        [("actor_token_type", "urn:x-oath:params:oauth:token-type:device-secret"), ("scope", "openid")];
    shared.used(&scene, "maps", &before).await;
}

/// Section 4.2.
#[tokio::test]
async fn the_request_has_the_form_of_the_profile() {
    let scene = scene().await;
    let shared = Shared::by_notes(&scene).await;
    for (extra, error) in [
        ([("audience", "")], "invalid_request"),
        ([("audience", "https://other.example")], "invalid_target"),
        ([("subject_token_type", ACCESS)], "invalid_request"),
        ([("subject_token_type", DEVICE_SECRET)], "invalid_request"),
        ([("requested_token_type", REFRESH)], "invalid_request"),
        ([("requested_token_type", DEVICE_SECRET)], "invalid_request"),
        ([("actor_token", "")], "invalid_request"),
    ] {
        shared.refused(&scene, "mail", (&extra, error)).await;
    }
    // A device secret is good for nothing else.
    let secret = shared.secret.as_str();
    let as_subject = [("subject_token", secret), ("subject_token_type", DEVICE_SECRET)];
    let alone = [("actor_token", ""), ("actor_token_type", ""), ("audience", "")];
    shared.refused(&scene, "mail", (&[&as_subject[..], &alone].concat(), "invalid_request")).await;
    assert!(!scene.stand.is_active("notes", secret).await);
    // The ID token alone is one of another client.
    shared.refused(&scene, "mail", (&alone, "invalid_request")).await;
}

/// Section 4.3, 1 and 2.
#[tokio::test]
async fn a_secret_counts_only_with_the_id_token_that_is_bound_to_it() {
    let scene = scene().await;
    let shared = Shared::by_notes(&scene).await;
    let of_bob = Shared::of(&signed_in(&scene, "notes", ("bob", SCOPE)).await);
    let later = Shared::by_notes(&scene).await;
    let plain = signed_in(&scene, "notes", ("alice", "openid")).await;
    let (header, rest) = shared.id_token.split_once('.').unwrap();
    let forged = format!("{header}.A{}", &rest[1..]);
    let cut = &shared.secret[1..];
    for extra in [
        [("actor_token", "never-issued-0123456789-0123456789-0123456789")],
        [("actor_token", cut)],
        [("actor_token", of_bob.secret.as_str())],
        [("actor_token", later.secret.as_str())],
        [("subject_token", of_bob.id_token.as_str())],
        [("subject_token", later.id_token.as_str())],
        [("subject_token", plain["id_token"].as_str().unwrap())],
        [("subject_token", plain["access_token"].as_str().unwrap())],
        [("subject_token", forged.as_str())],
    ] {
        shared.refused(&scene, "mail", (&extra, "invalid_grant")).await;
    }
    shared.used(&scene, "mail", &[]).await;
}

#[tokio::test]
async fn a_secret_ends_with_its_time() {
    let scene = Scene::with(|config, _| {
        applications(config);
        config.native_sso.lifetime = 3_600;
    })
    .await;
    let scope = "openid offline_access device_sso";
    let shared = Shared::of(&signed_in(&scene, "notes", ("alice", scope)).await);
    scene.stand.clock.advance(3_599);
    shared.used(&scene, "mail", &[]).await;
    scene.stand.clock.advance(1);
    shared.refused(&scene, "mail", (&[], "invalid_grant")).await;
}

/// Section 4.3, 3.
#[tokio::test]
async fn a_secret_ends_with_its_session_or_its_authorization() {
    let scene = scene().await;
    let shared = Shared::by_notes(&scene).await;
    let issued = shared.used(&scene, "mail", &[("scope", "openid offline_access")]).await;
    let offline = signed_in(&scene, "notes", ("alice", "openid offline_access device_sso")).await;
    let lasting = Shared::of(&offline);
    let kept = lasting.used(&scene, "mail", &[]).await;
    end_sessions(&scene, "alice").await;
    shared.refused(&scene, "mail", (&[], "invalid_grant")).await;
    for token in [&issued["access_token"], &issued["refresh_token"]] {
        assert!(!scene.is_live("mail", token).await, "what was had with it ends too");
    }
    let told = scene.stand.rows("SELECT destination FROM deliveries ORDER BY destination");
    assert!(told.contains(&"mail".to_owned()), "the second application is told: {told:?}");

    assert!(scene.is_live("mail", &kept["access_token"]).await, "offline access goes on");
    lasting.used(&scene, "mail", &[]).await;
    let revoked = [("token", offline["refresh_token"].as_str().unwrap())];
    assert_eq!(scene.stand.post("/revoke", "notes", &revoked).await.status, 200);
    lasting.refused(&scene, "mail", (&[], "invalid_grant")).await;
    assert!(!scene.is_live("mail", &kept["access_token"]).await);
}

#[tokio::test]
async fn a_session_that_is_over_by_time_lets_nobody_in() {
    let scene = Scene::with(|config, _| {
        applications(config);
        config.lifetimes.session_idle = 3_600;
    })
    .await;
    let shared = Shared::by_notes(&scene).await;
    scene.stand.clock.advance(3_601);
    shared.refused(&scene, "mail", (&[], "invalid_grant")).await;
}

#[tokio::test]
async fn a_disabled_user_is_nobody() {
    let scene = scene().await;
    let scope = "openid offline_access device_sso";
    let shared = Shared::of(&signed_in(&scene, "notes", ("alice", scope)).await);
    let report = json!({ "type": "account.disabled", "sub": "alice" });
    assert_eq!(scene.stand.call(HEADLESS, Method::POST, "/reports", Some(&report)).await.status, 202);
    shared.refused(&scene, "mail", (&[], "invalid_grant")).await;
}

/// Section 4.3, 4.
#[tokio::test]
async fn only_clients_of_one_group_share_sign_ins() {
    let scene = scene().await;
    let shared = Shared::by_notes(&scene).await;
    shared.refused(&scene, "rival", (&[], "invalid_grant")).await;
    shared.refused(&scene, "loner", (&[], "unauthorized_client")).await;
    let of_rival = Shared::of(&signed_in(&scene, "rival", ("alice", SCOPE)).await);
    of_rival.refused(&scene, "mail", (&[], "invalid_grant")).await;
    shared.used(&scene, "mail", &[]).await;
}

#[tokio::test]
async fn an_application_without_a_secret_of_its_own_may_share_too() {
    let scene = Scene::with(|config, _| {
        applications(config);
        let mail = client(config, "mail");
        mail.secret = None;
        mail.metadata.token_endpoint_auth_method = Some(AuthMethod::None);
    })
    .await;
    let shared = Shared::by_notes(&scene).await;
    let issuer = scene.stand.issuer.clone();
    let mut form = shared.form(&issuer, &[]);
    form.push(("client_id", "mail"));
    let reply = scene.stand.post_public("/token", &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(claims(&text(&reply.json["id_token"]))["aud"], "mail");
}

/// Section 4.3, 5.
#[tokio::test]
async fn what_the_user_would_be_asked_about_is_not_to_be_had() {
    let scene = scene().await;
    let shared = Shared::by_notes(&scene).await;
    let openid = [("scope", "openid")];
    shared.refused(&scene, "maps", (&openid, "invalid_scope")).await;
    signed_in(&scene, "maps", ("alice", "openid email")).await;
    let issued = shared.used(&scene, "maps", &[]).await;
    assert_eq!(issued["scope"], "openid email", "what she consented to before");
    shared.refused(&scene, "maps", (&[("scope", "openid profile")], "invalid_scope")).await;
    for id in ui(&scene, Method::GET, "/consents?sub=alice").await["items"].as_array().unwrap() {
        if id["client_id"] == "maps" {
            ui(&scene, Method::DELETE, &format!("/consents/{}", text(&id["id"]))).await;
        }
    }
    shared.refused(&scene, "maps", (&openid, "invalid_scope")).await;
    signed_in(&scene, "strict", ("alice", "openid")).await;
    shared.refused(&scene, "strict", (&openid, "invalid_scope")).await;
    // The operator answers for this one, but for nothing that it is not registered for.
    shared.refused(&scene, "mail", (&[("scope", "openid reports.write")], "invalid_scope")).await;
    let foreign = [("resource", "https://not-for-mail.example")];
    shared.refused(&scene, "mail", (&foreign, "invalid_target")).await;
    let registered = text(&shared.used(&scene, "mail", &[]).await["scope"]);
    assert!(registered.contains("profile") && !registered.contains("offline_access"), "{registered}");
}

#[tokio::test]
async fn what_the_operator_denies_an_application_it_does_not_get_this_way_either() {
    let scene = Scene::with(|config, _| {
        applications(config);
        client(config, "mail").settings.denied_scope = vec!["profile".to_owned()];
        client(config, "maps").settings.consent = ConsentMode::Implicit;
    })
    .await;
    let shared = Shared::by_notes(&scene).await;
    shared.refused(&scene, "mail", (&[("scope", "openid profile")], "invalid_scope")).await;
    let scope = text(&shared.used(&scene, "mail", &[]).await["scope"]);
    assert!(scope.contains("email") && !scope.contains("profile"), "{scope}");
    shared.used(&scene, "maps", &[]).await;
    // Where the user lets one application act, it is that one.
    let grant = json!({ "may_act": { "sub": "mail" } });
    let tokens = tokens_of(&scene.stand, ("notes", CALLBACK), ("alice", SCOPE, &grant)).await;
    let shared = Shared::of(&tokens);
    shared.refused(&scene, "maps", (&[], "invalid_request")).await;
    shared.used(&scene, "mail", &[]).await;
}

#[tokio::test]
async fn policies_of_exchanges_decide_about_it() {
    let scene = scene().await;
    let shared = Shared::by_notes(&scene).await;
    scene.sets(&json!({ "scope": ["openid"] }));
    assert_eq!(shared.used(&scene, "mail", &[("scope", "openid email")]).await["scope"], "openid");
    scene.answers(json!({ "decision": "deny", "error": { "code": "access_denied" } }));
    let reply = shared.present(&scene, "mail", &[]).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert!(reply.json.get("access_token").is_none());
    scene.answers(json!({ "decision": "allow" }));
    shared.used(&scene, "mail", &[]).await;
}

#[tokio::test]
async fn discovery_says_so_where_it_is_on() {
    let discovery = async |scene: &Scene| {
        let at = format!("{}/.well-known/openid-configuration", scene.stand.issuer);
        scene.stand.http.get(at).send().await.unwrap().json::<Value>().await.unwrap()
    };
    let with = discovery(&scene().await).await;
    assert_eq!(with["native_sso_supported"], true);
    assert!(with["scopes_supported"].as_array().unwrap().contains(&json!("device_sso")));
    let without = discovery(&Scene::start().await).await;
    assert!(without.get("native_sso_supported").is_none());
    assert!(!without["scopes_supported"].as_array().unwrap().contains(&json!("device_sso")));
}

#[test]
fn groups_are_checked() {
    let wrong = |change: &dyn Fn(&mut Config)| {
        let mut config = Config { development: true, ..Config::default() };
        applications(&mut config);
        change(&mut config);
        config.check().unwrap_err().to_string()
    };
    let said = wrong(&|_| {});
    assert!(said.contains("native_sso.groups needs a policy of the type `grant.token_exchange`"), "{said}");
    assert!(
        wrong(&|config| client(config, "mail").settings.native_sso = Some("other".to_owned()))
            .contains("`other`")
    );
    assert!(
        wrong(&|config| config.native_sso.groups.push("acme".to_owned()))
            .contains("native_sso.groups: `acme`")
    );
    assert!(
        wrong(&|config| config.native_sso.groups.push("a b".to_owned())).contains("native_sso.groups: `a b`")
    );
    assert!(wrong(&|config| config.native_sso.lifetime = 0).contains("native_sso.lifetime"));
}
