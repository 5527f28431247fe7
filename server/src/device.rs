//! The device authorization grant (RFC 8628): a device without a browser asks, and a person answers on another one.
//!
//! What a device waits for is a polled request in the store, which a browser claims with the user code
//! (`interaction/device.rs`) and the token endpoint redeems (`grant/device_code.rs`).

use placet_oauth::{
    authorization::AuthorizationRequest, confirmation::Thumbprint, error::OAuthError, grant_type::GrantType,
    id::Secret, params::Params, user_code::UserCode,
};
use placet_sdk::{
    decision::{DeviceProposal, RequestFacts},
    grant::Grant,
};
use serde::{Deserialize, Serialize};

use crate::{
    authorize,
    client::AuthenticatedClient,
    interaction::{Origin, device_request},
    ledger::note,
    outcome::{Fault, Outcome},
    random,
    seal::hex,
    server::Server,
    store::{Digest, PolledRecord},
};

/// Kind of the digests of device codes, and of the polled requests behind them.
pub const DEVICE_CODE: &str = "device_code";
/// The kind of polled request.
pub const KIND: &str = "device";
/// Kind of the digests of user codes.
const USER_CODE: &str = "user_code";
/// So many user codes are tried before it is our trouble that all of them are taken.
const ATTEMPTS: usize = 5;

/// What a device gets (RFC 8628 section 3.2).
#[derive(Debug)]
pub struct Started {
    /// What it asks with.
    pub device_code: Secret,
    /// What it shows.
    pub user_code: UserCode,
    /// How long both are good, in seconds.
    pub expires_in: u32,
    /// How long it waits between two questions, in seconds.
    pub interval: u32,
}

/// What a device asked for, as it lies in the store, sealed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DeviceRequest {
    /// The request.
    pub request: AuthorizationRequest,
    /// What policies left of it; none if they changed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Grant>,
    /// The user code as it is shown.
    pub user_code: String,
    /// Where the device is.
    pub origin: Origin,
    /// The instance of an attested client that asked, by the thumbprint of its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Thumbprint>,
}

impl DeviceRequest {
    /// What a record holds.
    pub fn open(server: &Server, record: &PolledRecord) -> Result<Self, Fault> {
        let plain = server
            .root()
            .open(&context(&record.digest), &record.sealed)
            .ok_or_else(|| Fault::new("device request", "the record does not open"))?;
        serde_json::from_slice(&plain).map_err(|e| Fault::new("device request", e))
    }

    fn seal(&self, server: &Server, digest: &Digest) -> Result<Vec<u8>, Fault> {
        let plain = serde_json::to_vec(self).map_err(|e| Fault::new("device request", e))?;
        server.root().seal(server.random(), &context(digest), &plain)
    }
}

/// Takes the request of a device; `origin` is where it is. A key that it proves is the one that has to redeem.
///
/// # Errors
///
/// `unauthorized_client` for clients without this grant, what is wrong with the request, and what policies refuse.
pub async fn start(
    server: &Server,
    client: &AuthenticatedClient,
    params: &Params,
    (asking, origin): (RequestFacts, Origin),
) -> Outcome<Started> {
    if !client.may_use(GrantType::DeviceCode) {
        let text =
            format!("client is not registered for the grant type `{}`", GrantType::DeviceCode.as_str());
        return Err(OAuthError::unauthorized_client(text).into());
    }
    client.meet_profiles()?;
    let mut request = authorize::read_without_browser(server, client, params)?;
    request.dpop_jkt = client.possession().jkt().cloned();
    let terms = DeviceProposal {
        expires_in: server.config().lifetimes.device_code,
        interval: server.config().device.interval,
    };
    let (terms, offer) = device_request(server, client, &request, (asking, terms)).await?;
    let device_code = random::secret(server.random())?;
    let digest = server.root().digest(DEVICE_CODE, &device_code);
    let now = server.now();
    for _ in 0..ATTEMPTS {
        let user_code = fresh_user_code(server)?;
        let asked = DeviceRequest {
            request: request.clone(),
            offer: offer.clone(),
            user_code: user_code.to_string(),
            origin: origin.clone(),
            instance: client.possession().instance().cloned(),
        };
        let record = PolledRecord {
            digest,
            kind: KIND.to_owned(),
            user_code: Some(digest_of(server, &user_code)),
            client_id: client.id.clone(),
            sealed: asked.seal(server, &digest)?,
            poll_interval: terms.interval.into(),
            poll_after: now,
            claimed_by: None,
            decided_at: None,
            authorization_id: None,
            refusal: None,
            created_at: now,
            expires_at: now + i64::from(terms.expires_in),
            redeemed_at: None,
        };
        if server.store().open_polled(record).await? {
            note(|noted| {
                noted.hidden(&digest);
                noted.waits("the user at `/device`");
            });
            return Ok(Started {
                device_code,
                user_code,
                expires_in: terms.expires_in,
                interval: terms.interval,
            });
        }
    }
    Err(Fault::new("device request", "every user code that was tried is taken").into())
}

/// The request behind a user code, if somebody can still decide about it. An unknown one, an expired one and one that was
/// used are the same to whoever asks.
pub async fn find(server: &Server, user_code: &UserCode) -> Result<Option<PolledRecord>, Fault> {
    let found = server.store().polled_by_user_code(&digest_of(server, user_code), server.now()).await?;
    Ok(found)
}

/// Where users go (RFC 8628 section 3.2).
pub fn verification_uri(server: &Server) -> String {
    let configured = server.config().device.verification_uri.clone();
    configured.unwrap_or_else(|| format!("{}/device", server.issuer()))
}

/// The same with the code in it, for those who need not type (RFC 8628 section 3.3.1).
pub fn verification_uri_complete(server: &Server, user_code: &UserCode) -> String {
    let uri = verification_uri(server);
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}user_code={user_code}")
}

fn fresh_user_code(server: &Server) -> Result<UserCode, Fault> {
    for _ in 0..ATTEMPTS {
        if let Some(code) = UserCode::from_random(&random::bytes::<32>(server.random())?) {
            return Ok(code);
        }
    }
    Err(Fault::new("random", "no user code could be made of it"))
}

fn digest_of(server: &Server, user_code: &UserCode) -> Digest {
    server.root().digest(USER_CODE, &user_code.to_secret())
}

fn context(digest: &Digest) -> String {
    format!("{DEVICE_CODE} {}", hex(&digest.0))
}
