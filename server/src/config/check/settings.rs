//! What an operator decides about a client, in the configuration or through the admin API.

use placet_oauth::client::ClientMetadata;
use placet_sdk::grant::SenderConstraint;

use crate::config::{ClientSettings, Config, ConsentMode, Tokens};

/// The longest grace of a refresh token, in seconds.
pub const MAX_GRACE: u32 = 300;

/// Why what a client registered and what the operator decided about it do not go together.
pub fn contradiction(metadata: &ClientMetadata, settings: &ClientSettings) -> Option<&'static str> {
    let required = settings.access_token.sender_constraint == Some(SenderConstraint::Required);
    let in_browser = metadata.response_types.iter().flatten().any(|response| response.token);
    (required && in_browser).then_some(
        "access_token.sender_constraint = \"required\" and a response type that hands out access tokens in the \
         browser, where they cannot be bound",
    )
}

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
            && !self.signs_with(alg)
        {
            wrong.push(("access_token.signing_alg", format!("`{alg}` is not supported")));
        }
        if let Some(group) = &settings.native_sso
            && !self.native_sso.groups.contains(group)
        {
            wrong.push(("native_sso", format!("`{group}` is not one of `native_sso.groups`")));
        }
        if settings.tokens == Some(Tokens::Stateless) && settings.access_token.is_stored() {
            let text = "`stateless` needs access tokens that are JWTs: opaque ones, and those for a single use, are known \
                        to the store alone";
            wrong.push(("tokens", text.to_owned()));
        }
        wrong.extend(self.refused_access_tokens(&settings.access_token));
        wrong
    }
}
