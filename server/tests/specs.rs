//! Behaviour through the front door, one file per specification.
#![allow(unreachable_pub, reason = "the harness is read by every file of this binary and by nobody else")]

mod specs {
    pub(crate) mod exchanging;
    pub(crate) mod flaky;
    pub(crate) mod granting;
    pub(crate) mod harness;
    pub(crate) mod helpers;
    pub(crate) mod policy_stage;
    pub(crate) mod sidecar;
    mod sidecar_process;
    pub(crate) mod signer;
    pub(crate) mod tls;

    mod access_token_profiles;
    mod admin_api;
    mod faults;
    mod http_edge;
    mod interaction_api;
    mod interaction_headless;
    mod interaction_resources;
    mod keys;
    mod master_key;
    mod oidc_core_claims;
    mod oidc_core_id_token;
    mod oidc_core_implicit_hybrid;
    mod oidc_core_pairwise;
    mod oidc_core_prompt;
    mod oidc_identity_assurance;
    mod oidc_rp_initiated_logout;
    mod policy_approve;
    mod policy_backends;
    mod policy_cache;
    mod policy_chain;
    mod policy_challenges;
    mod policy_claims;
    mod policy_config;
    mod policy_direct_grant;
    mod policy_failures;
    mod policy_faults;
    mod policy_impersonation;
    mod policy_interaction;
    mod policy_introspection;
    mod policy_log;
    mod policy_logout;
    mod policy_registration;
    mod policy_request;
    mod policy_shadow;
    mod policy_transport;
    mod rate_limits;
    mod replicas;
    mod rfc6749_authorization_code;
    mod rfc6749_client_credentials;
    mod rfc6749_password;
    mod rfc6749_refresh_token;
    mod rfc7009_revocation;
    mod rfc7522_saml2_bearer;
    mod rfc7523_client_assertion;
    mod rfc7523_jwt_bearer;
    mod rfc7591_registration;
    mod rfc7662_introspection;
    mod rfc8693_actors;
    mod rfc8693_delegation;
    mod rfc8693_fate;
    mod rfc8693_token_exchange;
    mod rfc9068_jwt_access_token;
}
