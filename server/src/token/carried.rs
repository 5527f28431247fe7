//! Refresh tokens that carry everything themselves: the token of a family, and what the store would know of it, sealed to
//! this server.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::id::Secret;
use serde::{Deserialize, Serialize};

use super::refresh::{self, Presented, REFRESH_TOKEN};
use crate::{
    generations::{Names, Standing},
    outcome::Fault,
    server::Server,
    store::{AuthorizationRecord, Begins, FamilyRecord, Known},
};

/// The longest text of such a token. What an authorization holds may be more: then its tokens are stored ones.
const LONGEST: usize = 8 * 1024;
/// The first byte, by which the key and the form of what follows are known.
const VERSION: u8 = 1;

/// What a token carries.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Carried {
    /// The token of the family: its id, its generation and a secret.
    token: String,
    /// Whether it is good again and again, without a look into the store.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    kept: bool,
    /// What its issuer knew of revocations.
    known: Known,
    /// When it was issued.
    issued_at: i64,
    family: Family,
    authorization: Authorization,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Family {
    created_at: i64,
    expires_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle_seconds: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Authorization {
    id: String,
    client_id: String,
    sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consent_id: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    offline: bool,
    created_at: i64,
    expires_at: i64,
    doc: String,
}

/// What a presented token carries.
#[derive(Clone, Debug)]
pub struct Cargo {
    /// Its authorization, as it was when the token was issued.
    pub authorization: AuthorizationRecord,
    /// Its family, as far as this token knows.
    pub family: FamilyRecord,
    /// Whether it is good again and again, without a look into the store.
    pub kept: bool,
    known: Known,
}

impl Cargo {
    /// What is stored once something has to be.
    pub fn begins(&self) -> Begins {
        Begins { family: self.family.clone(), kept: self.kept }
    }

    /// Whether it counts.
    ///
    /// # Errors
    ///
    /// A fault if nothing is known of revocations.
    pub async fn standing(&self, server: &Server) -> Result<Standing, Fault> {
        let AuthorizationRecord { id, sub, client_id, .. } = &self.authorization;
        let names = Names::new(id, (sub, client_id), &self.family.id);
        server.generations().standing((server.store(), server.now()), &self.known, &names).await
    }
}

/// Whether a token is short enough to be issued. What it is replaced by may be a little longer.
pub fn fits(token: &Secret) -> bool {
    token.expose().len() <= LONGEST
}

/// The text of a token.
pub fn seal(
    server: &Server,
    token: &Secret,
    (family, authorization): (&FamilyRecord, &AuthorizationRecord),
    (known, kept): (&Known, bool),
) -> Result<Secret, Fault> {
    let carried = Carried {
        token: token.expose().to_owned(),
        kept,
        known: known.clone(),
        issued_at: family.last_used_at,
        family: Family {
            created_at: family.created_at,
            expires_at: family.expires_at,
            idle_seconds: family.idle_seconds,
            bound: family.bound.clone(),
        },
        authorization: Authorization {
            id: authorization.id.clone(),
            client_id: authorization.client_id.clone(),
            sub: authorization.sub.clone(),
            session_id: authorization.session_id.clone(),
            consent_id: authorization.consent_id.clone(),
            offline: authorization.offline,
            created_at: authorization.created_at,
            expires_at: authorization.expires_at,
            doc: authorization.doc.clone(),
        },
    };
    let plain = serde_json::to_vec(&carried).map_err(|e| Fault::new("refresh token", e))?;
    let sealed = server.root().carried().seal(server.random(), &context(server.issuer()), &plain)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode([&[VERSION], &sealed[..]].concat())))
}

/// Reads a presented token; none if this server did not issue it as one.
pub(super) fn open(server: &Server, bytes: &[u8]) -> Option<(Presented, Cargo)> {
    let sealed = bytes.strip_prefix(&[VERSION])?;
    let plain = server.root().carried().open(&context(server.issuer()), sealed)?;
    let Carried { token, kept, known, issued_at, family, authorization } =
        serde_json::from_slice(&plain).ok()?;
    let token = Secret::new(token);
    let presented = refresh::read_stored(server.root(), &token)?;
    let family = FamilyRecord {
        id: presented.family_id.clone(),
        authorization_id: authorization.id.clone(),
        client_id: authorization.client_id.clone(),
        generation: presented.generation.into(),
        current: server.root().digest(REFRESH_TOKEN, &token),
        parent: None,
        salt: Vec::new(),
        key_id: String::new(),
        rotated_at: issued_at,
        used: false,
        last_used_at: issued_at,
        idle_seconds: family.idle_seconds,
        created_at: family.created_at,
        expires_at: family.expires_at,
        bound: family.bound,
    };
    let authorization = AuthorizationRecord {
        id: authorization.id,
        client_id: authorization.client_id,
        sub: authorization.sub,
        session_id: authorization.session_id,
        consent_id: authorization.consent_id,
        offline: authorization.offline,
        doc: authorization.doc,
        created_at: authorization.created_at,
        expires_at: authorization.expires_at,
        revoked_at: None,
        self_contained: true,
    };
    Some((presented, Cargo { authorization, family, kept, known }))
}

/// What is sealed is this kind of thing, of this issuer, and nothing else that the key may be used for.
fn context(issuer: &str) -> String {
    format!("{REFRESH_TOKEN} of {issuer}")
}
