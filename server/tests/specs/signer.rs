//! A key pair of somebody else: signs JWTs that this server did not issue.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    pkey::{PKey, Private},
    sign::Signer as OpensslSigner,
};
use serde_json::{Value, json};

/// A key pair.
pub struct Signer {
    key: PKey<Private>,
    kid: String,
}

impl Signer {
    /// A new Ed25519 key.
    pub fn new(kid: &str) -> Self {
        Self { key: PKey::generate_ed25519().unwrap(), kid: kid.to_owned() }
    }

    /// Its public half as a key set.
    pub fn jwks(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.raw_public_key().unwrap());
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": x, "use": "sig" }] })
    }

    /// A JWT with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({ "alg": "EdDSA", "kid": self.kid, "typ": "JWT" }), claims)
    }

    /// A JWT with this header and these claims.
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let mut signer = OpensslSigner::new_without_digest(&self.key).unwrap();
        let signature = signer.sign_oneshot_to_vec(message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
