//! Clients whose id is the URL of their metadata: the document is read where such a client presents itself, and nowhere
//! else. What is stored of requests, tokens and consents names clients too, and must not make the server connect.
//!
//! Once a user has let such a client in, it is kept in the store like one that registered itself: so its tokens are
//! understood on every replica, and while its host is away. The document still counts whenever it can be read.

use std::sync::Arc;

use placet_oauth::{
    client::{ClientMetadata, document},
    error::{ErrorCode, OAuthError},
    grant_type::GrantType,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Client, SharedClient};
use crate::{
    cache::{Cached, Room},
    config::ClientSettings,
    events,
    metrics::Caches,
    outbound::{FetchError, Fetched, Outbound},
    outcome::{Failure, Fault, Outcome},
    register,
    server::Server,
};

/// A document takes so many bytes in memory for each of its JSON.
const PER_BYTE: usize = 4;
/// Documents that are fetched at one time, since strangers can ask for any.
const FETCHES: usize = 16;
/// The longest document; the draft recommends 5 kB, which keys with certificates may exceed.
const MAX_SIZE: usize = 16 * 1024;
/// A document is not read again sooner, in seconds.
const MIN_AGE: i64 = 60;
/// The grants whose tokens a user has let the client have, in the browser.
const GRANTS: [GrantType; 3] = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Implicit];

/// The documents that were read.
pub struct Documents {
    outbound: Outbound,
    read: Cached<String, Arc<Document>>,
    places: Semaphore,
}

/// What a document says, and until when that counts.
struct Document {
    metadata: ClientMetadata,
    until: i64,
    /// What it takes in memory.
    bytes: usize,
}

impl std::fmt::Debug for Documents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Documents")
    }
}

/// Why a document is of no use.
#[derive(Clone, Debug)]
enum Unread {
    /// Perhaps it is one later.
    Away(FetchError),
    /// It is none.
    Refused(String),
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Away(error) => error.fmt(f),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

impl Documents {
    /// None yet; each counts for at most so many seconds, and all together may take so many bytes.
    pub fn new(outbound: Outbound, max_age: u32, (bytes, caches): (u64, &Caches)) -> Self {
        let ttl = std::time::Duration::from_secs(max_age.into());
        let room = Room { name: "documents", bytes, ttl };
        let read = Cached::new(room, caches, |id: &String, read: &Arc<Document>| id.len() + read.bytes);
        Self { outbound, read, places: Semaphore::new(FETCHES) }
    }

    async fn at(&self, server: &Server, client_id: &str) -> Result<Arc<Document>, Unread> {
        if self.read.peek(&client_id.to_owned()).await.is_some_and(|read| read.until <= server.now()) {
            self.read.remove(client_id.to_owned()).await;
        }
        let load = async {
            let _place = self.places.acquire().await.map_err(|_| Unread::Away(FetchError::Unreachable))?;
            let fetched =
                self.outbound.fetch(client_id, "application/json").await.map_err(|error| match error {
                    FetchError::Status(status) if status < 500 && status != 429 => {
                        Unread::Refused(error.to_string())
                    }
                    FetchError::Unreachable | FetchError::Status(_) => Unread::Away(error),
                    _ => Unread::Refused(error.to_string()),
                })?;
            tracing::info!(client = client_id, "the metadata document of a client was read");
            let kept =
                fetched.max_age.unwrap_or(u64::MAX).min(server.config().client_id_metadata.max_age.into());
            let until = server.now() + i64::try_from(kept).unwrap_or(MIN_AGE).max(MIN_AGE);
            let metadata = understood(server, client_id, &fetched)?;
            let bytes = fetched.body.len() * PER_BYTE;
            Ok(Some(Arc::new(Document { metadata, until, bytes })))
        };
        let read: Result<_, Unread> = self.read.get(client_id.to_owned(), load).await;
        read?.ok_or_else(|| Unread::Refused("is empty".to_owned()))
    }
}

fn understood(server: &Server, client_id: &str, fetched: &Fetched) -> Result<ClientMetadata, Unread> {
    let refused = |reason: &str| Unread::Refused(reason.to_owned());
    let kind = fetched.media_type.to_ascii_lowercase();
    if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json")) {
        return Err(refused("is not served as JSON"));
    }
    if fetched.body.len() > MAX_SIZE {
        return Err(refused("is longer than 16 KiB"));
    }
    let Ok(Value::Object(members)) = placet_oauth::claims::strict_json_bytes(&fetched.body) else {
        return Err(refused("is not a JSON object"));
    };
    let told = |error: OAuthError| Unread::Refused(format!("cannot be used: {}", error.description));
    let metadata = document::read(client_id, members, server.config().document_rules()).map_err(told)?;
    let metadata = register::sound(server, metadata).map_err(told)?;
    match metadata.grant_types.iter().flatten().find(|grant| !GRANTS.contains(grant)) {
        Some(grant) => {
            Err(refused(&format!("asks for the grant `{}`, which needs a registration", grant.as_str())))
        }
        None => Ok(metadata),
    }
}

/// The client that presents itself as `client_id`: a registered one, or one whose document is read now.
///
/// # Errors
///
/// `invalid_client` if the id is the URL of a document that cannot be used, with the reason.
pub async fn presented(server: &Server, client_id: &str) -> Outcome<Option<SharedClient>> {
    let known = server.client(client_id).await?;
    let rules = &server.config().client_id_metadata;
    if !document::is_document_id(client_id) || known.as_ref().is_some_and(|known| !known.from_document) {
        return Ok(known);
    }
    if !rules.enabled {
        return Ok(None);
    }
    let refused = |reason: &dyn std::fmt::Display| {
        OAuthError::new(ErrorCode::InvalidClient, format!("the metadata document `{client_id}` {reason}"))
    };
    document::check_id(client_id, server.config().development).map_err(|reason| refused(&reason))?;
    if !document::host_of(client_id).is_some_and(|host| rules.allows(&host)) {
        return Err(refused(&"is of a host that is not allowed here").into());
    }
    let read = match (server.documents().at(server, client_id).await, known) {
        (Ok(read), known) => (read, known),
        (Err(Unread::Away(reason)), Some(known)) => {
            tracing::warn!(client = client_id, %reason, "a metadata document cannot be read: what is stored counts");
            return Ok(Some(known));
        }
        (Err(reason), _) => {
            tracing::info!(client = client_id, %reason, "a metadata document cannot be used");
            return Err(refused(&reason).into());
        }
    };
    let (Document { metadata, .. }, known) = (&*read.0, read.1);
    match known {
        Some(known) if known.metadata == *metadata => Ok(Some(known)),
        Some(known) => changed(server, &known, metadata).await.map(Some).map_err(Into::into),
        None => Ok(Some(Arc::new(described(server, client_id, metadata)))),
    }
}

/// The client of something that it began: its document may be read again, and if it is of no use now there is no client.
pub async fn again(server: &Server, client_id: &str) -> Result<Option<SharedClient>, Fault> {
    match presented(server, client_id).await {
        Ok(found) => Ok(found),
        Err(Failure::Fault(fault)) => Err(fault),
        Err(Failure::Refused(_) | Failure::TooMany(_)) => Ok(None),
    }
}

fn described(server: &Server, client_id: &str, metadata: &ClientMetadata) -> Client {
    Client {
        id: client_id.to_owned(),
        metadata: metadata.clone(),
        settings: ClientSettings::default(),
        secret: None,
        sealed_secret: None,
        registration: None,
        created_at: server.now(),
        generation: 1,
        from_document: true,
        profiles: Vec::new(),
        shortcomings: Vec::new(),
    }
    .held_to(server.config().profile)
}

/// Stores what the document says now. Who else does so at the same time read the same.
async fn changed(server: &Server, known: &Client, metadata: &ClientMetadata) -> Result<SharedClient, Fault> {
    let client = Client { metadata: metadata.clone(), ..known.clone() };
    let event = events::event(server, "client.updated", &client.id, &json!({ "by": "document" }))?;
    server.store().update_client(client.to_record()?, vec![event]).await?;
    server.forget_client(&client.id).await;
    Ok(Arc::new(client.held_to(server.config().profile)))
}

/// Keeps a client that a user let in, if it is not kept yet.
pub async fn keep(server: &Server, client: &Client) -> Result<(), Fault> {
    if !client.from_document || server.client(&client.id).await?.is_some() {
        return Ok(());
    }
    let event = events::event(server, "client.registered", &client.id, &json!({ "by": "document" }))?;
    server.store().insert_client(client.to_record()?, vec![event]).await?;
    Ok(())
}
