//! What the keys of this server are for.

use jsonwebtoken::Algorithm;

use super::signing::{ALWAYS, SIGNING_ALGORITHMS, algorithm_name, parse_algorithm};

/// What a key pair is for. There is one of each at work at any time, unless it was never needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// This server signs with it.
    Signing(Algorithm),
    /// Others encrypt with its public half, and this server decrypts.
    Encryption(Kind),
}

/// The kinds of keys that others encrypt with: between them they serve every asymmetric algorithm of [`placet_jose`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// RSA, for `RSA-OAEP` and `RSA-OAEP-256`.
    Rsa,
    /// The curve P-256, for `ECDH-ES`, alone and with key wrapping.
    P256,
}

impl Purpose {
    /// Every purpose.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let encryption = [Kind::Rsa, Kind::P256].map(Self::Encryption);
        SIGNING_ALGORITHMS.into_iter().map(Self::Signing).chain(encryption)
    }

    /// Whether there is always a key for it. The others are made when something is signed with them for the first time:
    /// who does not use them has nothing to make and nothing to publish.
    pub(super) fn is_always_there(self) -> bool {
        match self {
            Self::Signing(algorithm) => SIGNING_ALGORITHMS[..ALWAYS].contains(&algorithm),
            Self::Encryption(_) => true,
        }
    }

    /// Its name among the records: the algorithm, or the first of those that it serves.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Signing(algorithm) => algorithm_name(algorithm),
            Self::Encryption(Kind::Rsa) => "RSA-OAEP",
            Self::Encryption(Kind::P256) => "ECDH-ES",
        }
    }

    /// The purpose of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let encryption = || Self::all().find(|purpose| purpose.name() == name);
        parse_algorithm(name).map(Self::Signing).or_else(encryption)
    }

    /// The state of a key at work.
    pub(super) const fn at_work(self) -> &'static str {
        match self {
            Self::Signing(_) => "signing",
            Self::Encryption(_) => "decrypting",
        }
    }

    /// The state of a key that has a successor, as long as something of it may still be under way.
    pub(super) const fn phasing_out(self) -> &'static str {
        match self {
            Self::Signing(_) => "verify_only",
            Self::Encryption(_) => "retired",
        }
    }
}
