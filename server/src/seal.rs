//! Sealing and digests: what must be used again is encrypted, what must only be recognised is digested.
//!
//! The *master key* never lies in the store. It seals one random *root* per deployment, which lies in the store
//! and from which every other symmetric key is derived; so the master key can be changed without touching
//! anything else, and a stolen database alone is worth nothing.

use std::{fmt, path::Path};

use hmac::{Hmac, Mac};
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use placet_oauth::id::Secret;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    outcome::Fault,
    random::{self, Random},
    store::Digest,
};

const NONCE: usize = 12;
const TAG: usize = 16;

/// A symmetric key of 256 bits.
#[derive(Clone)]
pub struct SymmetricKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for SymmetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SymmetricKey(…)")
    }
}

impl SymmetricKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// HMAC-SHA-256 over `label` and `parts`, each with its length in front, so that no two lists collide.
    pub fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&*self.0).expect("HMAC takes keys of any length");
        for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The key derived for `label`.
    #[must_use]
    pub fn derive(&self, label: &str) -> Self {
        Self::new(self.mac("derive", &[label.as_bytes()]))
    }

    /// Encrypts `plain` with AES-256-GCM; `context` must be given again to open it.
    pub fn seal(&self, random: &dyn Random, context: &str, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let nonce = random::bytes::<NONCE>(random)?;
        let mut tag = [0; TAG];
        let body =
            encrypt_aead(Cipher::aes_256_gcm(), &*self.0, Some(&nonce), context.as_bytes(), plain, &mut tag)
                .map_err(|e| Fault::new("seal", e))?;
        Ok([&nonce[..], &tag[..], &body].concat())
    }

    /// Decrypts what `seal` made; none if it was made with another key or context, or was altered.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE)?;
        let (tag, body) = rest.split_at_checked(TAG)?;
        decrypt_aead(Cipher::aes_256_gcm(), &*self.0, Some(nonce), context.as_bytes(), body, tag)
            .ok()
            .map(Zeroizing::new)
    }
}

/// The master keys in force: the first seals, all open.
#[derive(Clone, Debug)]
pub struct MasterKeys(Vec<SymmetricKey>);

impl MasterKeys {
    /// These keys.
    pub fn new(first: SymmetricKey, others: Vec<SymmetricKey>) -> Self {
        Self(std::iter::once(first).chain(others).collect())
    }

    /// Reads a file with one or two keys, each 64 hexadecimal digits on a line of its own; the first seals.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let text = Zeroizing::new(
            std::fs::read_to_string(path)
                .map_err(|e| Fault::new("master key file", format!("{}: {e}", path.display())))?,
        );
        let keys = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| parse_hex(line).map(SymmetricKey::new))
            .collect::<Option<Vec<_>>>()
            .filter(|keys| (1..=2).contains(&keys.len()))
            .ok_or_else(|| {
                Fault::new("master key file", "one or two lines of 64 hexadecimal digits are expected")
            })?;
        Ok(Self(keys))
    }

    /// Reads the file, or makes it and its folder, readable by its owner only, if it does not exist (development).
    pub fn read_or_make(path: &Path, random: &dyn Random) -> Result<Self, Fault> {
        use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|e| Fault::new("master key file", format!("{}: {e}", folder.display())))?;
        }
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match made {
            Ok(mut file) => {
                let key = Zeroizing::new(random::bytes::<32>(random)?);
                let line = Zeroizing::new(format!("{}\n", hex(&*key)));
                file.write_all(line.as_bytes())
                    .and_then(|()| file.sync_all())
                    .map_err(|e| Fault::new("master key file", e))?;
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(Fault::new("master key file", format!("{}: {e}", path.display()))),
        }
        Self::read(path)
    }

    /// Seals with the first key.
    pub fn seal(&self, random: &dyn Random, context: &str, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        self.0[0].seal(random, context, plain)
    }

    /// Whether the first key does not open this although another one does: it is to be sealed anew.
    pub fn is_outdated(&self, context: &str, sealed: &[u8]) -> bool {
        self.0[0].open(context, sealed).is_none() && self.open(context, sealed).is_some()
    }

    /// Opens with whichever key fits.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.0.iter().find_map(|key| key.open(context, sealed))
    }
}

/// The keys derived from the root.
#[derive(Clone, Debug)]
pub struct RootKeys {
    digest: SymmetricKey,
    state: SymmetricKey,
    ids: SymmetricKey,
    refresh: SymmetricKey,
    pairwise: SymmetricKey,
    log: SymmetricKey,
    dpop: SymmetricKey,
    carried: SymmetricKey,
}

impl RootKeys {
    /// Derives them.
    pub fn new(root: &SymmetricKey) -> Self {
        Self {
            digest: root.derive("digest"),
            state: root.derive("state"),
            ids: root.derive("ids"),
            refresh: root.derive("refresh"),
            pairwise: root.derive("pairwise"),
            log: root.derive("log"),
            dpop: root.derive("dpop"),
            carried: root.derive("carried"),
        }
    }

    /// Digest of a secret of this `kind`, as the store keeps it.
    pub fn digest(&self, kind: &str, secret: &Secret) -> Digest {
        Digest(self.digest.mac(kind, &[secret.expose().as_bytes()]))
    }

    /// Whether `secret` has this digest, in constant time.
    pub fn matches(&self, kind: &str, secret: &Secret, digest: &Digest) -> bool {
        self.digest(kind, secret).0.ct_eq(&digest.0).into()
    }

    /// Seals state that the server will read again.
    pub fn seal(&self, random: &dyn Random, context: &str, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        self.state.seal(random, context, plain)
    }

    /// Opens sealed state.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.state.open(context, sealed)
    }

    /// Authenticates an id, so that forged ones are refused without a read.
    pub fn id_tag(&self, kind: &str, id: &[u8]) -> [u8; 8] {
        self.ids.mac(kind, &[id])[..8].try_into().expect("eight of 32 bytes")
    }

    /// The key that derives refresh tokens.
    pub fn refresh(&self) -> &SymmetricKey {
        &self.refresh
    }

    /// The key that seals what tokens carry to this server.
    pub fn carried(&self) -> &SymmetricKey {
        &self.carried
    }

    /// The key that makes nonces for DPoP proofs.
    pub fn dpop(&self) -> &SymmetricKey {
        &self.dpop
    }

    /// Salt of pairwise subjects (OpenID Connect Core section 8.1).
    pub fn pairwise_salt(&self) -> &[u8] {
        &*self.pairwise.0
    }

    /// The key that digests what the log may not show.
    pub fn log_key(&self) -> &SymmetricKey {
        &self.log
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// 32 bytes from 64 hexadecimal digits.
pub fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut out = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok().filter(|p| p.bytes().all(|b| b.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    #[test]
    fn what_was_sealed_opens_only_with_its_key_and_context_and_unaltered() {
        let key = SymmetricKey::new([7; 32]);
        let sealed = key.seal(&OsRandom, "row 1", b"answer").unwrap();
        assert_eq!(key.open("row 1", &sealed).unwrap().as_slice(), b"answer");
        assert!(key.open("row 2", &sealed).is_none());
        assert!(SymmetricKey::new([8; 32]).open("row 1", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(key.open("row 1", &altered).is_none());
        }
        assert!(key.open("row 1", &sealed[..sealed.len() - 1]).is_none());
    }

    #[test]
    fn after_a_change_of_the_master_key_the_old_one_still_opens() {
        let old = MasterKeys::new(SymmetricKey::new([1; 32]), vec![]);
        let sealed = old.seal(&OsRandom, "x", b"root").unwrap();
        let both = MasterKeys::new(SymmetricKey::new([2; 32]), vec![SymmetricKey::new([1; 32])]);
        assert_eq!(both.open("x", &sealed).unwrap().as_slice(), b"root");
    }

    #[test]
    fn a_master_key_is_made_once_with_its_folder_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = std::env::temp_dir().join(format!("placet-seal-{}", std::process::id()));
        let path = root.join("not/there/yet/master.key");
        let made = MasterKeys::read_or_make(&path, &OsRandom).unwrap();
        let again = MasterKeys::read_or_make(&path, &OsRandom).unwrap();
        let permissions = std::fs::metadata(&path).unwrap().permissions().mode();
        std::fs::remove_dir_all(&root).unwrap();
        let sealed = made.seal(&OsRandom, "x", b"root").unwrap();
        assert_eq!(again.open("x", &sealed).unwrap().as_slice(), b"root");
        assert_eq!(permissions & 0o777, 0o600);
    }

    #[test]
    fn parts_of_a_mac_cannot_be_shifted_into_each_other() {
        let key = SymmetricKey::new([3; 32]);
        assert_ne!(key.mac("l", &[b"ab", b"c"]), key.mac("l", &[b"a", b"bc"]));
    }
}
