//! What an allow says of a grant.

use serde::Serialize;

use super::{decision::Decision, hooks::SetsGrant};
use crate::grant::{
    AccessTokenSettings, Actor, Authentication, Encoding, Object, RefreshTokenSettings, SenderConstraint,
};

fn strings(values: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    values.into_iter().map(Into::into).collect()
}

impl<H: SetsGrant> Decision<H> {
    /// The scope values that are granted; [`decision::Limits::scope_where`] gives those that may be.
    ///
    /// [`decision::Limits::scope_where`]: crate::decision::Limits::scope_where
    pub fn scope(self, scope: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.set("/grant/scope", strings(scope))
    }

    /// The resources that are granted (RFC 8707).
    pub fn resources(self, resources: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.set("/grant/resources", strings(resources))
    }

    /// The authorization details that are granted (RFC 9396).
    pub fn authorization_details(self, details: impl IntoIterator<Item = Object>) -> Self {
        self.set("/grant/authorization_details", details.into_iter().collect::<Vec<_>>())
    }

    /// The subject of the tokens.
    #[expect(clippy::should_implement_trait, reason = "the name of the claim")]
    pub fn sub(self, sub: impl Into<String>) -> Self {
        self.set("/grant/sub", sub.into())
    }

    /// Who acts for the subject (RFC 8693 section 4.1).
    pub fn act(self, actor: Actor) -> Self {
        self.set("/grant/act", actor)
    }

    /// Facts of an authentication that the server did not see.
    pub fn authentication(self, authentication: Authentication) -> Self {
        self.set("/grant/authentication", authentication)
    }

    /// The names of the claims that are granted, for `id_token`, `userinfo` or `access_token`.
    pub fn claims(self, target: &str, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.set(&format!("/grant/claims/{target}"), strings(names))
    }

    /// How long the access token lives, in seconds.
    pub fn access_token_lifetime(self, seconds: u32) -> Self {
        self.set("/grant/access_token/lifetime", seconds)
    }

    /// The access token lives no longer than this, in seconds: what is proposed, if that is shorter.
    pub fn shorten_access_token(self, seconds: u32) -> Self {
        match self.proposed("/grant/access_token/lifetime").and_then(serde_json::Value::as_u64) {
            Some(proposed) if proposed <= seconds.into() => self,
            _ => self.access_token_lifetime(seconds),
        }
    }

    /// The audience of the access token, in place of what follows from the resources.
    pub fn audience(self, audience: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.set("/grant/access_token/audience", strings(audience))
    }

    /// The access token is a JWT, or opaque.
    pub fn encoding(self, encoding: Encoding) -> Self {
        self.set("/grant/access_token/encoding", encoding)
    }

    /// The access token is refused without proof of a key (RFC 9449, RFC 8705).
    pub fn require_sender_constraint(self) -> Self {
        self.set("/grant/access_token/sender_constraint", SenderConstraint::Required)
    }

    /// The access token is opaque, and active for exactly one introspection.
    pub fn single_use(self) -> Self {
        self.encoding(Encoding::Opaque).set("/grant/access_token/single_use", true)
    }

    /// A claim of the access token, which every reader of the token sees.
    pub fn access_token_claim(self, name: &str, value: impl Serialize) -> Self {
        self.put("/grant/access_token/claims", name, value)
    }

    /// Settings of the access token; what is absent stays as proposed.
    pub fn access_token(self, settings: AccessTokenSettings) -> Self {
        self.merge("/grant/access_token", settings)
    }

    /// Settings of the refresh token; what is absent stays as proposed.
    pub fn refresh_token(self, settings: RefreshTokenSettings) -> Self {
        self.merge("/grant/refresh_token", settings)
    }

    /// No refresh token is issued.
    pub fn no_refresh_token(self) -> Self {
        self.set("/grant/refresh_token/issue", false)
    }

    /// How long the refresh tokens live, in seconds.
    pub fn refresh_token_lifetime(self, seconds: u32) -> Self {
        self.set("/grant/refresh_token/lifetime", seconds)
    }

    /// A claim of the ID token.
    pub fn id_token_claim(self, name: &str, value: impl Serialize) -> Self {
        self.put("/grant/id_token/claims", name, value)
    }

    /// A claim that `UserInfo` shows.
    pub fn userinfo_claim(self, name: &str, value: impl Serialize) -> Self {
        self.put("/grant/userinfo/claims", name, value)
    }

    /// A member of the data that the server keeps with the authorization and shows to later decisions, never in a
    /// token.
    pub fn data(self, name: &str, value: impl Serialize) -> Self {
        self.put("/grant/data", name, value)
    }

    /// A member of what claims sources are told.
    pub fn claims_context(self, name: &str, value: impl Serialize) -> Self {
        self.put("/grant/claims_context", name, value)
    }
}
