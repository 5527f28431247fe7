//! The scenarios, by name.

use std::fmt;

/// A scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// The bare handler answers.
    BarePlain,
    /// The bare handler signs a token.
    BareSigned,
    /// The key set: what is cheap and never refused.
    Keys,
    /// Client credentials, a JWT.
    CredentialsJwt,
    /// Client credentials, a JWT whose signature costs more than everything else (ES384): for too many of them.
    CredentialsCostly,
    /// Client credentials, an opaque token.
    CredentialsOpaque,
    /// Client credentials, a JWT, decided by a sidecar.
    CredentialsSidecar,
    /// Client credentials with a new `DPoP` proof each.
    Dpop,
    /// Client credentials with a certificate, over connections that are kept; the token is bound to it.
    Mtls,
    /// The same with a new connection, and so a handshake, for each request.
    MtlsConnect,
    /// Introspection of a JWT.
    IntrospectJwt,
    /// Introspection of an opaque token.
    IntrospectOpaque,
    /// Refresh with rotation; each connection has a family of its own.
    Refresh,
    /// Redemption of codes alone: a stock of them is made before the time begins, and the run ends with it.
    Redeem,
    /// `UserInfo` with a JWT.
    Userinfo,
    /// The same, answered with a JWT whose signature is as costly: for too many of them.
    UserinfoCostly,
    /// A pushed authorization request, which is stored.
    Par,
    /// An authorization request, which opens an interaction.
    Authorize,
    /// A sign-in: authorization request, two answers of the login app, the way back, redemption. Five requests.
    CodeFlow,
    /// Token exchange of a user's token, decided by a sidecar.
    Exchange,
    /// A device that asks whether its user has answered.
    DevicePoll,
}

impl Kind {
    /// All of them, but those that are costly for the sake of it.
    pub(crate) const ALL: [Self; 19] = [
        Self::BarePlain,
        Self::BareSigned,
        Self::Keys,
        Self::CredentialsJwt,
        Self::CredentialsOpaque,
        Self::CredentialsSidecar,
        Self::Dpop,
        Self::Mtls,
        Self::MtlsConnect,
        Self::IntrospectJwt,
        Self::IntrospectOpaque,
        Self::Refresh,
        Self::Redeem,
        Self::Userinfo,
        Self::Par,
        Self::Authorize,
        Self::CodeFlow,
        Self::Exchange,
        Self::DevicePoll,
    ];

    /// Whether what is measured is the bare handler, and not a server.
    pub(crate) fn is_bare(self) -> bool {
        matches!(self, Self::BarePlain | Self::BareSigned)
    }

    /// Whether it takes a listener that asks for certificates.
    pub(crate) fn is_certified(self) -> bool {
        matches!(self, Self::Mtls | Self::MtlsConnect)
    }

    /// Whether it uses up what was made before.
    pub(crate) fn has_stock(self) -> bool {
        self == Self::Redeem
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = clap::ValueEnum::to_possible_value(self);
        f.write_str(name.as_ref().map_or("", clap::builder::PossibleValue::get_name))
    }
}
