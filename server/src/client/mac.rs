//! Signatures under a client secret (RFC 7518 section 3.2, OpenID Connect Core section 10.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use placet_oauth::{id::Secret, jwt::Compact};
use serde::Serialize;
use serde_json::json;
use sha2::{Sha256, Sha384, Sha512};

use crate::outcome::Fault;

/// Does `$do` with an HMAC of the hash that belongs to the algorithm; `$else` if it is none of HMAC.
macro_rules! with_hash {
    ($alg:expr, $secret:expr, $message:expr, |$mac:ident| $do:expr, $else:expr) => {{
        macro_rules! keyed {
            ($hash:ty) => {{
                let key = $secret.expose().as_bytes();
                let $mac = Hmac::<$hash>::new_from_slice(key)
                    .expect("HMAC takes keys of any length")
                    .chain_update($message);
                $do
            }};
        }
        match $alg {
            "HS256" => keyed!(Sha256),
            "HS384" => keyed!(Sha384),
            "HS512" => keyed!(Sha512),
            _ => $else,
        }
    }};
}

/// Whether a JWT is signed with this secret; compared in constant time.
pub(crate) fn verifies(secret: &Secret, jwt: &Compact<'_>) -> bool {
    let Ok(signature) = URL_SAFE_NO_PAD.decode(jwt.signature) else { return false };
    let alg = jwt.header.alg.as_str();
    with_hash!(alg, secret, jwt.message.as_bytes(), |mac| mac.verify_slice(&signature).is_ok(), false)
}

/// A JWT of type `typ` with these claims, signed with a secret.
pub(crate) fn sign(
    secret: &Secret,
    alg: &str,
    (typ, claims): (&str, &impl Serialize),
) -> Result<String, Fault> {
    let claims = serde_json::to_vec(claims).map_err(|e| Fault::new("signature", e))?;
    let header = json!({ "typ": typ, "alg": alg }).to_string();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let unknown = || Err(Fault::new("signature", format!("`{alg}` is not signed with a secret")));
    let signature = with_hash!(
        alg,
        secret,
        message.as_bytes(),
        |mac| URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()),
        return unknown()
    );
    Ok(format!("{message}.{signature}"))
}

/// The shortest secret, in bytes, for an algorithm: as long as its hash.
pub(super) fn shortest_secret(alg: &str) -> usize {
    match alg {
        "HS256" => 32,
        "HS384" => 48,
        "HS512" => 64,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use placet_oauth::jwt;

    use super::*;

    #[test]
    fn what_is_signed_with_a_secret_verifies_with_it_and_no_other() {
        let (own, other) = (Secret::new("s".repeat(64)), Secret::new("t".repeat(64)));
        for alg in placet_oauth::client::HMAC_ALGS {
            let token = sign(&own, alg, ("JWT", &json!({ "sub": "alice" }))).unwrap();
            let parsed = jwt::parse(&token).unwrap();
            assert_eq!(parsed.header.alg, alg);
            assert!(verifies(&own, &parsed) && !verifies(&other, &parsed), "{alg}");
        }
        assert!(sign(&own, "RS256", ("JWT", &json!({}))).is_err());
    }

    #[test]
    fn the_example_of_rfc_7515_appendix_a_1_has_its_signature() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = URL_SAFE_NO_PAD.decode(key).unwrap();
        let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(message);
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }
}
