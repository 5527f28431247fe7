//! Generations: by them it is told, without a row for each token, what was revoked since a token was issued.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AuthorizationRecord, FamilyRecord, Result};

/// How many marks get a number in one step.
pub const NUMBERED_AT_ONCE: u32 = 500;

/// For so many seconds it is remembered that everything of a subject or client was revoked; no token of which nothing is
/// stored lives longer.
pub const REMEMBERED: i64 = 400 * 24 * 60 * 60;

/// The newest revocation that somebody knows of. Numbers grow within an era; one that has ended has nothing to do with
/// another, also if both are of a database that was restored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Known {
    /// Named by the revocation of everything that began it; empty before the first.
    #[serde(rename = "e", default, skip_serializing_if = "String::is_empty")]
    pub era: String,
    /// Its number in the era and all before it.
    #[serde(rename = "n")]
    pub number: i64,
}

/// What was revoked, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revoked(pub String);

impl Revoked {
    /// An authorization.
    pub fn authorization(id: &str) -> Self {
        Self(format!("authorization:{id}"))
    }

    /// Everything of a subject.
    pub fn subject(sub: &str) -> Self {
        Self(format!("subject:{sub}"))
    }

    /// Everything of a client.
    pub fn client(client_id: &str) -> Self {
        Self(format!("client:{client_id}"))
    }

    /// A refresh token family of which nothing was stored, and now is: what it is worth is to be asked of the store.
    pub fn family(id: &str) -> Self {
        Self(format!("family:{id}"))
    }
}

/// What there is to know beyond a number.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// The newest number, and the era.
    pub newest: Known,
    /// Some marks have no number yet.
    pub pending: bool,
    /// Marks, by their numbers. Those of one number may be more than were asked for.
    pub marks: Vec<(Revoked, i64)>,
}

/// A family of which nothing is stored yet, as its token tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begins {
    /// As it was before this use.
    pub family: FamilyRecord,
    /// Its tokens were good without a look into the store: others have to be told that they no longer are.
    pub kept: bool,
}

/// What a JWT access token stands and falls with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwtHome {
    /// The authorization that it names.
    Authorization(String),
    /// The client that got it for itself.
    Client(OfClient),
}

/// The client of a token of which nothing is stored, and how many revocations there were when it was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfClient {
    /// The client.
    pub client_id: String,
    /// The number of the newest revocation that its issuer knew of, as
    /// [`revocation_number`](crate::store::Store::revocation_number) gives it.
    pub number: i64,
}

/// What is known of a JWT access token.
#[derive(Clone, Debug, Default)]
pub struct JwtState {
    /// It was revoked by itself, or with everything of its client.
    pub revoked: bool,
    /// Its authorization, if it has one and that is stored.
    pub authorization: Option<AuthorizationRecord>,
}

/// What is remembered of revocations.
#[async_trait]
pub trait Generations: Send + Sync + 'static {
    /// The marks of revocations with a number beyond `since`, lowest first, at most `limit`. One read.
    async fn learn_generations(&self, since: i64, limit: u32) -> Result<Learned>;
    /// Gives numbers to marks that have none yet, [`NUMBERED_AT_ONCE`] at most; tells to how many.
    async fn number_generations(&self) -> Result<u64>;
    /// Which of these have a mark that a token of this number did not know of. One read.
    async fn raised_since(&self, names: &[Revoked; 4], number: i64) -> Result<Vec<Revoked>>;
    /// How many steps of this very store have written marks: who learned of them at a lower number may lack one that was
    /// acknowledged here.
    fn generations_raised(&self) -> u64;
}
