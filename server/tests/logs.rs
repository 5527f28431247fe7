//! No credential appears in the log, however much is logged. A binary of its own: the log is one per process.
#![allow(unreachable_pub, reason = "the harness is read by every file of another binary")]

#[path = "specs/folder.rs"]
#[allow(dead_code, reason = "folders have more than this test needs")]
mod folder;
#[path = "specs/harness.rs"]
#[allow(dead_code, unused_imports, reason = "the harness has more than this test needs")]
mod harness;

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use harness::{Browser, HEADLESS, Reply, SECRET, Stand, UI, VERIFIER, auth, query};
use placet_oauth::grant_type::GrantType;
use placet_server::{config::RegistrationMode, seal::hex};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tracing_subscriber::fmt::MakeWriter;

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const INITIAL: &str = "initial-access-token-of-the-operator-0123456789";
const PASSWORD_LIKE: &str = "wrong-secret-that-somebody-typed-0123456789";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}

async fn refresh(stand: &Stand, client: &str, token: &str) -> Reply {
    stand.post("/token", client, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

/// Grants, their failures, and the use of what they gave.
async fn tokens(stand: &Stand, secrets: &mut Vec<String>) {
    for client in ["web", "opaque", "single"] {
        let mut browser = Browser::new();
        let extra = [("scope", "openid email offline_access"), ("prompt", "consent"), ("nonce", "n")];
        let params = stand.sign_in(&mut browser, client, &extra).await;
        let code = params["code"].clone();
        stand.redeem("other", &code).await;
        let tokens = stand.redeem(client, &code).await.json;
        let [access, refreshing, id] =
            ["access_token", "refresh_token", "id_token"].map(|n| text(&tokens[n]));
        stand.userinfo(&access).await;
        stand.is_active(client, &access).await;
        stand.is_active("other", &access).await;
        stand.is_active("api", &refreshing).await;
        refresh(stand, "other", &refreshing).await;
        let next = refresh(stand, client, &refreshing).await.json;
        secrets.extend(["access_token", "refresh_token", "id_token"].map(|n| text(&next[n])));
        browser.authorize(stand, client, &[("id_token_hint", &id)]).await;
        browser.get(&format!("{}/logout?id_token_hint={id}", stand.issuer)).await;
        stand.post("/revoke", "other", &[("token", &access)]).await;
        stand.post("/revoke", client, &[("token", &access)]).await;
        refresh(stand, client, &text(&next["refresh_token"])).await;
        refresh(stand, client, &refreshing).await;
        stand.redeem(client, &code).await;
        secrets.extend([code, access, refreshing, id]);
        secrets.extend(browser.cookies.values().flat_map(|v| v.split('.')).map(str::to_owned));
    }
    for url in [
        "/userinfo?access_token=",
        "/authorize?client_id=web&code=",
        "/resume?i=x&t=",
        "/logout?id_token_hint=",
    ] {
        let _ = stand.http.get(format!("{}{url}{PASSWORD_LIKE}", stand.issuer)).send().await;
    }
    let form = [("grant_type", "client_credentials")];
    let wrong =
        stand.http.post(format!("{}/token", stand.issuer)).basic_auth("web", Some(PASSWORD_LIKE)).form(&form);
    wrong.send().await.unwrap();
    let form = [("client_secret", PASSWORD_LIKE), ("client_id", "post"), ("grant_type", PASSWORD_LIKE)];
    stand.post_public("/token", &form).await;
    stand.call(PASSWORD_LIKE, Method::GET, "/sessions?sub=alice", None).await;
}

/// Both front doors.
async fn interactions(stand: &Stand, secrets: &mut Vec<String>) {
    let mut browser = Browser::new();
    let id = browser.authorize(stand, "other", &[]).await.interaction();
    stand.answer(&id, 1, &json!({ "type": "auth", "sub": 7, "amr": PASSWORD_LIKE })).await;
    stand.answer(&id, 1, &auth("alice")).await;
    let done = stand.answer(&id, 2, &json!({ "type": "consent", "accept_all": true })).await.json;
    let uri = text(&done["response"]["delivery"]["uri"]);
    secrets.push(query(&uri)["t"].clone());
    Browser::new().get(&uri).await;
    browser.get(&uri).await;

    let binding = "binding-of-the-headless-browser-0123456789";
    let request = format!(
        "client_id=other&response_type=code&scope=openid&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback\
         &code_challenge={}&code_challenge_method=S256",
        harness::CHALLENGE
    );
    let body = json!({ "kind": "authorization", "request": { "method": "GET", "query": request },
        "browser": { "binding": binding, "sessions": [PASSWORD_LIKE] } });
    let mut prompt = stand.call(HEADLESS, Method::POST, "/interactions", Some(&body)).await.json;
    for answer in [auth("alice"), json!({ "type": "consent", "accept_all": true })] {
        let url =
            format!("{}/interactions/{}/steps/{}", stand.api, prompt["id"].as_str().unwrap(), prompt["step"]);
        let put =
            stand.http.put(url).bearer_auth(HEADLESS).header("placet-browser-binding", binding).json(&answer);
        prompt = Reply::read(put.send().await.unwrap()).await.json;
    }
    if let Some(value) = prompt["response"]["session"]["cookie"]["value"].as_str() {
        secrets.push(value.to_owned());
    }
    let uri = text(&prompt["response"]["delivery"]["uri"]);
    secrets.extend([query(&uri)["code"].clone(), binding.to_owned()]);
    let direct =
        json!({ "client_id": "web", "sub": "alice", "grant": { "scope": ["openid", "offline_access"] } });
    let direct = stand.call(HEADLESS, Method::POST, "/grants", Some(&direct)).await.json;
    secrets.extend(["access_token", "refresh_token", "id_token"].map(|n| text(&direct[n])));
}

/// A device, and whoever answers for it; gives its user code.
async fn device(stand: &Stand, secrets: &mut Vec<String>) -> String {
    let asked = stand.post("/device_authorization", "web", &[("scope", "openid offline_access")]).await.json;
    let (device_code, user_code) = (text(&asked["device_code"]), text(&asked["user_code"]));
    let poll = [("grant_type", DEVICE), ("device_code", device_code.as_str())];
    stand.post("/token", "other", &poll).await;
    stand.post("/token", "web", &poll).await;
    stand.post("/token", "web", &poll).await;
    let mut browser = Browser::new();
    browser.get(&format!("{}/device?user_code={PASSWORD_LIKE}", stand.issuer)).await;
    let id = browser.get(&format!("{}/device?user_code={user_code}", stand.issuer)).await.interaction();
    let mut last = Value::Null;
    for (step, answer) in [
        (1, json!({ "type": "confirm", "accepted": true })),
        (2, auth("carol")),
        (3, json!({ "type": "consent", "accept_all": true })),
    ] {
        last = stand.answer(&id, step, &answer).await.json;
    }
    browser.get(&text(&last["response"]["delivery"]["uri"])).await;
    let tokens = stand.post("/token", "web", &poll).await.json;
    stand.post("/token", "web", &poll).await;
    secrets.extend(["access_token", "refresh_token", "id_token"].map(|n| text(&tokens[n])));
    secrets.push(device_code);
    user_code
}

async fn registration(stand: &Stand, secrets: &mut Vec<String>) {
    let body = json!({ "redirect_uris": ["https://new.example/cb"] });
    let send = async |method: Method, path: &str, token: &str| {
        let request =
            stand.http.request(method, format!("{}{path}", stand.issuer)).bearer_auth(token).json(&body);
        Reply::read(request.send().await.unwrap()).await.json
    };
    send(Method::POST, "/register", PASSWORD_LIKE).await;
    let mine = send(Method::POST, "/register", INITIAL).await;
    let (token, path) =
        (text(&mine["registration_access_token"]), format!("/register/{}", text(&mine["client_id"])));
    send(Method::GET, &path, PASSWORD_LIKE).await;
    send(Method::GET, &path, &token).await;
    send(Method::PUT, &path, &token).await;
    send(Method::DELETE, &path, &token).await;
    secrets.extend([token, text(&mine["client_secret"])]);
}

#[tokio::test]
async fn no_credential_appears_in_the_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let stand = Stand::with(|config| {
        let web = config.clients.iter_mut().find(|client| client.client_id == "web").unwrap();
        web.metadata.grant_types.get_or_insert_default().push(GrantType::DeviceCode);
        config.registration.mode = RegistrationMode::InitialAccessToken;
        config.registration.initial_access_token_sha256 = vec![hex(&Sha256::digest(INITIAL))];
    })
    .await;
    let mut secrets: Vec<String> =
        [SECRET, UI, HEADLESS, VERIFIER, INITIAL, PASSWORD_LIKE].map(str::to_owned).into();
    tokens(&stand, &mut secrets).await;
    interactions(&stand, &mut secrets).await;
    registration(&stand, &mut secrets).await;
    let user_code = device(&stand, &mut secrets).await;

    let page = Browser::new().get(&format!("{}/authorize?client_id=nobody", stand.issuer)).await;
    let reference = page.header("placet-request-id").to_owned();
    assert!(reference.starts_with("req_") && page.text.contains(&reference), "{}", page.text);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("tokens were issued") && text.contains("a client registered itself"),
        "this is the log"
    );
    assert!(text.contains(&format!("id={reference}")), "what is on the page finds its lines");
    assert!(secrets.len() > 39);
    for typed in [user_code.clone(), user_code.replace('-', "")] {
        assert!(!text.contains(&typed), "the user code `{typed}` is in the log");
    }
    for secret in secrets {
        assert!(secret.len() >= 20, "{secret}");
        let line = text.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "`{secret}` is in the log: {}", line.unwrap());
    }
}
