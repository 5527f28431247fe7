//! The endpoints whose requests are kept, and in which words.

use super::{HUNG_UP, noting::Noted};

/// Which requests of an endpoint are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// All.
    Always,
    /// Those that belong to a flow, and those that are refused.
    InFlows,
    /// Those that are refused: the others are many, and all alike.
    Refused,
}

/// An endpoint.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// As metrics name it.
    name: &'static str,
    /// Its path.
    pub(super) path: &'static str,
    /// What a request to it does; the second for requests by `GET`, where they do something else.
    words: (&'static str, Option<&'static str>),
    kept: Kept,
}

const fn endpoint(name: &'static str, path: &'static str, words: &'static str, kept: Kept) -> Endpoint {
    Endpoint { name, path, words: (words, None), kept }
}

static ENDPOINTS: [Endpoint; 16] = [
    endpoint("token", "/token", "A client asked for tokens", Kept::Always),
    endpoint("authorize", "/authorize", "An application sent a browser", Kept::Always),
    endpoint("resume", "/resume", "The browser came back from the login app", Kept::Always),
    endpoint("par", "/par", "A client pushed an authorization request", Kept::Always),
    endpoint("device.authorization", "/device_authorization", "A device asked for a code", Kept::Always),
    endpoint("device.door", "/device", "A browser came with the code of a device", Kept::Always),
    endpoint("ciba.bc_authorize", "/bc-authorize", "A client asked for a user elsewhere", Kept::Always),
    endpoint("logout", "/logout", "A browser came to sign out", Kept::Always),
    endpoint("register.create", "/register", "A client registered itself", Kept::Always),
    endpoint("register.manage", "/register/…", "A client managed its registration", Kept::Refused),
    endpoint("tokens.revoke", "/revoke", "A client revoked a token", Kept::Always),
    endpoint("tokens.introspect", "/introspect", "A token was introspected", Kept::Refused),
    endpoint("tokens.userinfo", "/userinfo", "A client asked who the user is", Kept::Refused),
    Endpoint {
        name: "ui.step",
        path: "/ui/v1/interactions/…/steps/…",
        words: ("The login app answered", None),
        kept: Kept::InFlows,
    },
    Endpoint {
        name: "ui.interaction",
        path: "/ui/v1/interactions/…",
        words: ("The login app gave up the interaction", Some("The login app read what it has to ask")),
        kept: Kept::InFlows,
    },
    Endpoint {
        name: "ui.interactions",
        path: "/ui/v1/interactions",
        words: ("The login app opened an interaction", Some("The login app looked for who waits")),
        kept: Kept::InFlows,
    },
];

impl Endpoint {
    /// The one of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        ENDPOINTS.iter().find(|endpoint| endpoint.name == name)
    }

    /// What a request does.
    pub(super) fn words(&self, method: &str) -> &'static str {
        match self.words.1 {
            Some(reading) if method == "GET" => reading,
            _ => self.words.0,
        }
    }

    /// Whether a request that came to this is kept.
    pub(super) fn is_kept(&self, status: u16, noted: &Noted) -> bool {
        let refused = status >= 400 || status == HUNG_UP;
        match self.kept {
            Kept::Always => true,
            Kept::InFlows => refused || !noted.flows.is_empty(),
            Kept::Refused => refused,
        }
    }
}
