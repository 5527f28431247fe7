//! Behaviour through the front door, one file per specification.

mod specs {
    pub(crate) mod harness;

    mod interaction_api;
    mod oidc_core_prompt;
    mod rfc6749_authorization_code;
    mod rfc6749_refresh_token;
}
