//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): the request of a client to end the session.

mod backchannel;
mod frontchannel;
mod policy;

use placet_oauth::{
    error::{ErrorCode, OAuthError},
    params::Params,
};
use placet_sdk::grant::{Object, Parameters};
use serde_json::Value;

pub(crate) use self::{backchannel::BackchannelLogout, frontchannel::frames, policy::must_confirm};
use crate::{
    client::{Client, SharedClient},
    interaction::{LogoutState, open::Visitor, session, session::Session},
    outcome::Outcome,
    policy::passed_parameters,
    server::Server,
    token::{is_for, read_hint},
};

/// A valid request: who asks, and what it is about.
#[derive(Debug)]
pub struct LogoutRequest {
    /// The client, if the request names one.
    pub client: Option<SharedClient>,
    /// The facts for the interaction.
    pub facts: LogoutState,
    /// The claims of `id_token_hint`.
    pub hint: Option<Object>,
    /// The parameters that the operator lets policies see.
    pub parameters: Parameters,
}

/// What the hint says.
struct Hint {
    client_id: Option<String>,
    sub: Option<String>,
    sid: Option<String>,
    claims: Object,
}

/// Validates the raw parameters; every error is a page, since an unverified request must not redirect anybody.
pub async fn validate(server: &Server, raw: &[u8], visitor: &Visitor) -> Outcome<LogoutRequest> {
    let params = Params::parse(raw)?;
    let hint = match params.get("id_token_hint") {
        Some(text) => Some(hint_of(server, text).await?),
        None => None,
    };
    let named = params.get("client_id").map(str::to_owned);
    let of_hint = hint.as_ref().and_then(|h| h.client_id.clone());
    if let (Some(named), Some(of_hint)) = (&named, &of_hint)
        && named != of_hint
    {
        return Err(OAuthError::invalid_request("`client_id` is not the client of `id_token_hint`").into());
    }
    let client = match named.or(of_hint) {
        None => None,
        Some(id) => Some(server.client(&id).await?.ok_or_else(|| {
            OAuthError::new(ErrorCode::InvalidClient, format!("client `{id}` is not registered here"))
        })?),
    };
    let return_to = return_to(&params, client.as_deref())?;
    let sessions = session::of_browser(server, &visitor.handles).await?;
    let session = meant(server, &sessions, hint.as_ref(), client.as_deref());
    let clients = match session {
        Some(session) => server.store().clients_of_session(&session.record.id).await?,
        None => Vec::new(),
    };
    let facts = LogoutState {
        initiator: "rp".to_owned(),
        hint_verified: hint.is_some() && session.is_some(),
        session_id: session.map(|s| s.record.id.clone()),
        sub: session.map(|s| s.record.sub.clone()),
        clients,
        return_to,
        ui_locales: params
            .get("ui_locales")
            .map(|locales| locales.split(' ').filter(|l| !l.is_empty()).map(str::to_owned).collect())
            .unwrap_or_default(),
    };
    let hint = hint.map(|hint| hint.claims);
    let parameters = passed_parameters(server, &params);
    Ok(LogoutRequest { client, facts, hint, parameters })
}

async fn hint_of(server: &Server, text: &str) -> Outcome<Hint> {
    let claims = read_hint(server, text)
        .await?
        .ok_or_else(|| OAuthError::invalid_request("`id_token_hint` is not an ID token of this server"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let client_id = text("azp").or_else(|| text("aud")).filter(|id| is_for(&claims, id));
    Ok(Hint { client_id, sub: text("sub"), sid: text("sid"), claims })
}

/// Where the browser goes afterwards: only to a registered URI of a client that is known.
fn return_to(params: &Params, client: Option<&Client>) -> Result<Option<String>, OAuthError> {
    let Some(uri) = params.get("post_logout_redirect_uri") else { return Ok(None) };
    let client = client.ok_or_else(|| {
        OAuthError::invalid_request(
            "`post_logout_redirect_uri` needs `id_token_hint` or `client_id` beside it",
        )
    })?;
    let registered = client.metadata.post_logout_redirect_uris.as_deref().unwrap_or_default();
    if !registered.iter().any(|r| r == uri) {
        return Err(OAuthError::invalid_request(
            "`post_logout_redirect_uri` is not registered for this client",
        ));
    }
    let Some(state) = params.get("state") else { return Ok(Some(uri.to_owned())) };
    let separator = if uri.contains('?') { '&' } else { '?' };
    Ok(Some(format!("{uri}{separator}{}", placet_oauth::params::encode_form([("state", state)]))))
}

/// The session of this browser that is meant: the hint's, or, without a hint, the one used last.
fn meant<'a>(
    server: &Server,
    sessions: &'a [Session],
    hint: Option<&Hint>,
    client: Option<&Client>,
) -> Option<&'a Session> {
    let (Some(hint), Some(client)) = (hint, client) else { return sessions.first() };
    sessions.iter().find(|s| match &hint.sid {
        Some(sid) => session::sid(server.root(), &s.record.id, &client.id) == *sid,
        None => hint.sub.as_deref() == Some(&client.subject(&s.record.sub, server.root().pairwise_salt())),
    })
}
