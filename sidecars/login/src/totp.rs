//! One-time passwords that change with the time (RFC 6238): six digits, a new one every 30 seconds.

use std::fmt;

use totp_rs::{Builder, Secret, Totp};

use crate::{form::escape, random};

/// Spaces that people type between digits count for nothing.
const LONGEST: usize = 16;

/// The secret that a user's authenticator app shares with this app; it does not print.
pub(crate) struct Key(Secret);

impl Key {
    /// A fresh one: 160 bits, as RFC 4226 section 4 recommends.
    pub(crate) fn random() -> Self {
        Self(Secret::new_stack(random::bytes()))
    }

    /// The one that is written like this.
    pub(crate) fn from_base32(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let secret = Secret::try_from_base32(text.to_ascii_uppercase()).ok()?;
        Self::from_bytes(secret.as_bytes())
    }

    /// The one of these bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // RFC 4226 section 4: at least 128 bits.
        (bytes.len() >= 16).then(|| Self(Secret::new(bytes.into())))
    }

    /// How it is stored, sealed.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// How it is typed into an authenticator app.
    pub(crate) fn base32(&self) -> String {
        self.0.to_base32()
    }

    /// The code of a moment, in seconds since 1970.
    pub(crate) fn code(&self, at: i64) -> String {
        self.generator().generate(at.try_into().unwrap_or_default()).to_string()
    }

    /// The time step that a code belongs to, if it is one of around this moment: clocks may differ by one step
    /// (RFC 6238 section 5.2).
    pub(crate) fn step_of(&self, typed: &str, at: i64) -> Option<u64> {
        let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        let is_code =
            typed.len() <= LONGEST && digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit());
        if !is_code {
            return None;
        }
        self.generator().check(&digits, at.try_into().ok()?)
    }

    /// The address that authenticator apps read from a QR code.
    pub(crate) fn address(&self, issuer: &str, account: &str) -> String {
        // A colon parts the two, so neither may have one.
        let (issuer, account) = (escape(&issuer.replace(':', " ")), escape(&account.replace(':', " ")));
        let secret = self.base32();
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
        )
    }

    fn generator(&self) -> Totp {
        // The defaults are what every authenticator app knows: SHA-1, six digits, 30 seconds, one step of skew.
        Builder::new().with_secret(self.0.clone()).build_noncompliant()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238 appendix B.
    fn key() -> Key {
        Key::from_bytes(b"12345678901234567890").unwrap()
    }

    #[test]
    fn the_codes_are_those_of_the_standard() {
        // RFC 6238 appendix B has eight digits; six are the last ones.
        for (at, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(key().code(at), code);
            assert_eq!(key().step_of(code, at), Some(u64::try_from(at / 30).unwrap()));
        }
    }

    #[test]
    fn a_code_counts_for_its_step_and_the_ones_beside_it() {
        let at = 1_111_111_111;
        let code = key().code(at);
        for (shift, good) in [(-60, false), (-30, true), (30, true), (60, false)] {
            assert_eq!(key().step_of(&code, at + shift).is_some(), good, "{shift}");
        }
        assert_eq!(key().step_of(" 050 471 ", at), key().step_of("050471", at));
    }

    #[test]
    fn what_is_no_code_is_none() {
        let at = 1_111_111_111;
        for typed in ["", "05047", "0050471", "05047a", "٠٥٠٤٧١", "-50471", "0 5 0 4 7 1                 "]
        {
            assert_eq!(key().step_of(typed, at), None, "{typed:?}");
        }
        assert_eq!(key().step_of("050471", -1), None);
    }

    #[test]
    fn a_key_is_written_and_read_and_a_short_one_is_none() {
        assert_eq!(key().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let read = Key::from_base32("gezd gnbv gy3t qojq GEZD GNBV GY3T QOJQ").unwrap();
        assert_eq!(read.bytes(), key().bytes());
        assert!(Key::from_base32("GEZDGNBV").is_none() && Key::from_base32("not base 32!").is_none());
        assert_eq!(Key::random().bytes().len(), 20);
        assert!(!format!("{:?}", key()).contains("GEZD"));
    }

    #[test]
    fn the_address_names_issuer_and_account_and_nothing_can_break_out_of_it() {
        let address = key().address("Acme: Books", "alice&secret=x");
        assert!(
            address.starts_with("otpauth://totp/Acme%20%20Books:alice%26secret%3Dx?secret=GEZD"),
            "{address}"
        );
        assert!(address.ends_with("&issuer=Acme%20%20Books&algorithm=SHA1&digits=6&period=30"), "{address}");
    }
}
