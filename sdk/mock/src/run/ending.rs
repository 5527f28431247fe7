//! The last prompt, and what a server would send to the client.

use std::fmt::Write as _;

use placet_sdk::{
    Instant,
    interaction::{
        Body, Delivery, DeliveryMethod, Kind, LogoutResult, LogoutScope, Outcome, Prompt, RequestInfo,
        ResponsePrompt, ResponseSession, SessionCookie, Summary,
    },
};

use super::{Denied, Door, Run, Ticket};
use crate::{
    random,
    scenario::{bare, fill},
};

/// What a server would send to the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// How, in words.
    pub(crate) how: String,
    /// Where the browser would go.
    pub(crate) uri: Option<String>,
    /// The parameters of the response.
    pub(crate) parameters: Vec<(String, String)>,
    /// What is to be said about it.
    pub(crate) note: Option<&'static str>,
}

impl Run {
    /// Makes the last prompt.
    pub(super) fn finish(&mut self, number: u32, now: Instant) -> Result<(), String> {
        if let (None, Some(error)) = (&self.denied, &self.scenario.end.error) {
            let description = self.scenario.end.error_description.clone().unwrap_or_default();
            self.denied = Some(Denied { error: error.clone(), description });
        }
        let mut prompt = bare(&self.scenario, &self.facts)?;
        let response = self.response(&prompt, now)?;
        prompt.body = Body::Response { response };
        self.envelope(&mut prompt, number, now);
        prompt.session = None;
        self.prompt = prompt;
        Ok(())
    }

    fn response(&mut self, prompt: &Prompt, now: Instant) -> Result<ResponsePrompt, String> {
        let denied = self.denied.clone();
        let requested = prompt.request.as_ref().map(|r| r.scope.clone()).unwrap_or_default();
        let has_grant = denied.is_none() && self.scenario.kind != Kind::Logout;
        let summary = has_grant.then(|| Summary {
            authorization_id: self.is_headless().then(|| random::id("az_")),
            sub: self.facts.sub.clone(),
            scope: self.granted.as_ref().and_then(|grant| grant.scope.clone()).unwrap_or(requested),
        });
        Ok(ResponsePrompt {
            outcome: if denied.is_some() { Outcome::Error } else { Outcome::Success },
            error: denied.as_ref().map(|d| d.error.clone()),
            error_description: denied.map(|d| d.description),
            delivery: self.delivery(prompt, now),
            session: self.cookie(),
            summary,
            logout: self.logout_result()?,
        })
    }

    fn is_headless(&self) -> bool {
        matches!(self.door, Door::Headless { .. })
    }

    /// Headless front door: the app keeps the session's cookie.
    fn cookie(&self) -> Option<ResponseSession> {
        let session = self.session.as_ref().filter(|_| self.is_headless() && self.denied.is_none())?;
        if self.scenario.kind == Kind::Logout {
            return None;
        }
        let cookie =
            SessionCookie { name: "__Host-placet-sso".to_owned(), value: random::secret(), max_age: None };
        Some(ResponseSession { id: session.id.clone(), cookie: Some(cookie) })
    }

    fn logout_result(&self) -> Result<Option<LogoutResult>, String> {
        if self.scenario.kind != Kind::Logout || self.logout.is_none() {
            return Ok(None);
        }
        let Some(section) = &self.scenario.end.logout else { return Ok(Some(LogoutResult::default())) };
        let filled = fill(serde_json::Value::Object(section.clone()), &self.facts);
        let mut result: LogoutResult =
            serde_json::from_value(filled).map_err(|e| format!("`end.logout`: {e}"))?;
        if self.is_headless() && self.logout != Some(LogoutScope::Client) {
            result.clear_cookies = vec!["__Host-placet-sso".to_owned()];
        }
        Ok(Some(result))
    }

    fn delivery(&mut self, prompt: &Prompt, now: Instant) -> Delivery {
        let nowhere = Delivery { method: DeliveryMethod::None, uri: None, fields: None };
        if matches!(self.scenario.kind, Kind::Device | Kind::Ciba) {
            return nowhere;
        }
        if !self.is_headless() {
            let ticket = Ticket { secret: random::secret(), issued_at: now };
            let uri = format!("{}/resume?i={}&t={}", self.facts.issuer, self.facts.id, ticket.secret);
            self.ticket = Some(ticket);
            return Delivery { method: DeliveryMethod::Redirect, uri: Some(uri), fields: None };
        }
        let landing = self.landing();
        if self.scenario.kind == Kind::Logout {
            return Delivery { method: DeliveryMethod::Redirect, uri: Some(landing), fields: None };
        }
        let request = prompt.request.clone().unwrap_or_default();
        let sent =
            authorization(&RequestInfo { redirect_uri: Some(landing), ..request }, &self.parameters(prompt));
        if sent.how.starts_with("POST") {
            let fields = sent.parameters.into_iter().collect();
            return Delivery { method: DeliveryMethod::FormPost, uri: sent.uri, fields: Some(fields) };
        }
        Delivery { method: DeliveryMethod::Redirect, uri: sent.uri, fields: None }
    }

    /// What a server would send to the client; nothing before the end.
    pub(crate) fn sent(&self) -> Option<Sent> {
        if !matches!(self.prompt.body, Body::Response { .. }) {
            return None;
        }
        let refused = self.denied.is_some();
        let words = |how: &str| Some(Sent { how: how.to_owned(), ..Sent::default() });
        match self.scenario.kind {
            Kind::Authorization => {
                let request = self.prompt.request.clone().unwrap_or_default();
                Some(authorization(&request, &self.parameters(&self.prompt)))
            }
            Kind::Device if refused => {
                words("The device is told `access_denied` when it asks the next time.")
            }
            Kind::Device => words("The device gets its tokens when it asks the next time."),
            Kind::Ciba if refused => words("The client is told `access_denied`."),
            Kind::Ciba => words("The client gets its tokens: it is told so, or asks."),
            Kind::Logout => words(match self.logout {
                None => "Nothing ends. The browser goes back to the client, if it sent a place to go to.",
                Some(LogoutScope::Client) => {
                    "The client's authorizations of this session end. The browser goes back to the client."
                }
                Some(LogoutScope::Session) => {
                    "The session of this browser ends, and what was granted in it. The browser goes back."
                }
                Some(LogoutScope::Subject) => {
                    "Every session of the user ends, and what was granted in them. The browser goes back."
                }
            }),
        }
    }

    fn parameters(&self, prompt: &Prompt) -> Vec<(String, String)> {
        let request = prompt.request.as_ref();
        let types = request.and_then(|r| r.response_type.as_deref()).unwrap_or("code");
        let mut all: Vec<(&str, String)> = Vec::new();
        match &self.denied {
            Some(denied) => {
                all.push(("error", denied.error.clone()));
                all.push(("error_description", denied.description.clone()));
            }
            None => {
                for one in types.split(' ') {
                    match one {
                        "code" => all.push(("code", "a-code-for-the-client".to_owned())),
                        "id_token" => all.push(("id_token", "an.id.token".to_owned())),
                        "token" => all.extend([
                            ("access_token", "an-access-token".to_owned()),
                            ("token_type", "Bearer".to_owned()),
                            ("expires_in", "600".to_owned()),
                        ]),
                        _ => {}
                    }
                }
            }
        }
        all.push(("state", "the-state-of-the-client".to_owned()));
        all.push(("iss", self.facts.issuer.clone()));
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// An authorization response, in its response mode.
fn authorization(request: &RequestInfo, parameters: &[(String, String)]) -> Sent {
    let target = request.redirect_uri.clone().unwrap_or_default();
    let types = request.response_type.as_deref().unwrap_or("code");
    let default = if types == "code" || types == "none" { "query" } else { "fragment" };
    let asked = request.response_mode.as_deref().unwrap_or(default);
    let (mode, signed) = match asked.strip_suffix("jwt") {
        Some(mode) => (mode.trim_end_matches('.'), true),
        None => (asked, false),
    };
    let mode = if mode.is_empty() { default } else { mode };
    let carried =
        if signed { vec![("response".to_owned(), "a.signed.jwt".to_owned())] } else { parameters.to_vec() };
    let (how, uri) = match mode {
        "form_post" => ("POST by a form that sends itself", target),
        "fragment" => ("303 to the client, in the fragment", format!("{target}#{}", encode(&carried))),
        _ => {
            let separator = if target.contains('?') { '&' } else { '?' };
            ("303 to the client, in the query", format!("{target}{separator}{}", encode(&carried)))
        }
    };
    let note = signed.then_some("The parameters are the claims of the signed JWT in `response`.");
    let parameters = if signed && mode == "form_post" { carried } else { parameters.to_vec() };
    Sent { how: how.to_owned(), uri: Some(uri), parameters, note }
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn encode(parameters: &[(String, String)]) -> String {
    let mut out = String::new();
    for (name, value) in parameters {
        if !out.is_empty() {
            out.push('&');
        }
        escape(name, &mut out);
        out.push('=');
        escape(value, &mut out);
    }
    out
}

fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
