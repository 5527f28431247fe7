//! The buttons of the session page.

use openidconnect::{CsrfToken, LogoutRequest};
use serde_json::Value;
use url::Url;

use crate::{
    ambient,
    app::{App, Browser},
    failure::Failure,
    provider::Tokens,
};

/// What a button yielded.
#[derive(Clone)]
pub(crate) struct Outcome {
    pub(crate) title: &'static str,
    pub(crate) result: Result<Shown, Failure>,
}

/// A result worth showing.
#[derive(Clone)]
pub(crate) enum Shown {
    Json(Value),
    Note(&'static str),
}

/// A button of the session page.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    Refresh,
    UserInfo,
    Introspect,
    RevokeAccess,
    RevokeRefresh,
}

impl Action {
    fn title(self) -> &'static str {
        match self {
            Self::Refresh => "Refresh",
            Self::UserInfo => "UserInfo",
            Self::Introspect => "Introspection of the access token",
            Self::RevokeAccess => "Revocation of the access token",
            Self::RevokeRefresh => "Revocation of the refresh token",
        }
    }
}

impl App {
    /// Whether the form was served to this browser.
    pub(crate) fn guarded(&self, cookie: &str, csrf: &str) -> bool {
        self.browsers.with(cookie, |browser| ambient::same(&browser.csrf, csrf)).unwrap_or(false)
    }

    /// Does what the button says, and keeps the outcome for the page.
    pub(crate) async fn act(&self, cookie: &str, action: Action) {
        let Some(tokens) = self.browsers.with(cookie, |browser| browser.tokens.clone()).flatten() else {
            return;
        };
        let result = match action {
            Action::Refresh => self.refresh(cookie, tokens).await,
            Action::UserInfo => self.provider.user_info(&tokens).await.map(Shown::Json),
            Action::Introspect => self.provider.introspect(&tokens).await.map(Shown::Json),
            Action::RevokeAccess => self.revoke(tokens.access.secret(), "access_token").await,
            Action::RevokeRefresh => match &tokens.refresh {
                Some(token) => self.revoke(token.secret(), "refresh_token").await,
                None => Err(no_refresh_token()),
            },
        };
        let outcome = Outcome { title: action.title(), result };
        self.browsers.with(cookie, |browser| browser.outcome = Some(outcome));
    }

    async fn revoke(&self, token: &str, hint: &str) -> Result<Shown, Failure> {
        self.provider.revoke(token, hint).await?;
        Ok(Shown::Note("The provider accepted. The token is still shown here: try it, or introspect it."))
    }

    async fn refresh(&self, cookie: &str, tokens: Tokens) -> Result<Shown, Failure> {
        // Taken out while in use: a second click at the same time would look like a stolen token to the provider.
        let take = |browser: &mut Browser| browser.tokens.as_mut().and_then(|tokens| tokens.refresh.take());
        let token = self.browsers.with(cookie, take).flatten().ok_or_else(no_refresh_token)?;
        let result = self.provider.refresh(&tokens, &token).await;
        self.browsers.with(cookie, |browser| match &result {
            Ok(fresh) => browser.tokens = Some(fresh.clone()),
            Err(_) => {
                if let Some(tokens) = &mut browser.tokens {
                    tokens.refresh = Some(token);
                }
            }
        });
        result.map(|_| Shown::Note("The tokens below are new."))
    }

    /// Forgets the tokens, and yields where the provider ends its own session, if it can.
    pub(crate) async fn logout(&self, cookie: &str) -> Option<Url> {
        let state = CsrfToken::new_random();
        let tokens = self.browsers.with(cookie, |browser| {
            browser.outcome = None;
            browser.leaving = Some(state.secret().clone());
            browser.tokens.take()
        })??;
        let known = self.provider.known().await.ok()?;
        let mut request = LogoutRequest::from(known.endpoints.end_session_endpoint.clone()?)
            .set_client_id(self.provider.client_id.clone())
            .set_post_logout_redirect_uri(self.home.clone())
            .set_state(state);
        if let Some(id) = &tokens.id {
            request = request.set_id_token_hint(id);
        }
        Some(request.http_get_url())
    }

    /// Whether the browser comes back from the logout that it left for.
    pub(crate) fn left(&self, cookie: &str, state: &str) -> bool {
        let returns = |browser: &mut Browser| {
            browser.leaving.take_if(|leaving| ambient::same(leaving, state)).is_some()
        };
        self.browsers.with(cookie, returns).unwrap_or(false)
    }
}

fn no_refresh_token() -> Failure {
    Failure::Rejected("no_refresh_token", "there is no refresh token: ask for `offline_access`".to_owned())
}
