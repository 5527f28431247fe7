//! Ids of interactions: forged ones are refused and expired ones recognised without a read.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

use crate::{
    outcome::Fault,
    random::{self, Random},
    seal::RootKeys,
};

const PREFIX: &str = "ia_";
const RANDOM: usize = 16;
const EXPIRY: usize = 4;
const TAG: usize = 8;

/// What an id says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// This server never made it.
    Forged,
    /// Its time is over.
    Expired,
    /// It may still be open.
    Genuine,
}

/// A new id that is over at `expires_at`: 16 random bytes, the expiry, and a tag.
pub fn make(root: &RootKeys, random: &dyn Random, expires_at: i64) -> Result<String, Fault> {
    let expiry =
        u32::try_from(expires_at).map_err(|_| Fault::new("interaction id", "the clock is out of range"))?;
    let body = [&random::bytes::<RANDOM>(random)?[..], &expiry.to_be_bytes()].concat();
    let tag = root.id_tag(PREFIX, &body);
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([&body[..], &tag].concat())))
}

/// Reads an id.
pub fn read(root: &RootKeys, id: &str, now: i64) -> Read {
    let Some(bytes) = id.strip_prefix(PREFIX).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()) else {
        return Read::Forged;
    };
    if bytes.len() != RANDOM + EXPIRY + TAG {
        return Read::Forged;
    }
    let (body, tag) = bytes.split_at(RANDOM + EXPIRY);
    if !bool::from(tag.ct_eq(&root.id_tag(PREFIX, body))) {
        return Read::Forged;
    }
    let expiry = u32::from_be_bytes(body[RANDOM..].try_into().expect("four bytes are left"));
    if i64::from(expiry) <= now { Read::Expired } else { Read::Genuine }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{random::OsRandom, seal::SymmetricKey};

    #[test]
    fn an_id_has_41_characters_and_tells_by_itself_whether_it_is_genuine_and_in_time() {
        let root = RootKeys::new(&SymmetricKey::new([1; 32]));
        let id = make(&root, &OsRandom, 1000).unwrap();
        assert_eq!(id.len(), 41);
        assert_eq!(read(&root, &id, 999), Read::Genuine);
        assert_eq!(read(&root, &id, 1000), Read::Expired);
        let other = RootKeys::new(&SymmetricKey::new([2; 32]));
        assert_eq!(read(&other, &id, 999), Read::Forged);
        for bad in ["", "ia_", "ia_AAAA", "ses_AAAA", &id[..40], &format!("{id}A")] {
            assert_eq!(read(&root, bad, 0), Read::Forged, "{bad}");
        }
    }
}
