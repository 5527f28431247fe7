//! Who acts for the subject of a token (RFC 8693 section 4): how a client sees them, and what depends on them.

use std::iter::successors;

use placet_oauth::id::Subject;
use placet_sdk::grant::{Actor, Object};
use serde_json::Value;

use crate::{client::Client, outcome::Fault, server::Server, store::Parties};

/// The longest chain of actors.
pub const MAX_ACTORS: usize = 5;
/// The longest `may_act`, in bytes of JSON.
pub const MAX_MAY_ACT: usize = 1024;

/// The actors of a chain, the newest first.
pub fn chain(act: Option<&Actor>) -> impl Iterator<Item = &Actor> {
    successors(act, |actor| actor.act.as_deref())
}

/// The client that acts on its own behalf.
pub fn client(client_id: &str) -> Actor {
    Actor { sub: client_id.to_owned(), iss: None, client_id: Some(client_id.to_owned()), act: None }
}

/// Whether an actor is a client on its own behalf, and not a user.
fn is_client(actor: &Actor) -> bool {
    actor.client_id.as_deref() == Some(actor.sub.as_str())
}

/// Whether an actor is somebody of this server.
fn is_local(server: &Server, actor: &Actor) -> bool {
    actor.iss.as_deref().is_none_or(|issuer| issuer == server.issuer())
}

/// Whether a chain can stand in a grant: not too long, and of proper subjects.
pub fn is_sound(act: &Actor) -> bool {
    chain(Some(act)).count() <= MAX_ACTORS
        && chain(Some(act)).all(|actor| {
            Subject::parse(&actor.sub).is_some()
                && [&actor.iss, &actor.client_id]
                    .into_iter()
                    .flatten()
                    .all(|text| !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control))
        })
}

/// A chain as a client sees it: users have the subjects of its sector (OpenID Connect Core section 8.1).
pub fn shown(server: &Server, client: &Client, act: &Actor) -> Actor {
    let mut seen = act.clone();
    if is_local(server, act) && !is_client(act) {
        seen.sub = client.subject(&act.sub, server.root().pairwise_salt());
    }
    seen.act = act.act.as_deref().map(|next| Box::new(shown(server, client, next)));
    seen
}

/// Who may act, as a client sees it.
pub fn may_act_shown(server: &Server, client: &Client, may_act: &Object) -> Object {
    let mut seen = may_act.clone();
    let text = |name: &str| may_act.get(name).and_then(Value::as_str);
    let local = text("iss").is_none_or(|issuer| issuer == server.issuer());
    if let Some(sub) = text("sub").filter(|sub| local && text("client_id") != Some(sub)) {
        seen.insert("sub".to_owned(), client.subject(sub, server.root().pairwise_salt()).into());
    }
    seen
}

/// Who an authorization depends on because they act in it.
pub async fn parties(server: &Server, act: Option<&Actor>) -> Result<Parties, Fault> {
    let mut parties = Parties::default();
    for actor in chain(act).filter(|actor| is_local(server, actor)) {
        if !is_client(actor) {
            parties.subjects.push(actor.sub.clone());
        }
        if let Some(client_id) = &actor.client_id {
            add_client(server, &mut parties, client_id).await?;
        }
    }
    Ok(parties)
}

/// A client takes part, if there is one of this id.
pub async fn add_client(server: &Server, parties: &mut Parties, client_id: &str) -> Result<(), Fault> {
    if server.is_configured(client_id) {
        parties.configured.push(client_id.to_owned());
    } else if let Some(client) = server.client(client_id).await? {
        parties.clients.push(client.id.clone());
    }
    Ok(())
}
