//! Browsers in the console.

use reqwest::Method;

use super::{
    administering::{TOKEN, call},
    harness::{Browser, Reply, Stand},
    helpers::text,
};

/// A browser at the console of a server.
pub struct Console<'a> {
    /// The server.
    pub stand: &'a Stand,
    /// The browser.
    pub browser: Browser,
}

/// The URL of a page.
pub fn page(stand: &Stand, path: &str) -> String {
    format!("{}/console{path}", stand.api.trim_end_matches("/ui/v1"))
}

/// A link into the console for the admin with this bearer.
pub async fn link(stand: &Stand, token: &str) -> String {
    let reply = call(stand, token, Method::POST, "/console-links", None).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(reply.json["expires_in"], 120);
    text(&reply.json["url"])
}

/// The secret in a link.
pub fn secret(link: &str) -> &str {
    link.split_once("/console/sign-in?link=").expect("a link into the console").1
}

impl<'a> Console<'a> {
    /// A browser that nobody signed in.
    pub fn outside(stand: &'a Stand) -> Self {
        Self { stand, browser: Browser::new() }
    }

    /// A browser of the admin with every role.
    pub async fn enter(stand: &'a Stand) -> Self {
        Self::with(stand, TOKEN).await
    }

    /// A browser of the admin with this bearer.
    pub async fn with(stand: &'a Stand, token: &str) -> Self {
        let mut console = Self::outside(stand);
        let link = link(stand, token).await;
        let reply = console.sign_in(secret(&link)).await;
        assert_eq!((reply.status, reply.header("location")), (303, "/console/flows?done=signed-in"));
        console
    }

    /// Sends the form of the page that a link leads to.
    pub async fn sign_in(&mut self, secret: &str) -> Reply {
        self.browser.post(&page(self.stand, "/sign-in"), &[("link", secret)]).await
    }

    /// Looks at a page.
    pub async fn get(&mut self, path: &str) -> Reply {
        self.browser.get(&page(self.stand, path)).await
    }

    /// A page that has to be there.
    pub async fn sees(&mut self, path: &str) -> String {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.text
    }

    /// Sends a form, with what the forms of `/flows` carry.
    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Reply {
        let token = token(&self.sees("/flows").await);
        let form: Vec<_> = form.iter().copied().chain([("token", token.as_str())]).collect();
        self.browser.post(&page(self.stand, path), &form).await
    }

    /// Where a search leads; none if it finds nothing.
    pub async fn finds(&mut self, id: &str) -> Option<String> {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", id).finish();
        let reply = self.get(&format!("/search?{query}")).await;
        match reply.status {
            303 => Some(reply.header("location").trim_start_matches("/console").to_owned()),
            200 => None,
            other => panic!("{other}: {}", reply.text),
        }
    }
}

/// What the forms of a page carry.
pub fn token(html: &str) -> String {
    let (_, rest) = html.split_once("name=\"token\" value=\"").expect("a form");
    rest.split('"').next().unwrap().to_owned()
}

/// Checks that a page says all of this, in this order.
#[track_caller]
pub fn says(html: &str, all: &[&str]) {
    let mut rest = html;
    for one in all {
        let Some((_, after)) = rest.split_once(one) else {
            panic!("`{one}` is missing (of {all:?}) in\n{html}")
        };
        rest = after;
    }
}
