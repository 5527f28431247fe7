//! What whoever presents a token has to prove: the claim `cnf` (RFC 7800 section 3.1) with a key (RFC 9449 section 6.1)
//! or a certificate (RFC 8705 section 3.1).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a key (RFC 7638) or of a certificate (RFC 8705 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Thumbprint(String);

impl Thumbprint {
    /// The thumbprint of these bytes: of the canonical JSON of a key, or of the DER of a certificate.
    pub fn of(bytes: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)))
    }

    /// The thumbprint, if `text` is one: 32 bytes in base64url without padding.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// The thumbprint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Thumbprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a thumbprint")
    }
}

impl From<Thumbprint> for String {
    fn from(thumbprint: Thumbprint) -> Self {
        thumbprint.0
    }
}

/// A claim `cnf` that says something this server cannot check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the claim `cnf` names something that this server cannot check")]
pub struct Unverifiable;

/// What has to be proved, or what was. Without members it is nothing.
///
/// A member that is not known here is refused: a confirmation that is not understood cannot be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The thumbprint of a DPoP key (RFC 9449 section 6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<Thumbprint>,
    /// The thumbprint of a client certificate (RFC 8705 section 3.1).
    #[serde(default, rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<Thumbprint>,
}

impl Confirmation {
    /// A DPoP key.
    pub fn of_key(jkt: Thumbprint) -> Self {
        Self { jkt: Some(jkt), x5t_s256: None }
    }

    /// A client certificate.
    pub fn of_certificate(x5t_s256: Thumbprint) -> Self {
        Self { jkt: None, x5t_s256: Some(x5t_s256) }
    }

    /// The confirmation in the claims of a token; none for a bearer token.
    ///
    /// # Errors
    ///
    /// `cnf` is no object, is empty, or names something else than a key or certificate by its thumbprint: such a token
    /// counts for nobody.
    pub fn of_claims(claims: &Map<String, Value>) -> Result<Option<Self>, Unverifiable> {
        let Some(cnf) = claims.get("cnf") else { return Ok(None) };
        let confirmation: Self = serde_json::from_value(cnf.clone()).map_err(|_| Unverifiable)?;
        if confirmation.is_empty() { Err(Unverifiable) } else { Ok(Some(confirmation)) }
    }

    /// The claim.
    pub fn to_claim(&self) -> Value {
        let mut cnf = Map::new();
        for (name, value) in [("jkt", &self.jkt), ("x5t#S256", &self.x5t_s256)] {
            cnf.extend(value.iter().map(|value| (name.to_owned(), value.as_str().into())));
        }
        Value::Object(cnf)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.jkt.is_none() && self.x5t_s256.is_none()
    }

    /// Whether `proved` is at least what this asks for: the same key, if it names one, and the same certificate.
    pub fn is_met_by(&self, proved: &Self) -> bool {
        let met = |asked: &Option<Thumbprint>, given: &Option<Thumbprint>| asked.is_none() || asked == given;
        met(&self.jkt, &proved.jkt) && met(&self.x5t_s256, &proved.x5t_s256)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    fn key() -> Thumbprint {
        Thumbprint::parse(KEY).unwrap()
    }

    fn of(cnf: &Value) -> Result<Option<Confirmation>, Unverifiable> {
        Confirmation::of_claims(json!({ "cnf": cnf }).as_object().unwrap())
    }

    #[test]
    fn a_thumbprint_is_thirty_two_bytes_in_base64url() {
        assert_eq!(key().to_string(), KEY);
        // The thumbprint of nothing is the SHA-256 of nothing.
        assert_eq!(Thumbprint::of(b"").as_str(), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
        for text in ["", "x", &KEY[1..], &format!("{KEY}="), &format!("{KEY}AA"), &KEY.replace('-', "+")] {
            assert_eq!(Thumbprint::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_confirmation_is_written_as_it_is_read() {
        for cnf in [json!({ "jkt": KEY }), json!({ "x5t#S256": KEY }), json!({ "jkt": KEY, "x5t#S256": KEY })]
        {
            assert_eq!(of(&cnf).unwrap().unwrap().to_claim(), cnf);
        }
        assert_eq!(Confirmation::of_claims(&Map::new()), Ok(None));
    }

    #[test]
    fn what_cannot_be_checked_is_no_bearer_token() {
        for cnf in [
            json!({}),
            json!(null),
            json!("x"),
            json!([]),
            json!({ "jkt": "x" }),
            json!({ "jkt": 7 }),
            json!({ "jwk": {} }),
            json!({ "kid": "x" }),
            json!({ "jkt": KEY, "kid": "x" }),
            json!({ "x5t#S256": "x" }),
        ] {
            assert_eq!(of(&cnf), Err(Unverifiable), "{cnf}");
        }
    }

    #[test]
    fn everything_that_is_asked_for_has_to_be_proved() {
        let other = Thumbprint::of(b"other");
        let (by_key, by_certificate) =
            (Confirmation::of_key(key()), Confirmation::of_certificate(other.clone()));
        let both = Confirmation { jkt: Some(key()), x5t_s256: Some(other.clone()) };
        let nothing = Confirmation::default();
        assert!(by_key.is_met_by(&by_key) && by_key.is_met_by(&both) && by_certificate.is_met_by(&both));
        assert!(nothing.is_met_by(&nothing) && nothing.is_met_by(&by_key));
        for (asked, proved) in [
            (&by_key, &nothing),
            (&by_key, &by_certificate),
            (&by_key, &Confirmation::of_key(other)),
            (&both, &by_key),
            (&both, &by_certificate),
        ] {
            assert!(!asked.is_met_by(proved), "{asked:?} {proved:?}");
        }
    }
}
