//! A browser with one cookie, which follows redirects only when told to.

use std::{net::SocketAddr, sync::Mutex};

use placet_demo::{Config, Demo};
use reqwest::{RequestBuilder, StatusCode, redirect::Policy};
use tokio::net::TcpListener;
use url::Url;

/// Starts the app for the provider at `issuer`; yields where it listens.
pub(crate) async fn app(issuer: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let config = Config {
        listen: address,
        issuer: issuer.to_owned(),
        client_id: "demo".to_owned(),
        client_secret: "demo-secret".to_owned(),
        tv_client_id: "demo-tv".to_owned(),
        call_centre_id: "call-centre".to_owned(),
        call_centre_secret: "call-centre-secret".to_owned(),
        public_url: format!("http://{address}"),
        step_up_acr: "urn:placet:acr:mfa".to_owned(),
    };
    let demo = Demo::new(&config).expect("the configuration holds");
    tokio::spawn(demo.serve(listener, std::future::pending()));
    address
}

/// What the app answered.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) csp: String,
    pub(crate) html: String,
}

impl Page {
    /// The text of the page, without tags, as a reader sees it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut inside = false;
        for character in self.html.chars() {
            match character {
                '<' => inside = true,
                '>' => inside = false,
                _ if !inside => text.push(character),
                _ => {}
            }
        }
        text.replace("&#34;", "\"").replace("&#60;", "<").replace("&#62;", ">")
    }

    /// Where the page sends the browser.
    pub(crate) fn location(&self) -> &str {
        self.location.as_deref().expect("the answer is a redirect")
    }

    /// The token of the page's forms.
    pub(crate) fn csrf(&self) -> String {
        let (_, rest) = self.html.split_once("name=\"csrf\" value=\"").expect("the page has a form");
        rest.split('"').next().expect("a value").to_owned()
    }
}

/// The browser.
pub(crate) struct Browser {
    http: reqwest::Client,
    app: String,
    cookie: Mutex<Option<String>>,
}

impl Browser {
    pub(crate) fn new(app: SocketAddr) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client");
        Self { http, app: format!("http://{app}"), cookie: Mutex::default() }
    }

    /// Another browser at the same app.
    pub(crate) fn another(&self) -> Self {
        Self { http: self.http.clone(), app: self.app.clone(), cookie: Mutex::default() }
    }

    /// Opens `target`, a path of the app or a whole URL, with the cookie.
    pub(crate) async fn get(&self, target: &str) -> Page {
        self.send(self.http.get(self.url(target)), true).await
    }

    /// Posts a form to the app.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        self.send(self.http.post(self.url(path)).form(form), true).await
    }

    /// Posts a form as a page of another site would: without the cookie.
    pub(crate) async fn post_from_elsewhere(&self, path: &str, form: &[(&str, &str)]) -> Page {
        self.send(self.http.post(self.url(path)).form(form), false).await
    }

    /// Walks to the provider; yields the answer that the provider sends the browser back with.
    pub(crate) async fn ask(&self, query: &str) -> Url {
        let login = self.get(&format!("/login{query}")).await;
        let authorize = self.get(login.location()).await;
        Url::parse(authorize.location()).expect("a URL")
    }

    /// Signs in; yields the session page.
    pub(crate) async fn sign_in(&self) -> Page {
        let back = self.ask("").await;
        let done = self.get(back.as_str()).await;
        assert_eq!(done.location(), "/session", "{}", done.text());
        self.get("/session").await
    }

    /// Presses a button of the session page.
    pub(crate) async fn press(&self, path: &str) -> Page {
        let csrf = self.get("/session").await.csrf();
        let done = self.post(path, &[("csrf", &csrf)]).await;
        assert_eq!(done.location(), "/session#result");
        self.get("/session").await
    }

    fn url(&self, target: &str) -> String {
        if target.starts_with('/') { format!("{}{target}", self.app) } else { target.to_owned() }
    }

    async fn send(&self, mut request: RequestBuilder, with_cookie: bool) -> Page {
        let cookie = self.cookie.lock().expect("unpoisoned").clone();
        if let Some(cookie) = cookie.filter(|_| with_cookie) {
            request = request.header("cookie", cookie);
        }
        let answer = request.send().await.expect("an answer");
        let header = |name| answer.headers().get(name).map(|v| v.to_str().expect("ASCII").to_owned());
        if let Some(set) = header("set-cookie") {
            assert!(set.contains("; HttpOnly; SameSite=Lax"), "{set}");
            let pair = set.split(';').next().expect("a pair").to_owned();
            *self.cookie.lock().expect("unpoisoned") = Some(pair);
        }
        let csp = header("content-security-policy").unwrap_or_default();
        let (status, location) = (answer.status(), header("location"));
        Page { status, location, csp, html: answer.text().await.expect("text") }
    }
}
