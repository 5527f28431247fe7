//! Clients whose id is the URL of their metadata (draft-ietf-oauth-client-id-metadata-document-01).

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use placet_server::config::Config;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    harness::{Browser, Reply, Stand, VERIFIER},
    helpers::text,
    signer::Signer,
};

const REDIRECT: &str = "http://127.0.0.1/cb";

/// Where a client publishes its document.
struct Site {
    id: String,
    answer: Arc<Mutex<(String, String)>>,
    hits: Arc<AtomicUsize>,
}

impl Site {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let id = format!("http://{}/client.json", listener.local_addr().unwrap());
        let (answer, hits) = (Arc::new(Mutex::default()), Arc::new(AtomicUsize::new(0)));
        let (answered, counted): (Arc<Mutex<(String, String)>>, _) = (Arc::clone(&answer), Arc::clone(&hits));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4096]).await;
                let (head, body) = answered.lock().unwrap().clone();
                let text = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n{body}");
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        let site = Self { id, answer, hits };
        site.publish(|_| {});
        site
    }

    fn document(&self) -> Value {
        json!({
            "client_id": self.id, "client_name": "A tool", "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"], "scope": "openid email offline_access",
        })
    }

    fn publish(&self, change: impl FnOnce(&mut Value)) {
        let mut document = self.document();
        change(&mut document);
        self.answer("200 OK\r\nContent-Type: application/json", &document.to_string());
    }

    fn answer(&self, head: &str, body: &str) {
        *self.answer.lock().unwrap() = (head.to_owned(), body.to_owned());
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    async fn authorize(&self, stand: &Stand) -> Reply {
        Browser::new().authorize(stand, &self.id, &[("redirect_uri", REDIRECT)]).await
    }

    async fn tokens(&self, stand: &Stand) -> Value {
        let extra = [("redirect_uri", REDIRECT), ("scope", "openid offline_access"), ("prompt", "consent")];
        let params = stand.sign_in(&mut Browser::new(), &self.id, &extra).await;
        let reply = self.redeem(stand, &params["code"], &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json
    }

    async fn redeem(&self, stand: &Stand, code: &str, more: &[(&str, &str)]) -> Reply {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", &self.id),
        ];
        form.extend(more);
        stand.post_public("/token", &form).await
    }

    async fn refresh(&self, stand: &Stand, tokens: &Value) -> Reply {
        let token = text(&tokens["refresh_token"]);
        let form = [("grant_type", "refresh_token"), ("refresh_token", &token), ("client_id", &self.id)];
        stand.post_public("/token", &form).await
    }
}

async fn stand_with(change: impl FnOnce(&mut Config)) -> Stand {
    Stand::with(|config| {
        config.client_id_metadata.enabled = true;
        change(config);
    })
    .await
}

async fn stand() -> Stand {
    stand_with(|_| {}).await
}

fn refuses(reply: &Reply, part: &str) {
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert!(reply.text.contains("invalid_client") && reply.text.contains(part), "`{part}`: {}", reply.text);
}

#[tokio::test]
async fn a_client_that_nobody_registered_signs_its_users_in() {
    let (stand, site) = (stand().await, Site::open().await);
    let discovery = stand.http.get(format!("{}/.well-known/openid-configuration", stand.issuer));
    let discovery: Value = discovery.send().await.unwrap().json().await.unwrap();
    assert_eq!(discovery["client_id_metadata_document_supported"], true);
    let tokens = site.tokens(&stand).await;
    let access = text(&tokens["access_token"]);
    assert_eq!(stand.userinfo(&access).await.status, 200, "the token is understood");
    let again = site.refresh(&stand, &tokens).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(site.hits(), 1, "the document is read once");
}

#[tokio::test]
async fn users_are_told_which_host_vouches_for_the_name() {
    let (stand, site) = (stand().await, Site::open().await);
    let id = site.authorize(&stand).await.interaction();
    let prompt =
        stand.call(super::harness::UI, reqwest::Method::GET, &format!("/interactions/{id}"), None).await;
    let client = &prompt.json["client"];
    assert_eq!((&client["name"], &client["document_host"]), (&json!("A tool"), &json!("127.0.0.1")));
    assert_eq!((&client["type"], &client["first_party"]), (&json!("public"), &json!(false)));
}

#[tokio::test]
async fn no_such_client_is_known_unless_the_operator_wants_it() {
    let (stand, site) = (Stand::start().await, Site::open().await);
    refuses(&site.authorize(&stand).await, "is not registered here");
    assert_eq!(site.hits(), 0);
    let some =
        stand_with(|config| config.client_id_metadata.allowed_hosts = vec!["app.example".to_owned()]).await;
    refuses(&site.authorize(&some).await, "of a host that is not allowed here");
    assert_eq!(site.hits(), 0, "nothing is asked of a host that is not allowed");
}

#[tokio::test]
async fn an_id_is_a_plain_url() {
    let (stand, site) = (stand().await, Site::open().await);
    for id in [
        site.id.replace("http://", "http://user@"),
        format!("{}?x", site.id),
        format!("{}#x", site.id),
        site.id.replace("client.json", "a/../client.json"),
        site.id.replace("/client.json", ""),
        "http://app.example/client.json".to_owned(),
    ] {
        let reply = Browser::new().authorize(&stand, &id, &[("redirect_uri", REDIRECT)]).await;
        assert_eq!(reply.status, 400, "{id}: {}", reply.text);
    }
    assert_eq!(site.hits(), 0);
}

#[tokio::test]
async fn a_document_that_is_none_is_refused_with_the_reason_and_not_remembered() {
    let (stand, site) = (stand().await, Site::open().await);
    let json = "200 OK\r\nContent-Type: application/json";
    for (head, body, part) in [
        ("404 Not Found", String::new(), "is answered with the status 404"),
        ("500 Oops", String::new(), "is answered with the status 500"),
        ("302 Found\r\nLocation: http://127.0.0.1/x", String::new(), "is answered with the status 302"),
        ("201 Created\r\nContent-Type: application/json", site.document().to_string(), "the status 201"),
        (json, "{".to_owned(), "is not a JSON object"),
        (json, "[]".to_owned(), "is not a JSON object"),
        (json, format!("{{\"x\":\"{}\"}}", "x".repeat(20_000)), "is longer than 16 KiB"),
        (json, format!("{{\"x\":\"{}\"}}", "x".repeat(100_000)), "more than 64 KiB"),
        ("200 OK\r\nContent-Type: text/html", site.document().to_string(), "is not served as JSON"),
        ("200 OK", site.document().to_string(), "is not served as JSON"),
    ] {
        site.answer(head, &body);
        refuses(&site.authorize(&stand).await, part);
    }
    site.answer("200 OK\r\nContent-Type: application/x-client+json", &site.document().to_string());
    site.authorize(&stand).await.interaction();
}

#[tokio::test]
async fn what_a_document_may_ask_for_is_bounded() {
    let (stand, site) = (stand().await, Site::open().await);
    for (member, value, part) in [
        ("client_id", json!("http://127.0.0.1/other.json"), "its own URL"),
        ("client_secret", json!("x"), "client_secret"),
        ("token_endpoint_auth_method", json!("client_secret_basic"), "client_secret_basic"),
        ("redirect_uris", json!(["https://app.example/cb"]), "https://app.example/cb"),
        ("redirect_uris", json!([]), "redirect_uris"),
        ("scope", json!("openid reports.read"), "scope"),
        ("grant_types", json!(["client_credentials"]), "client_credentials"),
        ("id_token_signed_response_alg", json!("HS256"), "id_token_signed_response_alg"),
        ("jwks", json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] }), "jwks"),
    ] {
        site.publish(|document| document[member] = value.clone());
        refuses(&site.authorize(&stand).await, part);
    }
}

#[tokio::test]
async fn what_others_may_register_for_is_not_what_a_document_may_ask_for() {
    const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
    let stand = stand_with(|config| config.registration.allowed_grants.push(DEVICE.to_owned())).await;
    let site = Site::open().await;
    site.publish(|document| document["grant_types"] = json!(["authorization_code", DEVICE]));
    refuses(&site.authorize(&stand).await, DEVICE);
    let form = [("client_id", site.id.as_str()), ("scope", "openid")];
    let device = stand.post_public("/device_authorization", &form).await;
    assert_eq!((device.status, device.error()), (401, "invalid_client"), "{}", device.text);
    // Whoever registers may.
    let body =
        json!({ "redirect_uris": ["https://new.example/cb"], "grant_types": ["authorization_code", DEVICE] });
    let registered = stand.http.post(format!("{}/register", stand.issuer)).json(&body).send().await.unwrap();
    assert_eq!(registered.status(), 201);
}

#[tokio::test]
async fn a_client_with_a_key_proves_that_it_has_it() {
    let (stand, site) = (stand().await, Site::open().await);
    let signer = Signer::new("key-1");
    site.publish(|document| {
        document["token_endpoint_auth_method"] = json!("private_key_jwt");
        document["jwks"] = signer.jwks();
    });
    let params = stand.sign_in(&mut Browser::new(), &site.id, &[("redirect_uri", REDIRECT)]).await;
    assert_eq!(site.redeem(&stand, &params["code"], &[]).await.error(), "invalid_client");
    let assertion = |signer: &Signer, jti: &str| {
        signer.sign(&json!({
            "iss": site.id, "sub": site.id, "aud": stand.issuer, "jti": jti, "exp": stand.now() + 60,
        }))
    };
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let foreign = assertion(&Signer::new("key-1"), "1");
    let refused = site.redeem(&stand, &params["code"], &[kind, ("client_assertion", &foreign)]).await;
    assert_eq!(refused.error(), "invalid_client");
    let own = assertion(&signer, "2");
    let redeemed = site.redeem(&stand, &params["code"], &[kind, ("client_assertion", &own)]).await;
    assert_eq!(redeemed.status, 200, "{}", redeemed.text);
}

#[tokio::test]
async fn a_changed_document_counts_when_the_old_one_is_over() {
    let (stand, site) = (stand().await, Site::open().await);
    let tokens = site.tokens(&stand).await;
    site.publish(|document| document["redirect_uris"] = json!(["http://127.0.0.1/new"]));
    site.authorize(&stand).await.interaction();
    stand.clock.advance(3601);
    let old = site.authorize(&stand).await;
    assert_eq!(old.status, 400, "{}", old.text);
    assert_eq!(site.hits(), 2);
    assert_eq!(site.refresh(&stand, &tokens).await.status, 200, "what users gave it stays");
    let stored = stand.rows("SELECT doc FROM clients");
    assert!(stored[0].contains("http://127.0.0.1/new"), "{stored:?}");
}

#[tokio::test]
async fn the_server_of_a_document_says_how_long_it_may_be_kept_down_to_a_minute() {
    let (stand, site) = (stand().await, Site::open().await);
    for control in ["no-store", "max-age=0", "private, max-age=\"5\""] {
        let head = format!("200 OK\r\nContent-Type: application/json\r\nCache-Control: {control}");
        site.answer(&head, &site.document().to_string());
        stand.clock.advance(3601);
        let before = site.hits();
        site.authorize(&stand).await.interaction();
        stand.clock.advance(59);
        site.authorize(&stand).await.interaction();
        assert_eq!(site.hits(), before + 1, "{control}");
        stand.clock.advance(2);
        site.authorize(&stand).await.interaction();
        assert_eq!(site.hits(), before + 2, "{control}");
    }
}

#[tokio::test]
async fn while_its_host_is_away_a_client_that_users_let_in_goes_on_and_a_withdrawn_one_does_not() {
    let (stand, site) = (stand().await, Site::open().await);
    let tokens = site.tokens(&stand).await;
    stand.clock.advance(3601);
    site.answer("503 Busy", "");
    let tokens = site.refresh(&stand, &tokens).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    site.answer("410 Gone", "");
    let refused = site.refresh(&stand, &tokens.json).await;
    assert_eq!((refused.status, refused.error()), (401, "invalid_client"), "{}", refused.text);
    site.publish(|_| {});
    assert_eq!(site.refresh(&stand, &tokens.json).await.status, 200, "nothing was consumed");
}

#[tokio::test]
async fn nothing_is_kept_of_clients_that_no_user_let_in() {
    let (stand, site) = (stand().await, Site::open().await);
    site.authorize(&stand).await.interaction();
    assert!(stand.rows("SELECT doc FROM clients").is_empty());
    site.tokens(&stand).await;
    assert_eq!(stand.rows("SELECT client_id FROM clients"), [site.id.as_str()]);
    assert_eq!(stand.events("client.registered").len(), 1);
    site.tokens(&stand).await;
    assert_eq!(stand.events("client.registered").len(), 1, "once");
}

#[tokio::test]
async fn only_who_presents_itself_makes_the_server_read_a_document() {
    let (stand, site) = (stand().await, Site::open().await);
    let tokens = stand.tokens("web", "openid").await;
    let access = text(&tokens["access_token"]);
    // Names of clients in what is looked up, as hints and targets.
    for form in
        [vec![("token", access.as_str()), ("token_type_hint", &site.id)], vec![("token", site.id.as_str())]]
    {
        stand.post("/introspect", "web", &form).await;
    }
    let logout = format!("{}/logout?client_id={}", stand.issuer, site.id);
    Browser::new().get(&logout).await;
    assert_eq!(site.hits(), 0);
}

#[tokio::test]
async fn a_registration_of_the_operator_comes_before_the_document() {
    let site = Site::open().await;
    let id = site.id.clone();
    let stand = stand_with(|config| {
        let metadata =
            json!({ "token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1/registered"] });
        config.clients.push(super::helpers::configured(&id, &metadata));
    })
    .await;
    let extra = [("redirect_uri", "http://127.0.0.1/registered"), ("scope", "openid")];
    Browser::new().authorize(&stand, &site.id, &extra).await.interaction();
    assert_eq!(site.hits(), 0);
}

#[tokio::test]
async fn who_presents_documents_that_are_none_has_to_wait_whatever_their_names() {
    let stand = stand_with(|config| {
        config.limits.enabled = true;
        config.limits.failures = 100;
        config.limits.failures_per_address = 3;
    })
    .await;
    let site = Site::open().await;
    let present = async |n: u32, head: &str| {
        site.answer(head, "");
        let id = site.id.replace("client.json", &format!("{n}.json"));
        let form = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", id.as_str())];
        stand.post_public("/token", &form).await
    };
    for (n, head) in (0..).zip(["404 Not Found", "503 Busy", "200 OK", "302 Found"]) {
        let refused = present(n, head).await;
        assert_eq!((refused.status, refused.error()), (401, "invalid_client"), "{head}: {}", refused.text);
    }
    assert_eq!(present(4, "404 Not Found").await.status, 429);
    assert_eq!(site.hits(), 4, "whoever waits makes the server ask nobody");
    stand.clock.advance(30);
    assert_eq!(present(5, "404 Not Found").await.status, 401);
}
