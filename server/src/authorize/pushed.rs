//! Pushed authorization requests (RFC 9126).
//!
//! A `request_uri` may open several interactions of its client until it expires, or until one of them got its response,
//! whatever the outcome: a page that is loaded twice is harmless. That response spends it, in the transaction in which
//! it takes effect; the other interactions then end in a page.

use placet_oauth::{
    confirmation::Thumbprint,
    error::{ErrorCode, OAuthError},
    id::Secret,
    params::{Params, encode_form},
};
use serde::{Deserialize, Serialize};

use super::{
    Stop,
    arrival::{self, Arrival, Arrived},
    object, profile,
    request::examine,
};
use crate::{
    client::{AuthenticatedClient, Client},
    interaction::{Origin, open},
    ledger::note,
    outcome::{Fault, Outcome},
    random,
    seal::hex,
    server::Server,
    store::{Digest, PushedRecord, SpentRequest},
};

/// What the `request_uri` of a pushed request begins with (RFC 9126 section 2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// Kind of the digests of what follows.
const KIND: &str = "pushed_request";
/// Parameters of client authentication: no part of the request that is pushed (section 2.1).
const CREDENTIALS: [&str; 4] = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// A request that was pushed.
#[derive(Debug)]
pub struct Pushed {
    /// What stands for it.
    pub request_uri: String,
    /// How long, in seconds.
    pub expires_in: u32,
}

/// How a pushed request lies in the store, sealed.
#[derive(Deserialize, Serialize)]
struct Doc {
    form: String,
    signed: bool,
    /// The instance of an attested client that pushed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instance: Option<Thumbprint>,
}

/// Takes the request that a client pushes. It is checked as it will be at the authorization endpoint, and asked about
/// with the policies of `authorization.request`.
///
/// Fails with the errors of the authorization endpoint (section 2.3); nothing is redirected.
pub async fn push(
    server: &Server,
    client: &AuthenticatedClient,
    params: &Params,
    origin: &Origin,
) -> Outcome<Pushed> {
    client.meet_profiles()?;
    // Whoever pushes has proved who it is; within a request object its name is not repeated (section 3).
    let pairs = params.iter().filter(|(name, _)| !CREDENTIALS.contains(name));
    let form = encode_form(std::iter::once(("client_id", client.id.as_str())).chain(pairs)).into_bytes();
    let mut arrived = arrival::of_push(server, client, params, &form).await?;
    let once = arrived.once.clone();
    if let Some(jkt) = client.possession().jkt() {
        arrived.form = bound_to(&arrived.form, jkt)?;
    }
    let secret = random::secret(server.random())?;
    let digest = server.root().digest(KIND, &secret);
    let form = String::from_utf8(arrived.form.clone()).map_err(|e| Fault::new("pushed request", e))?;
    let instance = client.possession().instance().cloned();
    let doc = Doc { form, signed: arrived.arrival.signed, instance };
    let mut valid = examine(server, client.shared(), arrived).await.map_err(|stop| stop.failure)?;
    profile::check(client, &valid.request, true)?;
    valid.arrival = Arrival::pushed(&digest, doc.signed, doc.instance.clone());
    open::pushed(server, valid, (origin, client.possession().facts(client))).await?;
    let plain = serde_json::to_vec(&doc).map_err(|e| Fault::new("pushed request", e))?;
    let expires_in = server.config().lifetimes.pushed_request;
    let record = PushedRecord {
        digest,
        client_id: client.id.clone(),
        sealed: server.root().seal(server.random(), &context(&digest), &plain)?,
        created_at: server.now(),
        expires_at: server.now() + i64::from(expires_in),
    };
    if !server.store().push_request(record, once).await? {
        return Err(object::used().into());
    }
    note(|noted| {
        noted.hidden(&digest);
        noted.waits("the browser at `/authorize`");
    });
    Ok(Pushed { request_uri: format!("{PREFIX}{}", secret.expose()), expires_in })
}

/// The same request, announcing the key that was proved when it was pushed (RFC 9449 section 10.1).
fn bound_to(form: &[u8], jkt: &Thumbprint) -> Result<Vec<u8>, OAuthError> {
    let params = Params::parse(form)?;
    match params.get("dpop_jkt").filter(|announced| !announced.is_empty()) {
        None => {
            let others = params.iter().filter(|(name, _)| *name != "dpop_jkt");
            Ok(encode_form(others.chain([("dpop_jkt", jkt.as_str())])).into_bytes())
        }
        Some(announced) if announced == jkt.as_str() => Ok(form.to_vec()),
        Some(_) => Err(OAuthError::invalid_dpop_proof(
            "`dpop_jkt` announces another key than that of the DPoP proof",
        )),
    }
}

/// What follows the prefix of pushed requests, if a `request_uri` has it.
pub(super) fn secret_of(request_uri: &str) -> Option<&str> {
    request_uri.strip_prefix(PREFIX)
}

/// The request that `client` pushed. An unknown one, an expired one, a spent one and that of somebody else are the same
/// to whoever asks.
pub(super) async fn find(server: &Server, client: &Client, secret: &str) -> Result<Arrived, Stop> {
    let digest = server.root().digest(KIND, &Secret::new(secret));
    let found = server.store().pushed_request(&digest, server.now()).await?;
    let record = found.filter(|record| record.client_id == client.id).ok_or_else(|| {
        OAuthError::new(
            ErrorCode::InvalidRequestUri,
            "this `request_uri` is not one that this client pushed, or it has expired or was used",
        )
    })?;
    note(|noted| noted.hidden(&digest));
    let broken = |cause: &str| Fault::new("pushed request", cause.to_owned());
    let plain = server
        .root()
        .open(&context(&digest), &record.sealed)
        .ok_or_else(|| broken("the record does not open"))?;
    let doc: Doc = serde_json::from_slice(&plain).map_err(|e| broken(&e.to_string()))?;
    let arrival = Arrival::pushed(&digest, doc.signed, doc.instance);
    Ok(Arrived { form: doc.form.into_bytes(), arrival, once: None })
}

/// Spends a pushed request by a response that nothing else is stored for; false if another one was first. Any request
/// that was not pushed can be answered as often as one likes.
pub async fn spend(server: &Server, arrival: &Arrival) -> Result<bool, Fault> {
    match spent(server, arrival)? {
        Some(spent) => Ok(server.store().spend_request(spent).await?),
        None => Ok(true),
    }
}

/// What a response spends. It is remembered until no interaction is left that the request opened.
pub(crate) fn spent(server: &Server, arrival: &Arrival) -> Result<Option<SpentRequest>, Fault> {
    let lifetimes = &server.config().lifetimes;
    let left = i64::from(lifetimes.pushed_request) + i64::from(lifetimes.interaction);
    let spent = |digest| SpentRequest { digest, remembered_until: server.now() + left };
    Ok(arrival.digest()?.map(spent))
}

/// The error of those that come too late.
pub(crate) fn already_answered() -> OAuthError {
    OAuthError::invalid_request(
        "this request was answered already, maybe in another window; start again from the application",
    )
}

fn context(digest: &Digest) -> String {
    format!("{KIND} {}", hex(&digest.0))
}
