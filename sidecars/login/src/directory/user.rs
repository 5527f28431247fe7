//! A user of the directory.

use std::fmt;

use placet_sdk::grant::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::normal;

/// The claims of OpenID Connect Core section 5.1, without `sub`.
#[cfg(test)]
pub(super) const STANDARD_CLAIMS: [&str; 19] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];

/// A password hash; it does not print.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct StoredHash(String);

impl StoredHash {
    /// Wraps a hash in PHC string format.
    pub(crate) fn new(hash: String) -> Self {
        Self(hash)
    }

    /// The hash.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredHash(…)")
    }
}

/// A second factor; its secret does not print.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredTotp {
    /// The secret, sealed for this user.
    secret: String,
    /// The last time step whose code was used.
    used: u64,
}

impl StoredTotp {
    /// A second factor with this sealed secret, whose code of step `used` is used.
    pub(crate) fn new(secret: String, used: u64) -> Self {
        Self { secret, used }
    }

    /// The sealed secret.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Uses the code of a step up, unless that or a later one was used before.
    pub(super) fn use_up(&mut self, step: u64) -> bool {
        let fresh = step > self.used;
        if fresh {
            self.used = step;
        }
        fresh
    }
}

impl fmt::Debug for StoredTotp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredTotp(…)")
    }
}

/// A user.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    /// What the user types.
    pub(crate) username: String,
    /// The local subject; never changes and is never given to another user.
    pub(crate) sub: String,
    /// The password's hash.
    pub(crate) password: StoredHash,
    /// The second factor, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) totp: Option<StoredTotp>,
    /// Claims by their names of OpenID Connect Core section 5.1; language variants as `name#de`.
    #[serde(default)]
    pub(crate) claims: Object,
}

impl User {
    /// A user without claims, with a fresh subject.
    pub(crate) fn new(username: &str, password: StoredHash) -> Self {
        let sub = format!("usr_{}", crate::random::short());
        Self { username: username.to_owned(), sub, password, totp: None, claims: Object::new() }
    }

    /// What the user may type to sign in, as it is compared.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let email = self.email().map(normal);
        std::iter::once(normal(&self.username)).chain(email)
    }

    /// The name to greet the user with, in the language of the page where the directory has it.
    pub(crate) fn display_name(&self, language: &str) -> &str {
        self.claims
            .get(&format!("name#{language}"))
            .or_else(|| self.claims.get("name"))
            .and_then(Value::as_str)
            .unwrap_or(&self.username)
    }

    /// The email address.
    pub(crate) fn email(&self) -> Option<&str> {
        self.claims.get("email").and_then(Value::as_str)
    }

    /// What the server is told about the user; the subject is told apart.
    pub(crate) fn session_claims(&self) -> Object {
        let mut claims = self.claims.clone();
        claims.remove("sub");
        claims
    }
}
