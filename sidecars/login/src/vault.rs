//! Seals what must be used again, the secrets of second factors, so that whoever steals the user directory has nothing.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use sha2::Sha256;

use crate::random;

/// Bytes of a nonce of AES-GCM, and of its tag.
const NONCE: usize = 12;
const TAG: usize = 16;
/// A key file has at least so many bytes.
const SHORTEST: usize = 32;

/// The key that secrets in the user directory are sealed under (AES-256-GCM).
pub(crate) struct Vault {
    key: [u8; 32],
}

impl Vault {
    /// The key that comes from a key file.
    pub(crate) fn from_file(path: &Path) -> io::Result<Self> {
        let bytes = fs::read(path)?;
        if bytes.len() < SHORTEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a key file has at least 32 bytes"));
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&bytes).expect("a key of any length is accepted");
        mac.update(b"placet-login vault key");
        Ok(Self { key: mac.finalize().into_bytes().into() })
    }

    /// Makes a key file that only its owner may read, unless it is there.
    pub(crate) fn make_file(path: &Path) -> io::Result<()> {
        match OpenOptions::new().create_new(true).write(true).mode(0o600).open(path) {
            Ok(mut file) => file.write_all(&random::bytes::<SHORTEST>()).and_then(|()| file.sync_all()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Seals a secret for a user: it cannot be moved to another one.
    pub(crate) fn seal(&self, sub: &str, secret: &[u8]) -> String {
        let nonce = random::bytes::<NONCE>();
        let mut tag = [0; TAG];
        let sealed =
            encrypt_aead(Cipher::aes_256_gcm(), &self.key, Some(&nonce), sub.as_bytes(), secret, &mut tag)
                .expect("AES-256-GCM seals whatever is short");
        format!("v1.{}", URL_SAFE_NO_PAD.encode([&nonce[..], &sealed, &tag].concat()))
    }

    /// Opens what was sealed for this user.
    pub(crate) fn open(&self, sub: &str, text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix("v1.")?).ok()?;
        let (nonce, rest) = bytes.split_at_checked(NONCE)?;
        let (sealed, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
        decrypt_aead(Cipher::aes_256_gcm(), &self.key, Some(nonce), sub.as_bytes(), sealed, tag).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault { key: random::bytes() }
    }

    #[test]
    fn what_is_sealed_opens_for_its_user_under_its_key_and_never_otherwise() {
        let vault = vault();
        let sealed = vault.seal("alice", b"secret");
        assert_eq!(vault.open("alice", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_ne!(sealed, vault.seal("alice", b"secret"), "a nonce is never used twice");
        assert_eq!(vault.open("bob", &sealed), None);
        assert_eq!(self::vault().open("alice", &sealed), None);
        let mut other = sealed.clone();
        other.replace_range(10..11, if &sealed[10..11] == "A" { "B" } else { "A" });
        for broken in [other.as_str(), "", "v1.", "v1.AAAA", "v2.AAAA", &sealed[..sealed.len() - 4]] {
            assert_eq!(vault.open("alice", broken), None, "{broken}");
        }
    }

    #[test]
    fn a_key_file_is_made_once_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.key");
        Vault::make_file(&path).unwrap();
        let made = fs::read(&path).unwrap();
        Vault::make_file(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), made);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = Vault::from_file(&path).unwrap().seal("alice", b"secret");
        assert!(Vault::from_file(&path).unwrap().open("alice", &sealed).is_some());
        fs::write(&path, b"short").unwrap();
        assert!(Vault::from_file(&path).is_err());
    }
}
