//! A server on real sockets, with a clock that is set and a store in a throw-away folder; and a browser without a
//! window.

#[path = "browser.rs"]
mod browser;
#[path = "clients.rs"]
pub mod clients;

use std::sync::{Arc, OnceLock};

use placet_server::{
    clock::{Clock, ManualClock},
    config::{Capability, Config, FrontDoor, RegistrationMode, UiConfig},
    http::{self, listen::Fronts},
    random::OsRandom,
    seal::{MasterKeys, SymmetricKey, hex},
    server::{Environment, Server},
    store::{KeyRecord, Store, embedded::Embedded},
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{net::TcpListener, sync::watch};

use super::folder::Folder;

pub use browser::{Browser, Params, Reply, claims, query, request};

/// The bearer of the login app with the redirect front door.
pub const UI: &str = "ui-token-of-the-redirect-door-0123456789";
/// The bearer of the login app with the headless front door and every capability.
pub const HEADLESS: &str = "ui-token-of-the-headless-door-0123456789";
/// Secret of the confidential clients; long enough for every algorithm that uses it as a key.
pub const SECRET: &str = "secret-of-the-confidential-clients-which-is-long-enough-for-HS512-0123456789";
/// Where clients get their answers.
pub const CALLBACK: &str = "https://client.example/callback";
/// A PKCE verifier and its challenge (RFC 7636 appendix B).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Its challenge.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// When the clock starts.
pub const START: i64 = 1_795_420_000;

static KEYS: OnceLock<Vec<KeyRecord>> = OnceLock::new();

/// A running server.
pub struct Stand {
    /// The server.
    pub server: Server,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Its public base URL, the issuer.
    pub issuer: String,
    /// The base URL of its interaction API.
    pub api: String,
    /// An HTTP client that follows nothing.
    pub http: Client,
    /// What stands before its listeners.
    pub fronts: Fronts,
    environment: Environment,
    _stop: watch::Sender<bool>,
    /// The last to go: what is above has its files in it.
    folder: Option<Folder>,
}

impl Stand {
    /// A server with the usual settings.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server whose settings `change` has altered.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = Folder::new("store");
        let store: Arc<dyn Store> = Arc::new(Embedded::open(&folder.join("placet.db"), "default").unwrap());
        // Keys take long to make, so all stands share those of the first one.
        let keys = KEYS.get().cloned().unwrap_or_default();
        if !keys.is_empty() {
            store.change_keys(0, keys, Vec::new()).await.unwrap();
        }
        let mut stand = Self::on(store, change).await;
        if KEYS.get().is_none() {
            // Not those that this one alone needed.
            let mut keys = stand.server.store().keys().await.unwrap();
            keys.retain(|key| !["RS384", "RS512", "PS384", "PS512", "ES384"].contains(&key.alg.as_str()));
            let _ = KEYS.set(keys);
        }
        stand.folder = Some(folder);
        stand
    }

    /// A server on this store.
    pub async fn on(store: Arc<dyn Store>, change: impl FnOnce(&mut Config)) -> Self {
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let private = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", public.local_addr().unwrap());
        let mut config = Config { issuer: issuer.clone(), development: true, ..Config::default() };
        config.private_listen = private.local_addr().unwrap();
        config.registration.mode = RegistrationMode::Open;
        config.resources = vec!["https://api.example".to_owned()];
        config
            .scopes
            .extend(["reports.read", "reports.write"].map(placet_server::config::ScopeConfig::named));
        config.limits.enabled = false;
        config.clients = clients::clients();
        config.ui = vec![ui("login", UI, FrontDoor::Redirect), ui("headless", HEADLESS, FrontDoor::Headless)];
        config.ui[1].capabilities = vec![
            Capability::SetTokens,
            Capability::WidenScope,
            Capability::AllowImpersonation,
            Capability::Sessions,
            Capability::Authorizations,
            Capability::DirectGrant,
            Capability::Report,
        ];
        config.ui[1].direct_grant_clients = vec!["web".to_owned()];
        change(&mut config);
        let mutual = match config.mtls.listen {
            Some(address) => Some(TcpListener::bind(address).await.unwrap()),
            None => None,
        };
        if let Some(listener) = &mutual {
            config.mtls.base_url = Some(format!("https://{}", listener.local_addr().unwrap()));
        }
        let clock = Arc::new(ManualClock::new(START));
        let environment = Environment {
            store,
            clock: clock.clone(),
            random: Arc::new(OsRandom),
            master: MasterKeys::new(SymmetricKey::new([5; 32]), Vec::new()),
        };
        let server = Server::start(config, environment.clone()).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let api = format!("http://{}/ui/v1", private.local_addr().unwrap());
        let fronts = Fronts::load(server.config()).unwrap();
        let secured = server.config().tls.certificate_file.is_some();
        let issuer = if secured { issuer.replace("http://", "https://") } else { issuer };
        tokio::spawn(http::listen::serve(
            public,
            http::public(&server),
            fronts.public.clone(),
            stopped.clone(),
        ));
        tokio::spawn(http::listen::serve(
            private,
            http::private(&server),
            fronts.private.clone(),
            stopped.clone(),
        ));
        if let (Some(listener), Some(front)) = (mutual, fronts.mutual.clone()) {
            tokio::spawn(http::listen::serve(listener, http::mutual(&server), front, stopped));
        }
        let (http, folder) = (browser::http_client(), None);
        Self { server, clock, issuer, api, http, fronts, environment, _stop: stop, folder }
    }

    /// What the server stands on: for another one beside it.
    pub fn environment(&self) -> Environment {
        self.environment.clone()
    }

    /// Its store, to be looked into.
    pub fn database(&self) -> rusqlite::Connection {
        let folder = self.folder.as_ref().expect("a store of its own");
        rusqlite::Connection::open(folder.join("placet.db")).unwrap()
    }

    /// Now, as the server sees it.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// The events of a type that were written so far: what each is about, and its data.
    pub fn events(&self, event_type: &str) -> Vec<(String, Value)> {
        let database = self.database();
        let sql = "SELECT subject, data FROM outbox WHERE event_type = ? ORDER BY seq";
        let mut statement = database.prepare(sql).unwrap();
        let rows =
            statement.query_map([event_type], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).unwrap();
        rows.map(|row| row.map(|(subject, data)| (subject, serde_json::from_str(&data).unwrap())).unwrap())
            .collect()
    }

    /// The texts that a query finds in the store.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        let database = self.database();
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Posts a form to an endpoint; the client authenticates with `client_secret_basic`.
    pub async fn post(&self, path: &str, client: &str, form: &[(&str, &str)]) -> Reply {
        let request =
            self.http.post(format!("{}{path}", self.issuer)).basic_auth(client, Some(SECRET)).form(form);
        Reply::read(request.send().await.unwrap()).await
    }

    /// Posts a form without client authentication.
    pub async fn post_public(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        Reply::read(self.http.post(format!("{}{path}", self.issuer)).form(form).send().await.unwrap()).await
    }

    /// Redeems a code at the token endpoint.
    pub async fn redeem(&self, client: &str, code: &str) -> Reply {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.post("/token", client, &form).await
    }

    /// Calls the interaction API.
    pub async fn call(&self, token: &str, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let mut request = self.http.request(method, format!("{}{path}", self.api)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        Reply::read(request.send().await.unwrap()).await
    }

    /// Answers a step of an interaction as the redirect door's login app.
    pub async fn answer(&self, id: &str, step: u32, body: &Value) -> Reply {
        self.call(UI, Method::PUT, &format!("/interactions/{id}/steps/{step}"), Some(body)).await
    }

    /// Gets `UserInfo` with a bearer token.
    pub async fn userinfo(&self, token: &str) -> Reply {
        let request = self.http.get(format!("{}/userinfo", self.issuer)).bearer_auth(token);
        Reply::read(request.send().await.unwrap()).await
    }

    /// Whether introspection by `client` finds a token active.
    pub async fn is_active(&self, client: &str, token: &str) -> bool {
        let reply = self.post("/introspect", client, &[("token", token)]).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json["active"] == true
    }

    /// A whole sign-in as `sub` with everything granted; gives the parameters of the response.
    pub async fn sign_in(&self, browser: &mut Browser, client: &str, extra: &[(&str, &str)]) -> Params {
        let asked = browser.authorize(self, client, extra).await;
        let id = asked.interaction();
        self.finish(browser, &id, "alice").await
    }

    /// Plays the login app from the first prompt to the response, whatever is asked.
    pub async fn finish(&self, browser: &mut Browser, id: &str, sub: &str) -> Params {
        let mut prompt = self.call(UI, Method::GET, &format!("/interactions/{id}"), None).await.json;
        while prompt["type"] != "response" {
            let body = match prompt["type"].as_str().unwrap() {
                "auth" => auth(sub),
                "consent" => {
                    json!({ "type": "consent", "accept_all": true, "remember": { "mode": "always" } })
                }
                other => panic!("unexpected prompt {other}: {prompt}"),
            };
            let step = u32::try_from(prompt["step"].as_u64().unwrap()).unwrap();
            let reply = self.answer(id, step, &body).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            prompt = reply.json;
        }
        let uri = prompt["response"]["delivery"]["uri"].as_str().unwrap().to_owned();
        browser.get(&uri).await.params()
    }

    /// Signs in and redeems the code; gives the token response.
    pub async fn tokens(&self, client: &str, scope: &str) -> Value {
        let mut browser = Browser::new();
        let mut extra = vec![("scope", scope)];
        if scope.contains("offline_access") {
            extra.push(("prompt", "consent"));
        }
        let params = self.sign_in(&mut browser, client, &extra).await;
        let reply = self.redeem(client, &params["code"]).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json
    }
}

/// A login app.
pub fn ui(name: &str, token: &str, front_door: FrontDoor) -> UiConfig {
    UiConfig {
        name: name.to_owned(),
        login_uri: "https://login.example/start".to_owned(),
        token_sha256: vec![hex(&Sha256::digest(token))],
        front_door,
        ..UiConfig::default()
    }
}

/// The answer to an `auth` prompt.
pub fn auth(sub: &str) -> Value {
    json!({
        "type": "auth", "sub": sub, "acr": "urn:placet:acr:pwd", "amr": ["pwd"],
        "session": { "claims": {
            "name": "Alice Adams", "email": format!("{sub}@example.com"), "email_verified": true,
            "phone_number": "+1 555 0100", "name#de": "Alice Adams (de)",
        } },
    })
}
