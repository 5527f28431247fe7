//! What the user of this app chose to ask the provider for.

use std::time::Duration;

use openidconnect::{
    AuthenticationContextClass, AuthenticationFlow, CsrfToken, LanguageTag, LoginHint, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, Scope,
    core::{CoreAuthPrompt, CoreIdToken, CoreResponseType},
};
use url::{Url, form_urlencoded};

use crate::{failure::Failure, provider::Known};

/// The scopes on offer, and whether they are ticked at first.
pub(crate) const SCOPES: [(&str, bool); 6] = [
    ("openid", true),
    ("profile", true),
    ("email", true),
    ("address", false),
    ("phone", false),
    ("offline_access", false),
];

/// The values of `prompt` on offer.
pub(crate) const PROMPTS: [&str; 5] = ["login", "consent", "select_account", "create", "none"];

/// The choices of the start page.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Ask {
    pub(crate) scope: Vec<String>,
    prompt: Vec<String>,
    pub(crate) max_age: Option<u64>,
    acr_values: Vec<String>,
    ui_locales: Vec<String>,
    login_hint: Option<String>,
    form_post: bool,
}

/// Where a sign-in that somebody else begins here names what it is about (OpenID Connect Core section 4). This app shows one
/// page after every sign-in, whatever `target_link_uri` says: it must not lead browsers elsewhere.
const INITIATION: [&str; 3] = ["iss", "login_hint", "target_link_uri"];

/// An authorization request, and what is needed to check its answer.
pub(crate) struct Request {
    pub(crate) url: Url,
    pub(crate) state: CsrfToken,
    pub(crate) nonce: Nonce,
    pub(crate) verifier: PkceCodeVerifier,
}

impl Ask {
    /// Reads the start page's form; a bare link asks for what is ticked at first, and so does whoever begins a sign-in here
    /// from elsewhere: `issuer` is the one whom this app takes that from.
    pub(crate) fn parse(query: &str, issuer: &str) -> Result<Self, Failure> {
        let mut ask = Self::default();
        if form_urlencoded::parse(query.as_bytes()).all(|(name, _)| INITIATION.contains(&&*name)) {
            ask.scope =
                SCOPES.iter().filter(|(_, ticked)| *ticked).map(|(name, _)| (*name).to_owned()).collect();
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let words = value.split_ascii_whitespace().map(str::to_owned);
            match &*name {
                "scope" => ask.scope.extend(words),
                "acr_values" => ask.acr_values.extend(words),
                "ui_locales" => ask.ui_locales.extend(words),
                "prompt" => ask.prompt.extend(words),
                "max_age" => ask.max_age = seconds(&value)?,
                "response_mode" => ask.form_post = value == "form_post",
                "login_hint" => ask.login_hint = Some(value.into_owned()),
                "iss" if value != issuer => {
                    let reason = format!("`{value}` is not the provider of this app");
                    return Err(Failure::Rejected("issuer_unknown", reason));
                }
                _ => {}
            }
        }
        Ok(ask)
    }

    /// Whether an ID token is asked for.
    pub(crate) fn openid(&self) -> bool {
        self.scope.iter().any(|scope| scope == "openid")
    }

    /// The authorization request; `hint` is the ID token of who is signed in here.
    pub(crate) fn request(&self, known: &Known, hint: Option<&CoreIdToken>) -> Request {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        // The library adds `openid` unless told not to.
        let mut client = known.client.clone();
        if !self.openid() {
            client = client.disable_openid_scope();
        }
        let scopes = self.scope.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new);
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let mut request = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge)
            .add_scopes(scopes);
        for value in &self.prompt {
            request = request.add_prompt(prompt(value));
        }
        // OpenID Connect Core, section 3.1.2.1: with prompt=none the hint should be present, when possible.
        if self.prompt == ["none"]
            && let Some(hint) = hint
        {
            request = request.set_id_token_hint(hint);
        }
        if let Some(seconds) = self.max_age {
            request = request.set_max_age(Duration::from_secs(seconds));
        }
        for value in &self.acr_values {
            request = request.add_auth_context_value(AuthenticationContextClass::new(value.clone()));
        }
        for locale in &self.ui_locales {
            request = request.add_ui_locale(LanguageTag::new(locale.clone()));
        }
        if let Some(hint) = &self.login_hint {
            request = request.set_login_hint(LoginHint::new(hint.clone()));
        }
        if self.form_post {
            request = request.add_extra_param("response_mode", "form_post");
        }
        let (url, state, nonce) = request.url();
        Request { url, state, nonce, verifier }
    }
}

fn prompt(value: &str) -> CoreAuthPrompt {
    match value {
        "none" => CoreAuthPrompt::None,
        "login" => CoreAuthPrompt::Login,
        "consent" => CoreAuthPrompt::Consent,
        "select_account" => CoreAuthPrompt::SelectAccount,
        other => CoreAuthPrompt::Extension(other.to_owned()),
    }
}

fn seconds(value: &str) -> Result<Option<u64>, Failure> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    value
        .parse()
        .map(Some)
        .map_err(|_| Failure::Rejected("max_age_invalid", format!("`{value}` is not a number of seconds")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://op.example";

    #[test]
    fn a_bare_link_asks_for_what_is_ticked_at_first() {
        assert_eq!(Ask::parse("", ISSUER).expect("valid").scope, ["openid", "profile", "email"]);
    }

    #[test]
    fn the_form_is_taken_as_it_is_even_without_openid() {
        let ask =
            Ask::parse("scope=email&prompt=&max_age=&acr_values=a+b&ui_locales=de", ISSUER).expect("valid");
        assert!(!ask.openid());
        assert_eq!(ask.scope, ["email"]);
        assert!(ask.prompt.is_empty());
        assert_eq!(ask.acr_values, ["a", "b"]);
    }

    #[test]
    fn a_max_age_that_is_no_number_is_refused() {
        let refused = Ask::parse("max_age=soon", ISSUER).expect_err("not a number");
        assert_eq!(refused.code(), "max_age_invalid");
    }
}
