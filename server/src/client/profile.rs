//! What security profiles make of a client.

use placet_oauth::{
    client::{ClientMetadata, HMAC_ALGS, JwtResponse},
    error::OAuthError,
    profile::{Binding, Profile},
};
use placet_sdk::grant::{Rotation, SenderConstraint};

use super::{AuthenticatedClient, Client};
use crate::config::{AssertionAudience, ClientSettings, Config};

/// The profiles that a client is held to: the one of the server, and its own.
pub fn profiles_of(server: Option<Profile>, settings: &ClientSettings) -> Vec<Profile> {
    let mut profiles: Vec<Profile> = server.into_iter().chain(settings.profile).collect();
    profiles.dedup();
    profiles
}

/// Metadata with what the profiles demand, and the usual defaults.
#[must_use]
pub fn complete(mut metadata: ClientMetadata, profiles: &[Profile]) -> ClientMetadata {
    for profile in profiles {
        profile.apply(&mut metadata);
    }
    metadata.with_defaults()
}

/// What contradicts the profiles, one sentence each.
pub fn shortcomings(
    metadata: &ClientMetadata,
    settings: &ClientSettings,
    profiles: &[Profile],
) -> Vec<String> {
    let mut found = Vec::new();
    for profile in profiles {
        let of_settings = contradictions(*profile, settings);
        let all = profile.shortcomings(metadata).into_iter().chain(of_settings);
        found.extend(all.map(|text| format!("profile `{}`: {text}", profile.as_str())));
    }
    found
}

fn contradictions(profile: Profile, settings: &ClientSettings) -> Vec<String> {
    let mut found = Vec::new();
    let constraint = settings.access_token.sender_constraint;
    if profile.binding() > Binding::Free && constraint.is_some_and(|set| set != SenderConstraint::Required) {
        found.push("access_token.sender_constraint must be `required`".to_owned());
    }
    if !profile.rotation() && settings.refresh_token.rotation == Some(Rotation::Always) {
        found.push("refresh_token.rotation must not be `always`".to_owned());
    }
    if let Some(alg) = settings.access_token.signing_alg.as_deref()
        && !profile.allows_algorithm(alg)
    {
        found.push(format!("access_token.signing_alg must be PS256, ES256 or EdDSA, and is {alg}"));
    }
    found
}

impl Client {
    /// Holds the client to the profile of the server and to its own: sets what they demand, and notes what
    /// contradicts them.
    #[must_use]
    pub fn held_to(mut self, server: Option<Profile>) -> Self {
        self.profiles = profiles_of(server, &self.settings);
        for profile in &self.profiles {
            profile.apply(&mut self.metadata);
        }
        self.shortcomings = shortcomings(&self.metadata, &self.settings, &self.profiles);
        for profile in &self.profiles {
            let settings = &mut self.settings;
            settings.require_pkce |= profile.pkce();
            if profile.is_fapi2() {
                settings.assertion_audience = AssertionAudience::Issuer;
            }
            if profile.binding() > Binding::Free {
                settings.access_token.sender_constraint = Some(SenderConstraint::Required);
            }
            if !profile.rotation() {
                settings.refresh_token.rotation = Some(Rotation::Never);
            }
        }
        self
    }

    /// Notes for which of its answers the client registered an algorithm that the server has stopped signing with.
    #[must_use]
    pub fn signed_for(mut self, config: &Config) -> Self {
        for response in JwtResponse::ALL {
            let Some(alg) = self.metadata.algs_of(response).signed else { continue };
            if !HMAC_ALGS.contains(&alg) && !config.signs_with(alg) {
                let member = format!("{}_signed_response_alg", response.prefix());
                self.shortcomings.push(format!("`{member}` is {alg}, which this server does not sign with"));
            }
        }
        self
    }

    /// Refuses a client that does not meet its profiles, or is to be sent what is not signed here: it was registered before
    /// they were set.
    ///
    /// # Errors
    ///
    /// `unauthorized_client`, with everything that is missing.
    pub fn check_profiles(&self) -> Result<(), OAuthError> {
        if self.shortcomings.is_empty() {
            return Ok(());
        }
        Err(OAuthError::unauthorized_client(format!(
            "the client falls short: {}",
            self.shortcomings.join("; ")
        )))
    }

    /// Whether what the client signs may be signed with this algorithm.
    pub fn may_sign_with(&self, algorithm: &str) -> bool {
        self.profiles.iter().all(|profile| profile.allows_algorithm(algorithm))
    }
}

impl AuthenticatedClient {
    /// Refuses a client that does not meet its profiles, and one that proves a key by an algorithm which they forbid.
    ///
    /// # Errors
    ///
    /// `unauthorized_client`, `invalid_dpop_proof`.
    pub fn meet_profiles(&self) -> Result<(), OAuthError> {
        self.check_profiles()?;
        match self.possession().alg() {
            Some(alg) if !self.may_sign_with(alg) => Err(OAuthError::invalid_dpop_proof(format!(
                "the profile of the client does not allow proofs that are signed with `{alg}`"
            ))),
            _ => Ok(()),
        }
    }
}
