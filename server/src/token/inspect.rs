//! Whether an access token counts right now.

use placet_oauth::{id::Secret, jwt::VerifyProfile, scope::Scope};
use serde_json::{Map, Value};

use super::{ACCESS_TOKEN, KnownToken, access::is_inside, home_of_jwt, is_for, scope_of, verify};
use crate::{
    client::SharedClient,
    outcome::Fault,
    server::Server,
    store::{AuthorizationRecord, Digest, JwtHome},
};

/// An access token that counts.
#[derive(Clone, Debug)]
pub struct ActiveToken {
    /// What it says.
    pub claims: Map<String, Value>,
    /// The authorization it belongs to; none for client credentials.
    pub authorization: Option<AuthorizationRecord>,
    /// To whom it was issued.
    pub client_id: String,
    /// That client.
    pub client: SharedClient,
    /// The digest to use it up with, if it can be used once only.
    pub single_use: Option<Digest>,
}

impl ActiveToken {
    /// Whether it is meant for `resource` (RFC 7519 section 4.1.3).
    pub fn is_for(&self, resource: &str) -> bool {
        is_for(&self.claims, resource)
    }

    /// What it is good for.
    pub fn scope(&self) -> Scope {
        scope_of(&self.claims)
    }

    /// What it is good for beyond the scope (RFC 9396 section 9.1).
    pub fn details(&self) -> Vec<Map<String, Value>> {
        let listed = self.claims.get("authorization_details").and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(Value::as_object).cloned().collect()
    }
}

/// A JWT access token that this server signed and whose time is not over. It may have been revoked.
#[derive(Clone, Debug)]
pub struct SignedToken {
    /// What it says.
    pub claims: Map<String, Value>,
    /// Its id.
    pub jti: String,
    /// To whom it was issued.
    pub client_id: String,
    /// When it ends.
    pub expires_at: i64,
}

/// Whether a text would be a signed JWT, of which nothing is stored. Opaque tokens and encrypted ones are known to the
/// store by their digest.
pub fn is_signed(token: &Secret) -> bool {
    token.expose().bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Reads a JWT access token of this server (RFC 9068 section 4), without a look into the store. One that went out
/// encrypted is not read without what surrounded it.
pub async fn read_signed(server: &Server, token: &Secret) -> Result<Option<SignedToken>, Fault> {
    let profile = VerifyProfile::access_token(server.issuer());
    let claims = verify(server, token.expose(), &profile).await?;
    Ok(claims.and_then(|claims| signed_token(claims, server.now())))
}

fn signed_token(claims: Map<String, Value>, now: i64) -> Option<SignedToken> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let (jti, client_id) = (text("jti").filter(|jti| !is_inside(jti))?, text("client_id")?);
    // The profile forgives clocks that differ. Here nothing is forgiven: a revocation is only remembered until
    // this very second, and the revoked token would come back to life for the time that was granted.
    let expires_at = claims.get("exp").and_then(Value::as_i64).filter(|end| now < *end)?;
    Some(SignedToken { claims, jti, client_id, expires_at })
}

/// What an access token of this server says, if it counts right now: it is not over, not revoked and not used up,
/// its authorization lives, and so does its client. Any other text is none of these. One read of the store.
pub async fn active(server: &Server, token: &Secret) -> Result<Option<ActiveToken>, Fault> {
    look(server, token, Look::Read).await
}

/// The same as far as this process knows, which may have kept what it read before: for those who only tell others.
/// What this process changed it knows at once, and what another one changed within the bound of [`crate::store::ALIVE`].
pub async fn known_active(server: &Server, token: &Secret) -> Result<Option<ActiveToken>, Fault> {
    look(server, token, Look::Known).await
}

/// Where it is looked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Read,
    Known,
}

async fn look(server: &Server, token: &Secret, look: Look) -> Result<Option<ActiveToken>, Fault> {
    let found = if is_signed(token) {
        active_signed(server, token).await?
    } else {
        active_stored(server, token, look).await?
    };
    let Some(found) = found else { return Ok(None) };
    let client = server.client(&found.client_id).await?;
    Ok(client.map(|client| ActiveToken {
        claims: found.claims,
        authorization: found.authorization,
        client_id: found.client_id,
        client,
        single_use: found.single_use,
    }))
}

struct Found {
    claims: Map<String, Value>,
    authorization: Option<AuthorizationRecord>,
    client_id: String,
    single_use: Option<Digest>,
}

async fn active_signed(server: &Server, token: &Secret) -> Result<Option<Found>, Fault> {
    let Some(SignedToken { claims, jti, client_id, .. }) = read_signed(server, token).await? else {
        return Ok(None);
    };
    let home = home_of_jwt(&jti, &client_id);
    let state = server.store().jwt_state(&jti, &home).await?;
    let authorization_id = match &home {
        JwtHome::Authorization(id) => Some(id.as_str()),
        JwtHome::Client(_) => None,
    };
    if state.revoked || !stands(server, authorization_id, state.authorization.as_ref()) {
        return Ok(None);
    }
    Ok(Some(Found { claims, authorization: state.authorization, client_id, single_use: None }))
}

async fn active_stored(server: &Server, token: &Secret, look: Look) -> Result<Option<Found>, Fault> {
    let digest = server.root().digest(ACCESS_TOKEN, token);
    let known = match look {
        Look::Read => KnownToken::read(server.store(), &digest).await?,
        Look::Known => server.known_tokens().find(server.store(), digest, server.now()).await?,
    };
    let Some(known) = known else { return Ok(None) };
    let KnownToken { token, .. } = &*known;
    if server.now() >= token.expires_at
        || token.used_at.is_some()
        || token.revoked_at.is_some()
        || !stands(server, token.authorization_id.as_deref(), known.authorization.as_ref())
    {
        return Ok(None);
    }
    Ok(Some(Found {
        claims: known.claims.clone(),
        authorization: known.authorization.clone(),
        client_id: token.client_id.clone(),
        single_use: token.single_use.then_some(digest),
    }))
}

/// A token that names an authorization is worth nothing without it: it was deleted, or it is over.
fn stands(server: &Server, named: Option<&str>, stored: Option<&AuthorizationRecord>) -> bool {
    named.is_none() || stored.is_some_and(|authorization| authorization.is_live(server.now()))
}
