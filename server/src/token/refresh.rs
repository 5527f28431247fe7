//! Refresh tokens: families with deterministic rotation.
//!
//! A token is the family's id, its generation, a secret, and a tag over the three. The tag tells a token of ours
//! from a guess without a read. The secret of a child is derived from its parent, so that whoever repeats a
//! refresh, because the answer was lost, gets the very same child; nothing reusable lies in the store.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::id::Secret;
use subtle::ConstantTimeEq as _;

use crate::{outcome::Fault, random, seal::RootKeys, server::Server, store::Child};

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
    token: Secret,
}

/// Reads a presented token; none if this server never issued it.
pub fn read(root: &RootKeys, token: &Secret) -> Option<Presented> {
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
        let parent = read(&root, &token).unwrap();
        let child = derive(&root, &parent, b"salt").unwrap();
        assert_eq!(child, derive(&root, &parent, b"salt").unwrap());
        assert_ne!(child, derive(&root, &parent, b"other").unwrap());
        let read_back = read(&root, &child).unwrap();
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
            assert!(read(&root, &altered).is_none(), "character {at}");
        }
        let other = RootKeys::new(&SymmetricKey::new([8; 32]));
        assert!(read(&other, &token).is_none());
    }
}
