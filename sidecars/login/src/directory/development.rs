//! The users that development mode starts with.

use serde_json::{Value, json};

use super::{StoredHash, StoredTotp, User};
use crate::{password, totp::Key, vault::Vault};

/// The secret of alice's second factor, that of the examples in RFC 6238: it is published on purpose.
pub(super) const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// `alice` / `wonderland`, who has a second factor, and `bob` / `builder`, who has none; with every standard claim.
pub(super) fn users(vault: &Vault) -> Vec<User> {
    let mut alice = user("alice", "wonderland", alice());
    let key = Key::from_base32(SECRET).expect("the secret is written in base32");
    alice.totp = Some(StoredTotp::new(vault.seal(&alice.sub, key.bytes()), 0));
    vec![alice, user("bob", "builder", bob())]
}

fn user(name: &str, password: &str, claims: Value) -> User {
    let hash = password::hash(password).expect("the default parameters of argon2 are valid");
    let Value::Object(claims) = claims else { unreachable!("claims are written as an object") };
    let password = StoredHash::new(hash);
    User { username: name.to_owned(), sub: name.to_owned(), password, totp: None, claims }
}

fn alice() -> Value {
    json!({
        "name": "Alice Liddell",
        "name#de": "Alice Liddell (Wunderland)",
        "name#ja": "アリス・リデル",
        "given_name": "Alice",
        "given_name#ja": "アリス",
        "family_name": "Liddell",
        "family_name#ja": "リデル",
        "middle_name": "Pleasance",
        "nickname": "Ali",
        "preferred_username": "alice",
        "profile": "https://example.com/alice",
        "picture": "https://example.com/alice.png",
        "website": "https://alice.example.com",
        "email": "alice@example.com",
        "email_verified": true,
        "gender": "female",
        "birthdate": "1992-05-04",
        "zoneinfo": "Europe/London",
        "locale": "en-GB",
        "phone_number": "+44 20 7946 0001",
        "phone_number_verified": true,
        "address": {
            "formatted": "1 Meadow Lane\nOxford\nOX1 1AA\nUnited Kingdom",
            "street_address": "1 Meadow Lane",
            "locality": "Oxford",
            "region": "Oxfordshire",
            "postal_code": "OX1 1AA",
            "country": "GB",
        },
        "updated_at": 1_790_000_000,
    })
}

fn bob() -> Value {
    json!({
        "name": "Bob Baumann",
        "given_name": "Bob",
        "family_name": "Baumann",
        "middle_name": "Benedikt",
        "nickname": "Bobby",
        "preferred_username": "bob",
        "profile": "https://example.com/bob",
        "picture": "https://example.com/bob.png",
        "website": "https://bob.example.com",
        "email": "bob@example.com",
        "email_verified": false,
        "gender": "male",
        "birthdate": "1985-11-30",
        "zoneinfo": "Europe/Berlin",
        "locale": "de-DE",
        "phone_number": "+49 30 5550 0102",
        "phone_number_verified": false,
        "address": {
            "formatted": "Werkstraße 7\n10115 Berlin\nDeutschland",
            "street_address": "Werkstraße 7",
            "locality": "Berlin",
            "region": "Berlin",
            "postal_code": "10115",
            "country": "DE",
        },
        "updated_at": 1_790_000_000,
    })
}
