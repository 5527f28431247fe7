//! Keys: their rotation, and what a thief of the database has.

use std::{path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_server::{
    random::OsRandom,
    seal::{MasterKeys, SymmetricKey},
    server::{Environment, Server},
    store::{Store, embedded::Embedded},
};
use serde_json::{Value, json};

use super::{
    folder::Folder,
    harness::{Browser, HEADLESS, Reply, SECRET, Stand, UI, auth, query},
    helpers::{header, jwks, text, verified},
};

const DAY: i64 = 86_400;

fn store(folder: &Path) -> Arc<dyn Store> {
    Arc::new(Embedded::open(&folder.join("placet.db"), "default").unwrap())
}

/// The published keys that sign.
async fn kids(stand: &Stand) -> Vec<String> {
    let signing = |key: &&Value| key["use"] == "sig";
    let mut kids: Vec<String> = jwks(stand).await.iter().filter(signing).map(|k| text(&k["kid"])).collect();
    kids.sort();
    kids
}

async fn token(stand: &Stand) -> String {
    text(&stand.tokens("web", "openid").await["access_token"])
}

#[tokio::test]
async fn a_successor_is_published_first_signs_later_and_the_old_key_stays_while_it_is_needed() {
    let stand = Stand::start().await;
    let began = kids(&stand).await;
    stand.clock.advance(90 * DAY - 3_600);
    stand.server.keys().maintain().await.unwrap();
    let both = kids(&stand).await;
    assert_eq!(both.len(), 2 * began.len());
    assert!(began.iter().all(|kid| both.contains(kid)));
    assert!(began.contains(&text(&header(&token(&stand).await)["kid"])), "the old key still signs");

    stand.clock.advance(3_599);
    stand.server.keys().maintain().await.unwrap();
    let old = token(&stand).await;
    stand.clock.advance(1);
    stand.server.keys().maintain().await.unwrap();
    let new = token(&stand).await;
    assert!(!began.contains(&text(&header(&new)["kid"])), "the new key signs");
    verified(&stand, &new).await;
    stand.clock.advance(597);
    stand.server.keys().maintain().await.unwrap();
    verified(&stand, &old).await;
    assert!(stand.is_active("web", &old).await && stand.is_active("web", &new).await);

    stand.clock.advance(10);
    stand.server.keys().maintain().await.unwrap();
    let now = kids(&stand).await;
    assert_eq!(now.len(), began.len());
    assert!(began.iter().all(|kid| !now.contains(kid)), "nothing needs the old keys any more");
}

#[tokio::test]
async fn a_forced_rotation_signs_at_once_and_breaks_no_token() {
    let stand = Stand::start().await;
    let old = token(&stand).await;
    stand.server.keys().rotate(true, "test").await.unwrap();
    let new = token(&stand).await;
    assert_ne!(header(&old)["kid"], header(&new)["kid"]);
    for token in [&old, &new] {
        verified(&stand, token).await;
        assert!(stand.is_active("web", token).await);
        assert_eq!(stand.userinfo(token).await.status, 200);
    }
}

#[tokio::test]
async fn a_forced_rotation_takes_a_successor_that_waits_and_works_again_in_the_same_second() {
    let stand = Stand::start().await;
    stand.server.keys().rotate(false, "test").await.unwrap();
    let mut seen = vec![text(&header(&token(&stand).await)["kid"])];
    for _ in 0..4 {
        stand.server.keys().rotate(true, "test").await.unwrap();
        let kid = text(&header(&token(&stand).await)["kid"]);
        assert!(!seen.contains(&kid), "a key that was given up signs again");
        seen.push(kid);
    }
}

#[tokio::test]
async fn a_restart_reads_the_same_keys_and_honours_what_was_issued() {
    let folder = Folder::new("restart");
    let store = store(&folder);
    let first = Stand::on(store.clone(), |_| {}).await;
    let tokens = first.tokens("web", "openid offline_access").await;
    let before = kids(&first).await;
    let issuer = first.issuer.clone();
    drop(first);
    let second = Stand::on(store, |config| config.issuer = issuer).await;
    assert_eq!(kids(&second).await, before);
    assert!(second.is_active("web", &text(&tokens["access_token"])).await);
    let again = super::helpers::refresh(&second, "web", &text(&tokens["refresh_token"])).await;
    assert_eq!(again.status, 200, "{}", again.text);
}

#[tokio::test]
async fn a_wrong_master_key_does_not_start_and_an_old_one_beside_the_new_one_does() {
    let folder = Folder::new("master");
    let store = store(&folder);
    let stand = Stand::on(store.clone(), |_| {}).await;
    let start = async |master: MasterKeys| {
        let environment = Environment {
            store: store.clone(),
            clock: stand.clock.clone(),
            random: Arc::new(OsRandom),
            master,
        };
        Server::start(stand.server.config().clone(), environment).await
    };
    let key = |byte| SymmetricKey::new([byte; 32]);
    let Err(refused) = start(MasterKeys::new(key(6), Vec::new())).await else { panic!("it started") };
    assert!(refused.to_string().contains("master key"), "{refused}");
    assert!(start(MasterKeys::new(key(6), vec![key(5)])).await.is_ok());
    assert!(start(MasterKeys::new(key(6), Vec::new())).await.is_ok(), "everything was sealed anew");
}

/// All files of a folder.
fn bytes(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        all.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    all
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn a_stolen_database_holds_nothing_that_can_be_used() {
    let folder = Folder::new("stolen");
    let stand = Stand::on(store(&folder), |_| {}).await;
    let mut secrets = vec![SECRET.to_owned(), UI.to_owned(), HEADLESS.to_owned()];
    for client in ["web", "opaque", "single"] {
        let tokens = stand.tokens(client, "openid offline_access").await;
        secrets.extend(["access_token", "refresh_token", "id_token"].map(|name| text(&tokens[name])));
    }
    let web = super::helpers::refresh(&stand, "web", &secrets[4]).await.json;
    secrets.push(text(&web["refresh_token"]));
    let mut browser = Browser::new();
    secrets.push(stand.sign_in(&mut browser, "web", &[]).await["code"].clone());
    secrets.extend(browser.cookies.values().cloned());
    let id = browser.authorize(&stand, "other", &[]).await.interaction();
    let done = stand.answer(&id, 1, &json!({ "type": "consent", "accept_all": true })).await.json;
    secrets.push(query(done["response"]["delivery"]["uri"].as_str().unwrap())["t"].clone());
    let body = json!({ "redirect_uris": ["https://new.example/cb"] });
    let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
    let mine: Value = Reply::read(request.send().await.unwrap()).await.json;
    secrets.extend(["client_secret", "registration_access_token"].map(|name| text(&mine[name])));
    let pending =
        Browser::new().authorize(&stand, "web", &[("state", "a-state-of-the-client")]).await.interaction();
    stand.answer(&pending, 1, &auth("somebody-pending")).await;
    secrets.extend(["a-state-of-the-client", "somebody-pending"].map(str::to_owned));

    let stored = bytes(&folder);
    assert!(contains(&stored, b"az_"), "this is the database");
    assert!(secrets.len() > 18);
    for secret in secrets {
        assert!(!contains(&stored, secret.as_bytes()), "`{secret}` lies in the database");
        if let Ok(raw) = URL_SAFE_NO_PAD.decode(&secret)
            && raw.len() >= 16
        {
            assert!(!contains(&stored, &raw), "`{secret}` lies in the database, decoded");
        }
    }
    for jwk in jwks(&stand).await {
        assert!(contains(&stored, jwk["kid"].as_str().unwrap().as_bytes()));
    }
    // The head of every unsealed private key (PKCS #8): version 0 and the algorithm's identifier.
    for head in
        [&b"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48"[..], b"\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70"]
    {
        assert!(!contains(&stored, head), "a private key lies in the database");
    }
}
