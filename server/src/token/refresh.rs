//! Refresh tokens: families with deterministic rotation.
//!
//! A token is the family's id, its generation, a secret, and a tag over the three. The tag tells a token of ours
//! from a guess without a read. The secret of a child is derived from its parent, so that whoever repeats a
//! refresh, because the answer was lost, gets the very same child; nothing reusable lies in the store.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::id::Secret;
use placet_sdk::grant::{RefreshTokenSettings, Rotation};
use subtle::ConstantTimeEq as _;

use super::carried::{self, Cargo};
use crate::{
    client::Client,
    generations::Standing,
    outcome::Fault,
    possession::Bound,
    random,
    seal::RootKeys,
    server::Server,
    store::{AuthorizationRecord, Child, Digest, FamilyRecord, Known},
};

/// Kind of the digests of refresh tokens.
pub const REFRESH_TOKEN: &str = "refresh_token";
/// The server key that derives children; there is one per root.
const KEY_ID: &str = "1";

const FAMILY: usize = 16;
const SECRET: usize = 32;
const TAG: usize = 8;

/// A presented token whose tag is ours.
#[derive(Clone, Debug)]
pub struct Presented {
    /// Its family.
    pub family_id: String,
    /// Its number in the family.
    pub generation: u32,
    /// What it carries, if that is everything there is to know.
    pub cargo: Option<Box<Cargo>>,
    token: Secret,
}

impl Presented {
    /// Its digest, as the store keeps it. What it is wrapped in does not count.
    pub fn digest(&self, root: &RootKeys) -> Digest {
        root.digest(REFRESH_TOKEN, &self.token)
    }

    /// The token of its family.
    pub fn token(&self) -> &Secret {
        &self.token
    }
}

/// What there is to a refresh token before it is used.
#[derive(Debug)]
pub struct Found {
    /// Its family.
    pub family: FamilyRecord,
    /// Its authorization.
    pub authorization: AuthorizationRecord,
    /// Of one that carries everything itself: what is known of revocations, and whether it is good again and again
    /// without a look into the store.
    pub carried: Option<(Known, bool)>,
}

/// Reads a presented token; none if this server never issued it.
pub fn read(server: &Server, token: &Secret) -> Option<Presented> {
    if let Some(presented) = read_stored(server.root(), token) {
        return Some(presented);
    }
    let bytes = URL_SAFE_NO_PAD.decode(token.expose()).ok()?;
    let (presented, cargo) = carried::open(server, &bytes)?;
    Some(Presented { cargo: Some(Box::new(cargo)), ..presented })
}

/// What there is to a presented token. Of one that carries everything itself nothing is read, unless too little is known
/// of revocations; whether it is the current one of its family is decided where it is used.
///
/// # Errors
///
/// A fault if the store is needed and does not answer.
pub async fn find(server: &Server, presented: &Presented) -> Result<Option<Found>, Fault> {
    let Some(cargo) = &presented.cargo else {
        let found = server.store().family(&presented.family_id).await?;
        return Ok(found.map(|(family, authorization)| Found { family, authorization, carried: None }));
    };
    Ok(match cargo.standing(server).await? {
        Standing::Over => None,
        Standing::Lives(known) => Some(Found {
            family: cargo.family.clone(),
            authorization: cargo.authorization.clone(),
            carried: Some((known, cargo.kept)),
        }),
        Standing::Stored(known) => {
            let found = server.store().family(&presented.family_id).await?;
            found.map(|(family, authorization)| Found {
                family,
                authorization,
                carried: Some((known, false)),
            })
        }
    })
}

/// What there is to a presented token if it is the current one of its family, as the store has it right now.
///
/// # Errors
///
/// A fault if the store does not answer.
pub async fn find_current(server: &Server, presented: &Presented) -> Result<Option<Found>, Fault> {
    let Some(found) = find(server, presented).await? else { return Ok(None) };
    let digest = presented.digest(server.root());
    let Some((_, kept)) = found.carried else {
        return Ok(Some(found).filter(|found| found.family.current == digest));
    };
    if !kept && let Some((family, authorization)) = server.store().family(&presented.family_id).await? {
        return Ok((family.current == digest).then_some(Found { family, authorization, ..found }));
    }
    // Nothing of it was stored so far: so it is the first one, or it is lost.
    let first = kept || presented.generation == 1;
    let stored = server.store().authorization(&found.authorization.id).await?;
    Ok(stored.filter(|_| first).map(|authorization| Found { authorization, ..found }))
}

/// Reads a token of which the store knows the rest; none if this server never issued it.
pub(super) fn read_stored(root: &RootKeys, token: &Secret) -> Option<Presented> {
    let bytes = URL_SAFE_NO_PAD.decode(token.expose()).ok()?;
    if bytes.len() != FAMILY + 4 + SECRET + TAG {
        return None;
    }
    let (body, tag) = bytes.split_at(FAMILY + 4 + SECRET);
    if !bool::from(tag.ct_eq(&root.id_tag(REFRESH_TOKEN, body))) {
        return None;
    }
    Some(Presented {
        family_id: URL_SAFE_NO_PAD.encode(&body[..FAMILY]),
        generation: u32::from_be_bytes(body[FAMILY..FAMILY + 4].try_into().ok()?),
        cargo: None,
        token: token.clone(),
    })
}

/// The first token of a new family, and the family's id.
pub fn first(server: &Server) -> Result<(Secret, String), Fault> {
    let family = random::bytes::<FAMILY>(server.random())?;
    let secret = random::bytes::<SECRET>(server.random())?;
    Ok((assemble(server.root(), &family, 1, &secret), URL_SAFE_NO_PAD.encode(family)))
}

/// A new child of `parent`, and what the store keeps of it.
pub fn child(server: &Server, parent: &Presented) -> Result<(Secret, Child), Fault> {
    let salt = random::bytes::<16>(server.random())?.to_vec();
    let token = derive(server.root(), parent, &salt)?;
    let digest = server.root().digest(REFRESH_TOKEN, &token);
    Ok((token, Child { digest, salt, key_id: KEY_ID.to_owned() }))
}

/// The child of `parent` that was derived with `salt`: always the same one.
pub fn derive(root: &RootKeys, parent: &Presented, salt: &[u8]) -> Result<Secret, Fault> {
    let family = URL_SAFE_NO_PAD.decode(&parent.family_id).map_err(|e| Fault::new("refresh token", e))?;
    let secret = root.refresh().mac("child", &[salt, parent.token.expose().as_bytes()]);
    Ok(assemble(root, &family, parent.generation.saturating_add(1), &secret))
}

/// A token of a family that carries everything itself, issued now: from now on its idle time counts.
pub fn carrying(
    server: &Server,
    token: &Secret,
    (family, authorization): (&FamilyRecord, &AuthorizationRecord),
    carried: (&Known, bool),
) -> Result<Secret, Fault> {
    let family = FamilyRecord { last_used_at: server.now(), ..family.clone() };
    carried::seal(server, token, (&family, authorization), carried)
}

/// Whether each use of a refresh token replaces it.
pub fn rotates(client: &Client, bound: Option<&Bound>, settings: &RefreshTokenSettings) -> bool {
    // A public client's refresh token is a bearer token, unless it is bound: it has to rotate (RFC 9700 section
    // 4.14.2).
    let bearer = client.is_public() && bound.and_then(Bound::confirmation).is_none();
    bearer || settings.rotation.unwrap_or(Rotation::Always) == Rotation::Always
}

fn assemble(root: &RootKeys, family: &[u8], generation: u32, secret: &[u8]) -> Secret {
    let body = [family, &generation.to_be_bytes(), secret].concat();
    let tag = root.id_tag(REFRESH_TOKEN, &body);
    Secret::new(URL_SAFE_NO_PAD.encode([&body[..], &tag[..]].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::SymmetricKey;

    fn root() -> RootKeys {
        RootKeys::new(&SymmetricKey::new([9; 32]))
    }

    #[test]
    fn a_child_is_always_the_same_for_the_same_parent_and_salt() {
        let root = root();
        let token = assemble(&root, &[1; 16], 1, &[2; 32]);
        let parent = read_stored(&root, &token).unwrap();
        let child = derive(&root, &parent, b"salt").unwrap();
        assert_eq!(child, derive(&root, &parent, b"salt").unwrap());
        assert_ne!(child, derive(&root, &parent, b"other").unwrap());
        let read_back = read_stored(&root, &child).unwrap();
        assert_eq!((read_back.family_id, read_back.generation), (parent.family_id, 2));
    }

    #[test]
    fn a_token_with_any_other_character_is_not_ours() {
        let root = root();
        let token = assemble(&root, &[1; 16], 1, &[2; 32]);
        for at in 0..token.expose().len() {
            let mut text = token.expose().to_owned().into_bytes();
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            let altered = Secret::new(String::from_utf8(text).unwrap());
            assert!(read_stored(&root, &altered).is_none(), "character {at}");
        }
        let other = RootKeys::new(&SymmetricKey::new([8; 32]));
        assert!(read_stored(&other, &token).is_none());
    }
}
