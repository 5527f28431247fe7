//! What an operator decides about a client, in the configuration or through the admin API.

use crate::{
    config::{ClientSettings, Config, ConsentMode},
    keys::parse_algorithm,
};

/// The longest grace of a refresh token, in seconds.
pub const MAX_GRACE: u32 = 300;

impl Config {
    /// What is wrong with the settings of a client: each member, and a sentence.
    pub fn refused_settings(&self, settings: &ClientSettings) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if settings.consent == ConsentMode::Implicit && !settings.first_party {
            wrong.push(("consent", "`implicit` is for first-party clients".to_owned()));
        }
        if settings.refresh_token.grace.is_some_and(|grace| grace > MAX_GRACE) {
            wrong.push(("refresh_token.grace", format!("at most {MAX_GRACE} seconds")));
        }
        if let Some(alg) = &settings.access_token.signing_alg
            && parse_algorithm(alg).is_none()
        {
            wrong.push(("access_token.signing_alg", format!("`{alg}` is not supported")));
        }
        wrong.extend(self.refused_access_tokens(&settings.access_token));
        wrong
    }
}
