//! Behaviour through the front door, one file per specification.
#![allow(unreachable_pub, reason = "the harness is read by every file of this binary and by nobody else")]

mod specs {
    pub(crate) mod harness;
    pub(crate) mod helpers;

    mod interaction_api;
    mod oidc_core_id_token;
    mod oidc_core_implicit_hybrid;
    mod oidc_core_prompt;
    mod rfc6749_authorization_code;
    mod rfc6749_client_credentials;
    mod rfc6749_refresh_token;
    mod rfc7009_revocation;
    mod rfc7662_introspection;
    mod rfc9068_jwt_access_token;
}
