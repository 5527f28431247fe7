//! Telling a client, server to server, that a session ended (OpenID Connect Back-Channel Logout 1.0).

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use placet_oauth::{client::JwtResponse, id::Secret, params::encode_form};
use serde_json::json;

use crate::{
    client::Client,
    delivery::{Attempt, Kind},
    interaction::session,
    outcome::{Fault, Outcome},
    random, secured,
    server::Server,
    store::{DeliveryRecord, EndedSession},
};

/// A logout token is good for so long, in seconds: section 2.4 recommends at most two minutes.
const LIFETIME: i64 = 120;
/// What a logout token is about (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The delivery of a logout token. The row names the session; what is sent is made at each attempt, by what the client
/// registers then, so that a token never lies anywhere and is never old.
pub(crate) struct BackchannelLogout;

#[async_trait]
impl Kind for BackchannelLogout {
    fn name(&self) -> &'static str {
        EndedSession::KIND
    }

    async fn attempt(&self, server: &Server, delivery: &DeliveryRecord) -> Outcome<Attempt> {
        let ended: EndedSession =
            serde_json::from_slice(&delivery.payload).map_err(|e| Fault::new("delivery record", e))?;
        // A client that is gone, or does not want to know, is told nothing.
        let Some(client) = server.client(&delivery.destination).await? else { return Ok(Attempt::Delivered) };
        let Some(uri) = client.metadata.backchannel_logout_uri.clone() else { return Ok(Attempt::Delivered) };
        let token = token(server, &client, &ended).await?;
        let form = encode_form([("logout_token", token.expose())]);
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, form_type)]);
        Ok(Attempt::of(server.outbound().post(&uri, headers, Bytes::from(form)).await))
    }
}

/// The logout token for a client (section 2.4), signed and encrypted as its ID tokens are (section 2.6). There is no
/// `nonce`, and its own type: it must not pass for an ID token.
async fn token(server: &Server, client: &Client, ended: &EndedSession) -> Outcome<Secret> {
    let now = server.now();
    let claims = json!({
        "iss": server.issuer(),
        "aud": client.id,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": random::id(server.random(), "")?,
        "sub": client.subject(&ended.sub, server.root().pairwise_salt()),
        "sid": session::sid(server.root(), &ended.session_id, &client.id),
        "events": { EVENT: {} },
    });
    secured::jwt(server, client, JwtResponse::IdToken, ("logout+jwt", &claims)).await
}
