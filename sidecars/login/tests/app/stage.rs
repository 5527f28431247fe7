//! The app and the fake server, started.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use placet_login::{Clock, SecondFactor, Server, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{browser::Browser, fake::Fake, fake::TOKEN};

/// App, server and user directory of one test.
pub(crate) struct Stage {
    pub(crate) fake: Fake,
    pub(crate) base: String,
    pub(crate) users: PathBuf,
    /// What the clock of the app shows, in seconds since 1970.
    pub(crate) now: Arc<AtomicI64>,
    /// Where the users are, unless another stage has them. It goes away with the stage.
    _folder: Option<TempDir>,
}

/// When the clock starts.
pub(crate) const START: i64 = 1_795_420_000;

impl Stage {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With other settings than the usual ones.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::Builder::new().prefix("placet-login-").tempdir().unwrap();
        let stage = Self::at(folder.path().join("users.toml"), change).await;
        Self { _folder: Some(folder), ..stage }
    }

    /// Another app on a user directory that is there.
    pub(crate) async fn at(users: PathBuf, change: impl FnOnce(&mut Settings)) -> Self {
        let fake = Fake::start().await;
        let now = Arc::new(AtomicI64::new(START));
        let shown = Arc::clone(&now);
        let mut settings = settings(&fake, &users);
        settings.clock = Clock::showing(move || shown.load(Ordering::SeqCst));
        change(&mut settings);
        let server = Server::bind(settings).await.unwrap();
        let base = format!("http://{}", server.address().unwrap());
        tokio::spawn(server.run(std::future::pending()));
        Self { fake, base, users, now, _folder: None }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.base)
    }
}

/// The usual settings of an app.
pub(crate) fn settings(fake: &Fake, users: &Path) -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: "http://localhost:8090/".parse().unwrap(),
        api: fake.base.clone(),
        token: TOKEN.to_owned(),
        users: users.to_owned(),
        dev: true,
        key_file: None,
        acr: ["urn:placet:acr:pwd", "0", "1"].map(str::to_owned).to_vec(),
        second_factor: SecondFactor {
            acr: vec!["urn:placet:acr:mfa".to_owned()],
            enrolment: true,
            always: false,
        },
        clock: Clock::system(),
        trusted_proxies: Vec::new(),
        brand_name: "Placet".to_owned(),
        brand_logo: None,
        brand_accent: "#3451d1".parse().unwrap(),
    }
}

/// An `auth` prompt, with changes.
pub(crate) fn auth(more: Value) -> Value {
    let mut section =
        json!({"reasons": ["no_session"], "attempt": 1, "account": {"mode": "any"}, "create": false});
    merge(&mut section, more);
    json!({"type": "auth", "auth": section})
}

/// A prompt with more members in its envelope.
pub(crate) fn and(mut prompt: Value, more: Value) -> Value {
    merge(&mut prompt, more);
    prompt
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("an object") };
    into.as_object_mut().unwrap().extend(more);
}

/// The last prompt: back to the server.
pub(crate) fn response() -> Value {
    json!({
        "type": "response",
        "response": {"outcome": "success", "delivery": {"method": "redirect", "uri": RESUME}},
    })
}

pub(crate) const RESUME: &str = "https://as.example/resume?i=ia_x&t=ticket";

/// A consent prompt with something of everything.
pub(crate) fn consent() -> Value {
    json!({
        "type": "consent",
        "consent": {
            "reasons": ["first_time"],
            "subject": {"sub": "alice"},
            "scope": [
                {"value": "openid", "status": "new", "required": true},
                {"value": "email", "status": "granted"},
                {"value": "invoices.read", "status": "new", "title": "Read your invoices", "description": "All of them"},
                {"value": "offline_access", "status": "new"},
            ],
            "claims": [
                {"name": "email", "status": "granted", "targets": ["userinfo", "id_token"]},
                {"name": "phone_number", "status": "new", "targets": ["userinfo"], "purpose": "Delivery alerts"},
                {"name": "nickname", "status": "new", "essential": true, "targets": ["id_token"]},
            ],
            "authorization_details": [{"type": "payment", "status": "new", "creditor": "Acme"}],
            "offline": {"requested": true, "allowed": true},
        },
    })
}
