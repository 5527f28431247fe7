//! Telling a client that its user has answered: by a ping, after which it asks, or by the tokens themselves (CIBA Core
//! sections 10.2, 10.3 and 12).

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use placet_oauth::{ciba::DeliveryMode, error::OAuthError, id::Secret};
use placet_sdk::{InstantMillis, decision::RequestFacts};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    client::{AuthenticatedClient, SharedClient},
    delivery::{Attempt, Kind, Schedule},
    grant,
    outbound::Answered,
    outcome::{Failure, Fault, Outcome},
    random,
    server::Server,
    store::{AuthorizationRecord, DeliveryRecord, Digest, Issued, PolledRecord, Replacement},
};

/// The name of such deliveries.
const KIND: &str = "ciba";

/// What a client is called back with. It lies sealed in the interaction, and then in the delivery.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CallBack {
    /// What the client knows its request by.
    pub auth_req_id: String,
    /// What the server shows the client (section 7.1).
    pub token: String,
}

/// The delivery that tells the client of an answer, in the transaction of that answer.
pub(crate) fn delivery(
    server: &Server,
    client_id: &str,
    call_back: &CallBack,
    expires_at: i64,
) -> Result<DeliveryRecord, Fault> {
    let id = random::id(server.random(), "dlv_")?;
    let plain =
        zeroize::Zeroizing::new(serde_json::to_vec(call_back).map_err(|e| Fault::new("delivery record", e))?);
    let payload = server.root().seal(server.random(), &id, &plain)?;
    Ok(DeliveryRecord::new(id, (KIND, client_id), payload, (server.now(), expires_at)))
}

/// The delivery of a ping or of tokens. What is sent is made at each attempt, by what the client registers then.
pub(crate) struct Notification;

#[async_trait]
impl Kind for Notification {
    fn name(&self) -> &'static str {
        KIND
    }

    async fn attempt(&self, server: &Server, delivery: &DeliveryRecord) -> Outcome<Attempt> {
        let broken = |cause: String| Fault::new("delivery record", cause);
        let plain = server.root().open(&delivery.id, &delivery.payload);
        let plain = plain.ok_or_else(|| broken("it does not open".to_owned()))?;
        let call_back: CallBack = serde_json::from_slice(&plain).map_err(|e| broken(e.to_string()))?;
        // A client that is gone, or changed its mind, is told nothing.
        let Some(client) = server.client(&delivery.destination).await? else { return Ok(Attempt::Delivered) };
        let mode = client.metadata.backchannel_token_delivery_mode;
        match (&client.metadata.backchannel_client_notification_endpoint, mode) {
            (Some(uri), Some(DeliveryMode::Ping)) => {
                let body = json!({ "auth_req_id": call_back.auth_req_id });
                post(server, uri, &call_back, &body).await
            }
            (Some(uri), Some(DeliveryMode::Push)) => push(server, &client, uri, &call_back).await,
            _ => Ok(Attempt::Delivered),
        }
    }

    /// People wait for it.
    fn schedule(&self) -> Schedule {
        Schedule { first: 2, most: 60 }
    }
}

async fn post(server: &Server, uri: &str, call_back: &CallBack, body: &Value) -> Outcome<Attempt> {
    let bearer = HeaderValue::from_str(&format!("Bearer {}", call_back.token));
    let mut bearer = bearer.map_err(|e| Fault::new("delivery record", e))?;
    bearer.set_sensitive(true);
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json), (header::AUTHORIZATION, bearer)]);
    let answer = server.outbound().post(uri, headers, Bytes::from(body.to_string())).await;
    // Who does not take this bearer will not take it another time: there is no other one for this request.
    if let Ok(Answered { status: status @ (401 | 403), .. }) = answer {
        return Ok(Attempt::Refused(format!("the client answered with the status {status}")));
    }
    Ok(Attempt::of(answer))
}

/// Sends tokens, or the error (section 12). Tokens are stored before they are sent, so that they count once they are
/// there; those of an attempt that failed die with it.
async fn push(server: &Server, client: &SharedClient, uri: &str, call_back: &CallBack) -> Outcome<Attempt> {
    let digest = server.root().digest(super::AUTH_REQ_ID, &Secret::new(call_back.auth_req_id.as_str()));
    let Some((request, authorization)) = server.store().polled(&digest).await? else {
        return Ok(Attempt::Delivered);
    };
    if request.redeemed_at.is_some() {
        return Ok(Attempt::Delivered);
    }
    let Some(authorization) = authorization else {
        return post(server, uri, call_back, &error_body(call_back, &refusal_of(&request))).await;
    };
    if server.now() >= request.expires_at {
        return Ok(Attempt::Refused("the request has expired".to_owned()));
    }
    let fresh = renamed(server, &authorization)?;
    let minted = grant::push(
        server,
        &AuthenticatedClient::earlier(client.clone()),
        asking(server),
        (&fresh, call_back),
    )
    .await;
    let (body, issued) = match minted {
        Ok((response, issued)) => (with_id(call_back, response), issued),
        Err(Failure::Refused(error)) => {
            server.store().revoke_authorization(&authorization.id, server.now(), Vec::new()).await?;
            return post(server, uri, call_back, &error_body(call_back, &error.description)).await;
        }
        Err(failure) => return Err(failure),
    };
    if !replace(server, &digest, (&authorization, &fresh), issued).await? {
        return Ok(Attempt::Failed { reason: "the request changed meanwhile".to_owned(), after: None });
    }
    let attempt = post(server, uri, call_back, &body).await?;
    match &attempt {
        Attempt::Delivered => {
            server.store().redeem_polled(&digest, server.now(), Issued::default()).await?;
        }
        Attempt::Failed { .. } => {
            let next = renamed(server, &fresh)?;
            replace(server, &digest, (&fresh, &next), Issued::default()).await?;
        }
        Attempt::Refused(_) => {
            server.store().revoke_authorization(&fresh.id, server.now(), Vec::new()).await?;
        }
    }
    Ok(attempt)
}

/// The same authorization with another id: what was issued under the old one does not count under it.
fn renamed(server: &Server, authorization: &AuthorizationRecord) -> Result<AuthorizationRecord, Fault> {
    Ok(AuthorizationRecord { id: random::id(server.random(), "az_")?, ..authorization.clone() })
}

async fn replace(
    server: &Server,
    digest: &Digest,
    (old, new): (&AuthorizationRecord, &AuthorizationRecord),
    issued: Issued,
) -> Outcome<bool> {
    let replacement =
        Replacement { digest: *digest, old: old.id.clone(), new: new.clone(), issued, now: server.now() };
    Ok(server.store().replace_polled(replacement).await?)
}

fn asking(server: &Server) -> RequestFacts {
    RequestFacts {
        endpoint: "ciba".to_owned(),
        received_at: Some(InstantMillis(server.now_millis())),
        ..RequestFacts::default()
    }
}

fn refusal_of(request: &PolledRecord) -> String {
    let over = "the authorization is over".to_owned();
    OAuthError::invalid_grant(request.refusal.clone().unwrap_or(over)).description
}

fn with_id(call_back: &CallBack, mut response: Value) -> Value {
    response["auth_req_id"] = call_back.auth_req_id.clone().into();
    response
}

fn error_body(call_back: &CallBack, description: &str) -> Value {
    json!({ "auth_req_id": call_back.auth_req_id, "error": "access_denied", "error_description": description })
}
