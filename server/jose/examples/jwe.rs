//! The other end for strangers: makes and opens tokens as they ask.
//!
//! Reads requests from standard input, one JSON object per line, and answers each with a line:
//!
//! ```json
//! {"encrypt": "text", "key": {"kty": "RSA", …}, "alg": "RSA-OAEP", "enc": "A128GCM"}   → {"token": "…"}
//! {"decrypt": "token", "key": {"kty": "RSA", "d": …}, "alg": …, "enc": …}             → {"plaintext": "text"}
//! ```
//!
//! With `secret` in place of `key` the key is the one that a client secret stands for. What goes wrong is answered with
//! `{"error": "…"}`.

use std::io::{self, BufRead as _, Write as _};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_jose::{
    Accepts, Algorithm, DecryptionKey, Encryption, EncryptionKey, Members, RandomFailed, Recipient, decrypt,
    encrypt, secret_key,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    encrypt: Option<String>,
    decrypt: Option<String>,
    key: Option<Map<String, Value>>,
    secret: Option<String>,
    alg: Algorithm,
    enc: Encryption,
}

#[allow(clippy::disallowed_methods, reason = "a program of its own, without the server's source")]
fn random(bytes: &mut [u8]) -> Result<(), RandomFailed> {
    openssl::rand::rand_bytes(bytes).map_err(|_| RandomFailed)
}

type Outcome = Result<Value, Box<dyn std::error::Error>>;

impl Request {
    /// The key that both ends hold, if there is one.
    fn shared(&self) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, base64::DecodeError> {
        if let Some(secret) = &self.secret {
            return Ok(secret_key(secret, self.alg, self.enc));
        }
        let k = self.key.as_ref().and_then(|key| key.get("k")?.as_str());
        k.map(|k| URL_SAFE_NO_PAD.decode(k).map(zeroize::Zeroizing::new)).transpose()
    }

    fn make(&self, text: &str) -> Outcome {
        let key = match (self.shared()?, &self.key) {
            (Some(shared), _) => EncryptionKey::shared(None, shared),
            (None, Some(jwk)) => EncryptionKey::from_jwk(jwk)?,
            (None, None) => return Err("there is no key".into()),
        };
        let recipient = Recipient::new(&key, self.alg, self.enc)?;
        Ok(json!({ "token": encrypt(&recipient, &Members::default(), text.as_bytes(), &mut random)? }))
    }

    fn open(&self, token: &str) -> Outcome {
        let keys = match (self.shared()?, &self.key) {
            (Some(shared), _) => [DecryptionKey::shared(None, shared)],
            (None, Some(jwk)) => [DecryptionKey::from_jwk(jwk)?],
            (None, None) => return Err("there is no key".into()),
        };
        let (algorithms, encryptions) = (&[self.alg], &[self.enc]);
        let accepts = Accepts { keys: &keys, algorithms, encryptions, max_bytes: 16 * 1024 };
        let opened = decrypt(token, &accepts, &mut random)?;
        Ok(json!({ "plaintext": std::str::from_utf8(&opened.plaintext)? }))
    }
}

fn answer(line: &str) -> Outcome {
    let request: Request = serde_json::from_str(line)?;
    match (&request.encrypt, &request.decrypt) {
        (Some(text), None) => request.make(text),
        (None, Some(token)) => request.open(token),
        _ => Err("either `encrypt` or `decrypt` is expected".into()),
    }
}

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = answer(&line?).unwrap_or_else(|error| json!({ "error": error.to_string() }));
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}
