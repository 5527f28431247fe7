//! What the app remembers, and how a sign-in starts.

use std::{sync::Arc, time::Duration};

use openidconnect::{Nonce, PkceCodeVerifier, PostLogoutRedirectUrl};
use tokio::sync::Semaphore;
use url::Url;

use crate::{
    ambient,
    ask::Ask,
    bounded::Bounded,
    call::Call,
    callback::Parameters,
    config::{Config, Error},
    failure::Failure,
    provider::{Provider, Tokens},
    session::Outcome,
    transfer::Transfer,
    tv::{self, Tv},
};

/// What is remembered of one browser. Its key is the value of the cookie.
pub(crate) struct Browser {
    /// Ties a sign-in that is under way to this browser; it stays when the cookie changes.
    pub(crate) tag: String,
    pub(crate) csrf: String,
    pub(crate) tokens: Option<Tokens>,
    /// What the last button yielded.
    pub(crate) outcome: Option<Outcome>,
    /// The last transfer, and what the API said to it.
    pub(crate) transfer: Option<Transfer>,
    /// The `state` of the logout that is under way.
    pub(crate) leaving: Option<String>,
    /// A user elsewhere who is asked.
    pub(crate) call: Option<Call>,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self {
            tag: ambient::secret(),
            csrf: ambient::secret(),
            tokens: None,
            outcome: None,
            transfer: None,
            leaving: None,
            call: None,
        }
    }
}

/// A sign-in that is under way. Its key is `state`, not the cookie: an answer posted from another site comes
/// without the cookie.
pub(crate) struct Pending {
    pub(crate) tag: String,
    pub(crate) nonce: Nonce,
    pub(crate) verifier: PkceCodeVerifier,
    pub(crate) scope: Vec<String>,
    pub(crate) max_age: Option<u64>,
    pub(crate) openid: bool,
    /// Whether a transfer waits for it.
    pub(crate) step_up: bool,
}

/// The app.
pub(crate) struct App {
    pub(crate) provider: Provider,
    pub(crate) home: PostLogoutRedirectUrl,
    /// What the API behind the transfer page wants.
    pub(crate) step_up_acr: String,
    /// Whether browsers may send the cookie over TLS only.
    pub(crate) secure: bool,
    pub(crate) browsers: Bounded<Browser>,
    pub(crate) pending: Bounded<Pending>,
    pub(crate) posted: Bounded<Parameters>,
    /// By the tag of the browser that shows them.
    pub(crate) televisions: Bounded<Tv>,
    /// Held by each television that asks the provider.
    pub(crate) asking: Arc<Semaphore>,
}

impl App {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let home = PostLogoutRedirectUrl::new(format!("{}/", config.public_url.trim_end_matches('/')))
            .map_err(|cause| Error::Url { setting: "public-url", cause })?;
        Ok(Self {
            provider: Provider::new(config)?,
            step_up_acr: config.step_up_acr.clone(),
            secure: home.url().scheme() == "https",
            home,
            browsers: Bounded::new(256, Duration::from_secs(8 * 3600)),
            pending: Bounded::new(1024, Duration::from_secs(1800)),
            posted: Bounded::new(256, Duration::from_secs(60)),
            televisions: Bounded::new(256, tv::FORGOTTEN),
            asking: Arc::new(Semaphore::new(tv::MOST)),
        })
    }

    /// Starts a sign-in; yields where to send the browser, and its cookie.
    pub(crate) async fn login(&self, query: &str, cookie: Option<String>) -> Result<(Url, String), Failure> {
        self.begin(query, cookie, false).await
    }

    /// Starts a sign-in, which a transfer may wait for.
    pub(crate) async fn begin(
        &self,
        query: &str,
        cookie: Option<String>,
        step_up: bool,
    ) -> Result<(Url, String), Failure> {
        let ask = Ask::parse(query, self.provider.issuer.as_str())?;
        let known = self.provider.known().await?;
        let found = cookie.and_then(|cookie| {
            let seen = |browser: &mut Browser| {
                (browser.tag.clone(), browser.tokens.as_ref().and_then(|tokens| tokens.id.clone()))
            };
            self.browsers.with(&cookie, seen).map(|(tag, hint)| (cookie, tag, hint))
        });
        let (cookie, tag, hint) = found.unwrap_or_else(|| {
            let (cookie, browser) = (ambient::secret(), Browser::new());
            let tag = browser.tag.clone();
            self.browsers.put(cookie.clone(), browser);
            (cookie, tag, None)
        });
        let request = ask.request(&known, hint.as_ref());
        let pending = Pending {
            tag,
            nonce: request.nonce,
            verifier: request.verifier,
            max_age: ask.max_age,
            openid: ask.openid(),
            scope: ask.scope,
            step_up,
        };
        self.pending.put(request.state.secret().clone(), pending);
        Ok((request.url, cookie))
    }
}
