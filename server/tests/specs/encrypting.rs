//! The other end of encrypted tokens: somebody who encrypts to the server.

use placet_jose::{Algorithm, Encryption, EncryptionKeySet, Members, RandomFailed, Recipient};
use placet_server::random::{OsRandom, Random as _};
use serde_json::{Value, json};

use super::{harness::Stand, helpers::jwks};

fn random(bytes: &mut [u8]) -> Result<(), RandomFailed> {
    OsRandom.fill(bytes).map_err(|_| RandomFailed)
}

/// Encrypts a text to the key of a set that fits.
#[track_caller]
pub fn encrypt_to(
    keys: &[Value],
    (alg, enc): (Algorithm, Encryption),
    cty: Option<&str>,
    text: &str,
) -> String {
    let set = json!({ "keys": keys });
    let set = EncryptionKeySet::parse(set.as_object().unwrap()).unwrap();
    let key = set.select(alg, enc, None).expect("the set has a key for it");
    let recipient = Recipient::new(key, alg, enc).unwrap();
    let members = Members { cty, ..Members::default() };
    placet_jose::encrypt(&recipient, &members, text.as_bytes(), &mut random).unwrap()
}

/// Encrypts a JWT to the server.
pub async fn encrypt_to_server(stand: &Stand, alg: Algorithm, enc: Encryption, text: &str) -> String {
    encrypt_to(&jwks(stand).await, (alg, enc), Some("JWT"), text)
}
