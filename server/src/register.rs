//! Dynamic client registration: clients that register themselves (RFC 7591, OpenID Connect Dynamic Client Registration)
//! and later look after their own registration (RFC 7592).
//!
//! Updates are checked like creations. What the operator decides about a client (its settings) is never touched here,
//! and clients of the configuration cannot be reached at all.

mod access;
mod metadata;
mod policy;

use placet_oauth::{error::OAuthError, id::Secret};
use placet_sdk::decision::RequestFacts;
use serde_json::{Map, Value, json};

pub(crate) use self::metadata::sound;
use self::policy::Operation;
use crate::{
    client::{CLIENT_SECRET, Client, REGISTRATION_TOKEN, sector_of},
    config::{ClientSettings, RegistrationMode, contradiction},
    events,
    outcome::{Fault, Outcome},
    random,
    server::Server,
    store::Event,
};

/// How often an update is tried again after others changed the same client at the same time.
const ATTEMPTS: usize = 3;

/// Members of a registration that the server alone sets, and that an update must not send back (RFC 7592 section 2.2).
const OWN_MEMBERS: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// Registers a client (RFC 7591 section 3) and answers its registration (section 3.2.1).
///
/// Fails with `insufficient_scope` where registration is closed, `invalid_token` without a due initial access token,
/// `invalid_redirect_uri` or `invalid_client_metadata` for metadata that cannot be registered, the errors of software
/// statements, and what a policy says (`client.register`).
pub async fn create(
    server: &Server,
    initial_token: Option<&Secret>,
    body: Map<String, Value>,
    asking: &RequestFacts,
) -> Outcome<Value> {
    access::admit(&server.config().registration, initial_token)?;
    let metadata = metadata::checked(server, body).await?;
    let entitled = match server.config().registration.mode {
        RegistrationMode::InitialAccessToken => "initial_access_token",
        RegistrationMode::Open | RegistrationMode::Closed => "open",
    };
    let asked = Operation::Create { entitled, metadata: &metadata };
    let decided = policy::decide(server, asking, asked).await?;
    let metadata = decided.unwrap_or(metadata);
    let token = random::secret(server.random())?;
    let mut client = Client {
        id: random::id(server.random(), "")?,
        metadata,
        settings: ClientSettings::default(),
        secret: None,
        sealed_secret: None,
        registration: Some(server.root().digest(REGISTRATION_TOKEN, &token)),
        created_at: server.now(),
        generation: 1,
        from_document: false,
        profiles: Vec::new(),
        shortcomings: Vec::new(),
    };
    let secret = client.settle_secret(server.root(), server.random())?;
    let event = changed(server, "client.registered", &client.id)?;
    if !server.store().insert_client(client.to_record()?, vec![event]).await? {
        return Err(Fault::new("register", "a random client id was taken").into());
    }
    tracing::info!(client = %client.id, "a client registered itself");
    answer(server, &client, &token, secret.as_ref())
}

/// The registration of a client (RFC 7592 section 2.1). Its secret is part of it only where the server has to know it.
///
/// Fails with `invalid_token` for an unknown client as for a wrong token.
pub async fn read(server: &Server, client_id: &str, token: Option<&Secret>) -> Outcome<Value> {
    let (client, token) = access::managed(server, client_id, token).await?;
    let secret = client.known_secret(server.root())?;
    answer(server, &client, token, secret.as_ref())
}

/// Replaces the metadata of a client (RFC 7592 section 2.2). It gets a secret where it needs one and has none, and
/// loses the one it has where it needs none.
///
/// Fails as [`read`] does, and as [`create`] does for the metadata.
pub async fn update(
    server: &Server,
    client_id: &str,
    token: Option<&Secret>,
    (body, asking): (Map<String, Value>, &RequestFacts),
) -> Outcome<Value> {
    // Before anything is fetched or computed on behalf of a stranger.
    access::managed(server, client_id, token).await?;
    let presented = check_update(client_id, &body)?;
    let requested = metadata::checked(server, body).await?;
    for _ in 0..ATTEMPTS {
        let (mut client, token) = access::managed(server, client_id, token).await?;
        if let Some(presented) = &presented {
            check_secret(server, &client, presented)?;
        }
        let asked = Operation::Update { client: &client, metadata: &requested };
        let decided = policy::decide(server, asking, asked).await?;
        let metadata = decided.unwrap_or_else(|| requested.clone());
        if client.metadata.subject_type != metadata.subject_type
            || (client.is_pairwise() && client.sector() != sector_of(&metadata, &client.id))
        {
            // Else a client could ask for the subjects of another sector, or the public ones, with an old token.
            return Err(OAuthError::invalid_client_metadata(
                "`subject_type`, and the sector of a pairwise client, cannot be changed",
            )
            .into());
        }
        if let Some(what) = contradiction(&metadata, &client.settings) {
            return Err(OAuthError::invalid_client_metadata(format!("this client: {what}")).into());
        }
        client.metadata.clone_from(&metadata);
        let secret = client.settle_secret(server.root(), server.random())?;
        let event = changed(server, "client.updated", client_id)?;
        if server.store().update_client(client.to_record()?, vec![event]).await? {
            server.forget_client(client_id).await;
            tracing::info!(client = %client_id, "a client changed its registration");
            return answer(server, &client, token, secret.as_ref());
        }
    }
    Err(Fault::new("register", "a client is changed by too many at the same time").into())
}

/// Deletes a client and revokes everything it has (RFC 7592 section 2.3).
///
/// Fails as [`read`] does.
pub async fn delete(
    server: &Server,
    client_id: &str,
    token: Option<&Secret>,
    asking: &RequestFacts,
) -> Outcome<()> {
    let (client, _) = access::managed(server, client_id, token).await?;
    policy::decide(server, asking, Operation::Delete { client: &client }).await?;
    let event = changed(server, "client.deleted", client_id)?;
    server.store().delete_client(client_id, server.now(), vec![event]).await?;
    server.forget_client(client_id).await;
    tracing::info!(client = %client_id, "a client deleted its registration");
    Ok(())
}

fn changed(server: &Server, event_type: &'static str, client_id: &str) -> Result<Event, Fault> {
    events::event(server, event_type, client_id, &json!({ "client_id": client_id, "by": "client" }))
}

/// What an update must and must not say besides metadata; gives the `client_secret` that it repeats, if it does.
fn check_update(client_id: &str, body: &Map<String, Value>) -> Result<Option<Secret>, OAuthError> {
    if body.get("client_id").and_then(Value::as_str) != Some(client_id) {
        return Err(OAuthError::invalid_client_metadata("`client_id` must be that of the registration"));
    }
    if let Some(member) = OWN_MEMBERS.into_iter().find(|member| body.contains_key(*member)) {
        return Err(OAuthError::invalid_client_metadata(format!("`{member}` cannot be set")));
    }
    match body.get("client_secret") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(secret)) => Ok(Some(Secret::new(secret.clone()))),
        Some(_) => Err(OAuthError::invalid_client_metadata("`client_secret` must be a string")),
    }
}

/// A client does not choose its own secret (RFC 7592 section 2.2).
fn check_secret(server: &Server, client: &Client, presented: &Secret) -> Result<(), OAuthError> {
    let same = client.secret.is_some_and(|digest| server.root().matches(CLIENT_SECRET, presented, &digest));
    if same {
        return Ok(());
    }
    Err(OAuthError::invalid_client_metadata("`client_secret` is not the one that was issued"))
}

/// A registration as the client sees it (RFC 7591 section 3.2.1, RFC 7592 section 3).
fn answer(server: &Server, client: &Client, token: &Secret, secret: Option<&Secret>) -> Outcome<Value> {
    let mut answer = serde_json::to_value(&client.metadata).map_err(|e| Fault::new("client metadata", e))?;
    answer["client_id"] = client.id.clone().into();
    answer["client_id_issued_at"] = client.created_at.into();
    answer["registration_access_token"] = token.expose().into();
    answer["registration_client_uri"] = format!("{}/register/{}", server.issuer(), client.id).into();
    if let Some(secret) = secret {
        answer["client_secret"] = secret.expose().into();
        answer["client_secret_expires_at"] = 0.into();
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(members) = value else { panic!("not an object") };
        members
    }

    #[test]
    fn an_update_must_name_its_client() {
        assert!(check_update("c1", &object(json!({ "client_id": "c1" }))).unwrap().is_none());
        assert!(check_update("c1", &object(json!({ "client_id": "c2" }))).is_err());
        assert!(check_update("c1", &Map::new()).is_err());
    }

    #[test]
    fn an_update_must_not_send_back_what_the_server_sets() {
        for member in OWN_MEMBERS {
            let error = check_update("c1", &object(json!({ "client_id": "c1", member: "x" }))).unwrap_err();
            assert!(error.description.contains(member));
        }
    }

    #[test]
    fn an_update_may_repeat_the_secret() {
        let body = object(json!({ "client_id": "c1", "client_secret": "s" }));
        assert_eq!(check_update("c1", &body).unwrap(), Some(Secret::new("s")));
        assert!(check_update("c1", &object(json!({ "client_id": "c1", "client_secret": 1 }))).is_err());
    }
}
