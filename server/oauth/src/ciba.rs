//! Backchannel authentication: what a client asks without a browser, and how the answer comes back (OpenID Connect
//! Client-Initiated Backchannel Authentication Flow, Core 1.0).

use serde::{Deserialize, Serialize};

mod request;
mod signed;

pub use request::{AuthenticationRequest, Hint, MAX_BINDING_MESSAGE, check_binding_message, parse_request};
pub use signed::{Identified, SignedRules};

/// The claim of an ID token that names the request it answers (CIBA Core section 10.3.1).
pub const AUTH_REQ_ID_CLAIM: &str = "urn:openid:params:jwt:claim:auth_req_id";
/// The claim of an ID token that holds the hash of the refresh token beside it (CIBA Core section 10.3.1).
pub const RT_HASH_CLAIM: &str = "urn:openid:params:jwt:claim:rt_hash";

/// How tokens get to the client (CIBA Core section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    /// The client asks until they are there.
    Poll,
    /// The client is told when it is worth asking.
    Ping,
    /// They are sent to the client.
    Push,
}

impl DeliveryMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Poll, Self::Ping, Self::Push];

    /// The registered name of the mode.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Ping => "ping",
            Self::Push => "push",
        }
    }

    /// Whether the client may ask at the token endpoint (CIBA Core section 10.1).
    pub const fn polls(self) -> bool {
        !matches!(self, Self::Push)
    }

    /// Whether the client is called back (CIBA Core sections 10.2 and 10.3).
    pub const fn notifies(self) -> bool {
        !matches!(self, Self::Poll)
    }
}
