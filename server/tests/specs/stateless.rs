//! Refresh tokens that carry everything themselves: nothing is stored of them, and yet they are revoked.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_sdk::grant::Rotation;
use placet_server::config::{Config, Tokens};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering,
    harness::{Browser, CALLBACK, Reply, Stand, VERIFIER},
    helpers::{client, decode, refresh, text},
    prover::Prover,
};

/// No session is looked at, and no claim is asked for.
pub(crate) const SCOPE: &str = "reports.read";

/// Tokens of `web` are good again and again; those of `other` and of `spa`, which is public, rotate.
pub(crate) fn stateless(config: &mut Config) {
    config.tokens = Tokens::Stateless;
    administering::admit(config);
    client(config, "web").settings.refresh_token.rotation = Some(Rotation::Never);
}

pub(crate) async fn stand() -> Stand {
    Stand::with(stateless).await
}

/// The refresh token of a sign-in.
pub(crate) async fn granted(stand: &Stand, client: &str) -> String {
    text(&stand.tokens(client, SCOPE).await["refresh_token"])
}

pub(crate) async fn refreshed(stand: &Stand, client: &str, token: &str) -> Value {
    let reply = refresh(stand, client, token).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

pub(crate) async fn is_over(stand: &Stand, client: &str, token: &str) {
    let reply = refresh(stand, client, token).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_grant"), "{}", reply.text);
}

pub(crate) async fn revoke_all(stand: &Stand, whose: Value) {
    let path = "/revocations";
    let reply = administering::call(stand, administering::TOKEN, Method::POST, path, Some(&whose)).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
}

pub(crate) fn rows(stand: &Stand, table: &str) -> usize {
    stand.rows(&format!("SELECT tenant FROM {table}")).len()
}

/// What a token carries, read with the key of the server; and a token that carries something else, or as something else.
fn opened(stand: &Stand, token: &str) -> Value {
    let bytes = decode(token);
    let plain = stand.server.root().carried().open(&context(stand), &bytes[1..]).unwrap();
    serde_json::from_slice(&plain).unwrap()
}

fn context(stand: &Stand) -> String {
    format!("refresh_token of {}", stand.issuer)
}

fn sealed(stand: &Stand, context: &str, carried: &Value) -> String {
    let plain = serde_json::to_vec(carried).unwrap();
    let sealed = stand.server.root().carried().seal(stand.server.random(), context, &plain).unwrap();
    URL_SAFE_NO_PAD.encode([&[1], &sealed[..]].concat())
}

#[tokio::test]
async fn neither_sign_in_nor_refresh_stores_a_token() {
    let stand = stand().await;
    let mut token = granted(&stand, "web").await;
    assert!(token.len() < 2048, "{}", token.len());
    let database = stand.database();
    let written = || database.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = written();
    for _ in 0..5 {
        let next = refreshed(&stand, "web", &token).await;
        assert!(stand.is_active("web", &text(&next["access_token"])).await);
        assert_eq!(next["scope"], SCOPE);
        token = text(&next["refresh_token"]);
    }
    assert_eq!(written(), before, "nothing at all was written");
    assert_eq!((rows(&stand, "families"), rows(&stand, "tokens")), (0, 0));
    assert_eq!((rows(&stand, "generation_marks"), rows(&stand, "authorizations")), (0, 1));
}

#[tokio::test]
async fn one_row_is_stored_of_a_family_that_rotates_and_none_before_it_does() {
    let stand = stand().await;
    let mut token = granted(&stand, "other").await;
    assert_eq!(rows(&stand, "families"), 0);
    for _ in 0..3 {
        token = text(&refreshed(&stand, "other", &token).await["refresh_token"]);
        assert_eq!(rows(&stand, "families"), 1);
    }
    assert_eq!(stand.rows("SELECT CAST(generation AS TEXT) FROM families"), ["4"]);
    assert_eq!(rows(&stand, "generation_marks"), 0);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_a_replay_ends_everything() {
    for used in [true, false] {
        let stand = stand().await;
        let first = stand.tokens("other", SCOPE).await;
        let parent = text(&first["refresh_token"]);
        let child = refreshed(&stand, "other", &parent).await;
        stand.clock.advance(59);
        let again = refreshed(&stand, "other", &parent).await;
        assert_eq!(
            opened(&stand, &text(&again["refresh_token"]))["token"],
            opened(&stand, &text(&child["refresh_token"]))["token"],
            "it is the same one"
        );
        if used {
            refreshed(&stand, "other", &text(&again["refresh_token"])).await;
        } else {
            stand.clock.advance(2);
        }
        is_over(&stand, "other", &parent).await;
        is_over(&stand, "other", &text(&child["refresh_token"])).await;
        assert!(!stand.is_active("other", &text(&first["access_token"])).await);
        assert_eq!(stand.events("token.reuse_detected").len(), 1);
    }
}

#[tokio::test]
async fn of_100_racing_refreshes_all_get_the_same_child() {
    let stand = Arc::new(stand().await);
    let token = granted(&stand, "other").await;
    let mut races = Vec::new();
    for _ in 0..100 {
        let (stand, token) = (stand.clone(), token.clone());
        races.push(tokio::spawn(async move { refresh(&stand, "other", &token).await }));
    }
    let mut children = std::collections::BTreeSet::new();
    for race in races {
        let reply = race.await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text);
        children.insert(text(&opened(&stand, &text(&reply.json["refresh_token"]))["token"]));
    }
    assert_eq!(children.len(), 1);
}

#[tokio::test]
async fn what_is_sealed_is_of_this_kind_and_issuer_unaltered_and_for_its_client() {
    let stand = stand().await;
    let token = granted(&stand, "web").await;
    let carried = opened(&stand, &token);
    refreshed(&stand, "web", &sealed(&stand, &context(&stand), &carried)).await;
    for other in ["code of ", "refresh_token of "] {
        let context = format!("{other}https://elsewhere.example");
        is_over(&stand, "web", &sealed(&stand, &context, &carried)).await;
    }
    is_over(&stand, "web", &sealed(&stand, &format!("code of {}", stand.issuer), &carried)).await;
    for at in (0..token.len()).step_by(7) {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        is_over(&stand, "web", &String::from_utf8(altered).unwrap()).await;
    }
    is_over(&stand, "other", &token).await;
    for cut in [0, 1, 20, token.len() - 1] {
        let reply = refresh(&stand, "web", &token[..cut]).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
    }
    // What is within is no token by itself.
    is_over(&stand, "web", &text(&carried["token"])).await;
    refreshed(&stand, "web", &token).await;
}

#[tokio::test]
async fn it_ends_when_it_is_idle_for_too_long_and_at_the_limit_of_its_grant() {
    let limits = |config: &mut Config| {
        stateless(config);
        let web = &mut client(config, "web").settings.refresh_token;
        (web.lifetime, web.max_idle) = (Some(1000), Some(100));
    };
    let stand = Stand::with(limits).await;
    let first = granted(&stand, "web").await;
    let mut token = first.clone();
    for _ in 0..10 {
        stand.clock.advance(99);
        token = text(&refreshed(&stand, "web", &token).await["refresh_token"]);
    }
    is_over(&stand, "web", &first).await;
    stand.clock.advance(9);
    refreshed(&stand, "web", &token).await;
    stand.clock.advance(1);
    is_over(&stand, "web", &token).await;
    let idle = granted(&stand, "web").await;
    stand.clock.advance(100);
    is_over(&stand, "web", &idle).await;
}

#[tokio::test]
async fn scope_is_narrowed_for_one_access_token_and_never_widened() {
    let stand = stand().await;
    let token = text(&stand.tokens("web", "reports.read reports.write").await["refresh_token"]);
    let form = |scope| [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), ("scope", scope)];
    let narrow = stand.post("/token", "web", &form("reports.read")).await;
    assert_eq!(narrow.json["scope"], "reports.read");
    let wide = stand.post("/token", "web", &form("reports.read email")).await;
    assert_eq!(wide.error(), "invalid_scope");
    let next = text(&narrow.json["refresh_token"]);
    assert_eq!(refreshed(&stand, "web", &next).await["scope"], "reports.read reports.write");
}

#[tokio::test]
async fn one_that_is_bound_to_a_key_wants_its_proof() {
    let stand = Stand::with(|config| {
        stateless(config);
        client(config, "spa").settings.refresh_token.rotation = Some(Rotation::Never);
    })
    .await;
    let (prover, thief) = (Prover::new(), Prover::new());
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "spa", &[("scope", SCOPE)]).await;
    let redeem = [
        ("grant_type", "authorization_code"),
        ("client_id", "spa"),
        ("code", &params["code"]),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let post = async |form: &[(&str, &str)], proof: Option<String>| {
        let mut request = stand.http.post(format!("{}/token", stand.issuer)).form(form);
        if let Some(proof) = proof {
            request = request.header("DPoP", proof);
        }
        Reply::read(request.send().await.unwrap()).await
    };
    let first = post(&redeem, Some(prover.proof(&stand))).await;
    assert_eq!(first.json["token_type"], "DPoP", "{}", first.text);
    let token = text(&first.json["refresh_token"]);
    let again = [("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", token.as_str())];
    assert_eq!(post(&again, None).await.error(), "invalid_grant");
    assert_eq!(post(&again, Some(thief.proof(&stand))).await.error(), "invalid_grant");
    for _ in 0..2 {
        let reply = post(&again, Some(prover.proof(&stand))).await;
        assert_eq!((reply.status, &reply.json["token_type"]), (200, &json!("DPoP")), "{}", reply.text);
    }
    assert_eq!(rows(&stand, "families"), 0);
}

#[tokio::test]
async fn without_a_proof_those_of_a_public_client_rotate_whatever_is_set() {
    let stand = Stand::with(|config| {
        stateless(config);
        client(config, "spa").settings.refresh_token.rotation = Some(Rotation::Never);
    })
    .await;
    let params = stand.sign_in(&mut Browser::new(), "spa", &[("scope", SCOPE)]).await;
    let redeem = [
        ("grant_type", "authorization_code"),
        ("client_id", "spa"),
        ("code", &params["code"]),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let first = text(&stand.post_public("/token", &redeem).await.json["refresh_token"]);
    let again = async |token: &str| {
        let form = [("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", token)];
        stand.post_public("/token", &form).await
    };
    let second = again(&first).await;
    assert_eq!(second.status, 200, "{}", second.text);
    assert_eq!(again(&text(&second.json["refresh_token"])).await.status, 200);
    assert_eq!(again(&first).await.error(), "invalid_grant");
    assert_eq!(again(&text(&second.json["refresh_token"])).await.error(), "invalid_grant");
}
