//! OpenID Connect Core section 8: subjects that differ from sector to sector, and never show the local one.

use placet_server::config::Config;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    harness::{Browser, Reply, Stand, UI, auth, claims},
    helpers::{client, redeem_at, refresh, text},
};

const HERE: &str = "https://pairwise.example/cb";

/// Adds `neighbour`, of the same sector as `pairwise`, and `far`, of another one.
fn sectors(config: &mut Config) {
    for (id, uri) in [("neighbour", "https://pairwise.example/other"), ("far", "https://far.example/cb")] {
        let mut added = client(config, "pairwise").clone();
        id.clone_into(&mut added.client_id);
        added.metadata.redirect_uris = Some(vec![uri.to_owned()]);
        config.clients.push(added);
    }
}

async fn tokens(stand: &Stand, browser: &mut Browser, client: &str, uri: &str) -> Value {
    let extra = [("redirect_uri", uri), ("scope", "openid email offline_access"), ("prompt", "consent")];
    let params = stand.sign_in(browser, client, &extra).await;
    let reply = redeem_at(stand, client, &params["code"], uri).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

#[tokio::test]
async fn the_subject_is_the_same_within_a_sector_and_another_one_outside() {
    let stand = Stand::with(sectors).await;
    let mut browser = Browser::new();
    let mut subs = Vec::new();
    for (client, uri) in [
        ("pairwise", HERE),
        ("neighbour", "https://pairwise.example/other"),
        ("far", "https://far.example/cb"),
        ("pairwise", HERE),
    ] {
        let tokens = tokens(&stand, &mut browser, client, uri).await;
        subs.push(text(&claims(&text(&tokens["id_token"]))["sub"]));
    }
    assert_eq!((&subs[0], &subs[0]), (&subs[1], &subs[3]));
    assert_ne!(subs[0], subs[2]);
    assert!(subs.iter().all(|sub| sub.len() == 43 && sub != "alice"), "{subs:?}");
}

#[tokio::test]
async fn another_user_has_another_subject() {
    let stand = Stand::start().await;
    let mut subs = Vec::new();
    for sub in ["alice", "bob"] {
        let mut browser = Browser::new();
        let id = browser.authorize(&stand, "pairwise", &[("redirect_uri", HERE)]).await.interaction();
        let params = stand.finish(&mut browser, &id, sub).await;
        let reply = redeem_at(&stand, "pairwise", &params["code"], HERE).await;
        subs.push(claims(&text(&reply.json["id_token"]))["sub"].clone());
    }
    assert_ne!(subs[0], subs[1]);
}

#[tokio::test]
async fn the_client_never_sees_the_local_subject_wherever_it_looks() {
    let stand = Stand::with(|config| {
        client(config, "pairwise").settings.access_token.claims =
            serde_json::from_value(json!({ "tier": 1 })).unwrap();
    })
    .await;
    let first = tokens(&stand, &mut Browser::new(), "pairwise", HERE).await;
    let id = claims(&text(&first["id_token"]));
    let pairwise = text(&id["sub"]);
    let access = text(&first["access_token"]);
    let refreshing = text(&first["refresh_token"]);
    let mut seen = vec![id, claims(&access), stand.userinfo(&access).await.json];
    for token in [&access, &refreshing] {
        seen.push(stand.post("/introspect", "pairwise", &[("token", token)]).await.json);
    }
    let again = refresh(&stand, "pairwise", &refreshing).await.json;
    seen.push(claims(&text(&again["id_token"])));
    seen.push(claims(&text(&again["access_token"])));
    for said in seen {
        assert_eq!(said["sub"], pairwise, "{said}");
        let mut without = said.clone();
        without.as_object_mut().unwrap().remove("email");
        assert!(!without.to_string().contains("alice"), "{said}");
    }
}

#[tokio::test]
async fn the_login_app_always_sees_the_local_subject() {
    let stand = Stand::start().await;
    let id = Browser::new().authorize(&stand, "pairwise", &[("redirect_uri", HERE)]).await.interaction();
    let prompt = stand.answer(&id, 1, &auth("alice")).await.json;
    assert_eq!(prompt["consent"]["subject"], json!({ "sub": "alice" }));
}

#[tokio::test]
async fn a_hint_is_mapped_back_to_the_user_it_is_about() {
    let stand = Stand::with(sectors).await;
    let mut browser = Browser::new();
    let tokens = tokens(&stand, &mut browser, "pairwise", HERE).await;
    let hint = text(&tokens["id_token"]);
    let sub = text(&claims(&hint)["sub"]);
    let claim = |sub: &str| json!({ "id_token": { "sub": { "value": sub } } }).to_string();
    let (own, local) = (claim(&sub), claim("alice"));
    let silent = async |browser: &mut Browser, extra: (&str, &str)| {
        let all = [("redirect_uri", HERE), ("scope", "openid email"), ("prompt", "none"), extra];
        let params = browser.authorize(&stand, "pairwise", &all).await.params();
        params.get("error").cloned().unwrap_or_default()
    };
    assert_eq!(silent(&mut browser, ("id_token_hint", &hint)).await, "");
    assert_eq!(silent(&mut browser, ("claims", &own)).await, "");
    assert_eq!(silent(&mut browser, ("claims", &local)).await, "login_required");

    let mut of_bob = Browser::new();
    let id = of_bob.authorize(&stand, "web", &[]).await.interaction();
    stand.finish(&mut of_bob, &id, "bob").await;
    assert_eq!(silent(&mut of_bob, ("id_token_hint", &hint)).await, "login_required");
    let all = [("redirect_uri", HERE), ("id_token_hint", hint.as_str())];
    let id = of_bob.authorize(&stand, "pairwise", &all).await.interaction();
    let prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await.json;
    assert!(
        prompt["auth"]["account"].get("sub").is_none(),
        "a pairwise subject says nothing to the login app"
    );
    assert_eq!(stand.answer(&id, 1, &auth("bob")).await.json["type"], "auth");
    assert_eq!(stand.answer(&id, 2, &auth("alice")).await.json["type"], "response");
}

/// A web server that answers everything with this.
async fn serve(status: &'static str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}/sector.json")
}

#[tokio::test]
async fn a_sector_of_several_hosts_must_prove_that_it_is_one() {
    let stand = Stand::start().await;
    let uris = ["https://a.example/cb", "https://b.example/cb"];
    let register = async |sector: Option<&str>| {
        let mut body = json!({ "redirect_uris": uris, "subject_type": "pairwise" });
        if let Some(sector) = sector {
            body["sector_identifier_uri"] = json!(sector);
        }
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
        Reply::read(request.send().await.unwrap()).await
    };
    let all = serve("200 OK", json!(uris).to_string()).await;
    let some = serve("200 OK", json!([uris[0]]).to_string()).await;
    let no_list = serve("200 OK", json!({ "redirect_uris": uris }).to_string()).await;
    let moved = serve("302 Found\r\nlocation: /other", json!(uris).to_string()).await;
    let huge = serve("200 OK", json!([uris[0], uris[1], "x".repeat(70_000)]).to_string()).await;
    assert_eq!(register(Some(&all)).await.status, 201);
    for refused in
        [Some(some.as_str()), Some(&no_list), Some(&moved), Some(&huge), Some("http://127.0.0.1:9/"), None]
    {
        let reply = register(refused).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_client_metadata"), "{refused:?}");
        assert!(text(&reply.json["error_description"]).contains("sector_identifier_uri"), "{}", reply.text);
    }
}
