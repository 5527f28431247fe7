//! Binds each form to the browser it was shown in.
//!
//! A form carries a token that only this app could make for the browser's cookie, the interaction and the step.
//! Another site can make a browser post a form, but cannot know the token.

use std::{fs, io, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use http::HeaderMap;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::random;

/// Length of a cookie value: 256 bits in base64url.
const COOKIE_LENGTH: usize = 43;

/// The key of the form tokens.
pub(crate) struct Seal {
    key: [u8; 32],
}

impl Seal {
    /// A key that lives as long as this process.
    pub(crate) fn random() -> Self {
        Self { key: random::bytes() }
    }

    /// The key in a file, so that several instances, or the next start, accept the same forms.
    pub(crate) fn from_file(path: &Path) -> io::Result<Self> {
        let bytes = fs::read(path)?;
        if bytes.len() < 32 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a key file has at least 32 bytes"));
        }
        let mut mac = mac(&bytes);
        mac.update(b"placet-login form key");
        Ok(Self { key: mac.finalize().into_bytes().into() })
    }

    /// A mark that only this app could make, for this purpose and these parts.
    pub(crate) fn sign(&self, purpose: &str, parts: &[&[u8]]) -> String {
        let mut mac = mac(&self.key);
        for part in [b"placet-login signature".as_slice(), purpose.as_bytes()].iter().chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// The token of a form.
    pub(crate) fn token(&self, cookie: &str, interaction: &str, step: u32) -> String {
        let mut mac = mac(&self.key);
        for part in [cookie.as_bytes(), interaction.as_bytes(), &step.to_be_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Whether `token` is the one of that form; takes the same time wherever they differ.
    pub(crate) fn accepts(&self, token: &str, cookie: &str, interaction: &str, step: u32) -> bool {
        same(&self.token(cookie, interaction, step), token)
    }
}

/// Whether two texts are the same; takes the same time wherever they differ.
pub(crate) fn same(ours: &str, theirs: &str) -> bool {
    ours.as_bytes().ct_eq(theirs.as_bytes()).into()
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of any length is accepted")
}

/// Name of the cookie; the prefix makes browsers refuse one that another host planted.
pub(crate) fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-placet-login" } else { "placet-login" }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(http::header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// The browser's cookie, if it sent one of our making.
pub(crate) fn read_cookie(headers: &HeaderMap, secure: bool) -> Option<String> {
    cookie(headers, cookie_name(secure))
        .map(str::to_owned)
        .filter(|value| value.len() == COOKIE_LENGTH && value.bytes().all(is_base64url))
}

/// The `Set-Cookie` line for a new browser.
pub(crate) fn set_cookie(value: &str, secure: bool) -> String {
    let name = cookie_name(secure);
    let flags = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{flags}")
}

/// The `Set-Cookie` line of a cookie that lives for so many seconds.
pub(crate) fn line((name, value): (&str, &str), secure: bool, life: u32) -> String {
    let flags = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={life}{flags}")
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_counts_for_its_browser_interaction_and_step_alone() {
        let seal = Seal::random();
        let token = seal.token("cookie", "ia_1", 2);
        assert!(seal.accepts(&token, "cookie", "ia_1", 2));
        assert!(!seal.accepts(&token, "other", "ia_1", 2));
        assert!(!seal.accepts(&token, "cookie", "ia_2", 2));
        assert!(!seal.accepts(&token, "cookie", "ia_1", 3));
        assert!(!seal.accepts("", "cookie", "ia_1", 2));
        assert!(!Seal::random().accepts(&token, "cookie", "ia_1", 2));
    }

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        let seal = Seal::random();
        assert_ne!(seal.token("ab", "c", 1), seal.token("a", "bc", 1));
    }

    #[test]
    fn over_https_the_cookie_is_secure_and_pinned_to_the_host() {
        let line = set_cookie("v", true);
        assert!(line.starts_with("__Host-placet-login=v;") && line.ends_with("; Secure"), "{line}");
        assert!(!set_cookie("v", false).contains("Secure"));
    }

    #[test]
    fn a_cookie_of_foreign_making_is_ignored() {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::COOKIE, "placet-login=short; a=b".parse().unwrap());
        assert_eq!(read_cookie(&headers, false), None);
        let ours = random::token();
        headers.insert(http::header::COOKIE, format!("a=b; placet-login={ours}").parse().unwrap());
        assert_eq!(read_cookie(&headers, false), Some(ours));
        assert_eq!(read_cookie(&headers, true), None);
    }
}
