//! The decision points.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A decision point: when the server asks, and so what a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = with_rules)]
pub enum HookType {
    /// An authorization request is valid; nobody was prompted yet.
    #[serde(rename = "authorization.request")]
    AuthorizationRequest,
    /// The user is known; consent was not asked yet.
    #[serde(rename = "interaction.evaluate")]
    InteractionEvaluate,
    /// Consent was given; the grant is not stored yet.
    #[serde(rename = "interaction.approve")]
    InteractionApprove,
    /// A device asks for a code (RFC 8628 section 3.1).
    #[serde(rename = "device.request")]
    DeviceRequest,
    /// A client starts backchannel authentication: the hint has to become a user.
    #[serde(rename = "ciba.request")]
    CibaRequest,
    /// A code is redeemed (RFC 6749 section 4.1.3).
    #[serde(rename = "grant.authorization_code")]
    GrantAuthorizationCode,
    /// A device polls an approved request.
    #[serde(rename = "grant.device_code")]
    GrantDeviceCode,
    /// A backchannel authentication is approved and its tokens are asked for.
    #[serde(rename = "grant.ciba")]
    GrantCiba,
    /// A refresh token is used (RFC 6749 section 6).
    #[serde(rename = "grant.refresh_token")]
    GrantRefreshToken,
    /// A client presents a user's name and password (RFC 6749 section 4.3).
    #[serde(rename = "grant.password")]
    GrantPassword,
    /// A client asks on its own behalf (RFC 6749 section 4.4).
    #[serde(rename = "grant.client_credentials")]
    GrantClientCredentials,
    /// A client presents a JWT (RFC 7523 section 2.1).
    #[serde(rename = "grant.jwt_bearer")]
    GrantJwtBearer,
    /// A SAML assertion has to become facts, before `grant.saml2_bearer`.
    #[serde(rename = "assertion.saml2")]
    AssertionSaml2,
    /// A client presents a SAML assertion (RFC 7522 section 2.1).
    #[serde(rename = "grant.saml2_bearer")]
    GrantSaml2Bearer,
    /// A token is exchanged for another (RFC 8693).
    #[serde(rename = "grant.token_exchange")]
    GrantTokenExchange,
    /// A client registers (RFC 7591).
    #[serde(rename = "client.register")]
    ClientRegister,
    /// A client changes its registration (RFC 7592).
    #[serde(rename = "client.update")]
    ClientUpdate,
    /// A client deletes its registration (RFC 7592).
    #[serde(rename = "client.delete")]
    ClientDelete,
    /// Claims of a user are needed.
    #[serde(rename = "claims.source")]
    ClaimsSource,
    /// A token was found active (RFC 7662).
    #[serde(rename = "token.introspect")]
    TokenIntrospect,
    /// A logout is asked for.
    #[serde(rename = "logout.evaluate")]
    LogoutEvaluate,
}

/// No decision point has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no decision point has this name")]
pub struct ParseHookError;

const INTERACTION_ERRORS: &[&str] = &[
    "access_denied",
    "login_required",
    "consent_required",
    "interaction_required",
    "account_selection_required",
    "unmet_authentication_requirements",
    "invalid_scope",
    "invalid_target",
    "invalid_authorization_details",
    "unauthorized_client",
    "temporarily_unavailable",
];
const GRANT_ERRORS: &[&str] = &[
    "invalid_request",
    "invalid_grant",
    "invalid_scope",
    "invalid_target",
    "invalid_authorization_details",
    "unauthorized_client",
    "access_denied",
];
const DEVICE_ERRORS: &[&str] = &["access_denied", "unauthorized_client", "invalid_scope", "invalid_target"];
const CIBA_ERRORS: &[&str] = &[
    "access_denied",
    "unauthorized_client",
    "invalid_scope",
    "invalid_target",
    "unknown_user_id",
    "missing_user_code",
    "invalid_user_code",
    "invalid_binding_message",
    "expired_login_hint_token",
];
const CLIENT_ERRORS: &[&str] = &[
    "access_denied",
    "invalid_redirect_uri",
    "invalid_client_metadata",
    "invalid_software_statement",
    "unapproved_software_statement",
];
const DENIED: &[&str] = &["access_denied"];

impl HookType {
    /// Every decision point.
    pub const ALL: [Self; 21] = [
        Self::AuthorizationRequest,
        Self::InteractionEvaluate,
        Self::InteractionApprove,
        Self::DeviceRequest,
        Self::CibaRequest,
        Self::GrantAuthorizationCode,
        Self::GrantDeviceCode,
        Self::GrantCiba,
        Self::GrantRefreshToken,
        Self::GrantPassword,
        Self::GrantClientCredentials,
        Self::GrantJwtBearer,
        Self::AssertionSaml2,
        Self::GrantSaml2Bearer,
        Self::GrantTokenExchange,
        Self::ClientRegister,
        Self::ClientUpdate,
        Self::ClientDelete,
        Self::ClaimsSource,
        Self::TokenIntrospect,
        Self::LogoutEvaluate,
    ];

    /// The name as it stands in `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationRequest => "authorization.request",
            Self::InteractionEvaluate => "interaction.evaluate",
            Self::InteractionApprove => "interaction.approve",
            Self::DeviceRequest => "device.request",
            Self::CibaRequest => "ciba.request",
            Self::GrantAuthorizationCode => "grant.authorization_code",
            Self::GrantDeviceCode => "grant.device_code",
            Self::GrantCiba => "grant.ciba",
            Self::GrantRefreshToken => "grant.refresh_token",
            Self::GrantPassword => "grant.password",
            Self::GrantClientCredentials => "grant.client_credentials",
            Self::GrantJwtBearer => "grant.jwt_bearer",
            Self::AssertionSaml2 => "assertion.saml2",
            Self::GrantSaml2Bearer => "grant.saml2_bearer",
            Self::GrantTokenExchange => "grant.token_exchange",
            Self::ClientRegister => "client.register",
            Self::ClientUpdate => "client.update",
            Self::ClientDelete => "client.delete",
            Self::ClaimsSource => "claims.source",
            Self::TokenIntrospect => "token.introspect",
            Self::LogoutEvaluate => "logout.evaluate",
        }
    }

    /// The member of the request that holds what only this type has.
    pub const fn section(self) -> &'static str {
        match self {
            Self::AuthorizationRequest => "authorization_request",
            Self::InteractionEvaluate | Self::InteractionApprove => "interaction",
            Self::DeviceRequest => "device",
            Self::CibaRequest => "ciba",
            Self::GrantAuthorizationCode | Self::GrantDeviceCode | Self::GrantCiba => "authorization",
            Self::GrantRefreshToken => "refresh_token",
            Self::GrantPassword => "password",
            Self::GrantClientCredentials => "client_credentials",
            Self::GrantJwtBearer => "jwt_bearer",
            Self::AssertionSaml2 => "raw_assertion",
            Self::GrantSaml2Bearer => "saml2_bearer",
            Self::GrantTokenExchange => "token_exchange",
            Self::ClientRegister | Self::ClientUpdate | Self::ClientDelete => "registration",
            Self::ClaimsSource => "claims",
            Self::TokenIntrospect => "introspection",
            Self::LogoutEvaluate => "logout",
        }
    }

    /// The sections that an allow may set.
    pub const fn settable(self) -> &'static [&'static str] {
        match self {
            Self::AuthorizationRequest => &["demand", "grant"],
            Self::InteractionEvaluate => &["grant", "consent", "session"],
            Self::InteractionApprove => &["grant"],
            Self::DeviceRequest => &["device", "grant"],
            Self::CibaRequest => &["ciba", "grant"],
            Self::GrantPassword
            | Self::GrantAuthorizationCode
            | Self::GrantDeviceCode
            | Self::GrantCiba
            | Self::GrantRefreshToken
            | Self::GrantClientCredentials
            | Self::GrantJwtBearer
            | Self::GrantSaml2Bearer
            | Self::GrantTokenExchange => &["grant", "token_response"],
            Self::AssertionSaml2 => &["saml2_bearer"],
            Self::ClientRegister | Self::ClientUpdate => &["client"],
            Self::ClientDelete => &[],
            Self::ClaimsSource => &["claims", "claim_sources"],
            Self::TokenIntrospect => &["introspection"],
            Self::LogoutEvaluate => &["logout"],
        }
    }

    /// The codes with which a denial may end.
    pub const fn error_codes(self) -> &'static [&'static str] {
        match self {
            Self::AuthorizationRequest | Self::InteractionEvaluate | Self::InteractionApprove => {
                INTERACTION_ERRORS
            }
            Self::DeviceRequest => DEVICE_ERRORS,
            Self::CibaRequest => CIBA_ERRORS,
            Self::ClientRegister | Self::ClientUpdate | Self::ClientDelete => CLIENT_ERRORS,
            Self::ClaimsSource | Self::TokenIntrospect | Self::LogoutEvaluate => DENIED,
            Self::GrantAuthorizationCode
            | Self::GrantDeviceCode
            | Self::GrantCiba
            | Self::GrantRefreshToken
            | Self::GrantPassword
            | Self::GrantClientCredentials
            | Self::GrantJwtBearer
            | Self::AssertionSaml2
            | Self::GrantSaml2Bearer
            | Self::GrantTokenExchange => GRANT_ERRORS,
        }
    }

    /// How long the server waits for an answer unless its operator says otherwise, in milliseconds.
    pub const fn default_timeout_ms(self) -> u32 {
        match self {
            Self::CibaRequest
            | Self::GrantPassword
            | Self::ClientRegister
            | Self::ClientUpdate
            | Self::ClientDelete => 3_000,
            Self::AssertionSaml2 => 2_000,
            Self::ClaimsSource | Self::TokenIntrospect => 300,
            _ => 800,
        }
    }

    /// Whether a decision of this type may be remembered at all. Those that establish who somebody is, and those
    /// that look at what a person just did, never are.
    pub const fn cacheable(self) -> bool {
        matches!(
            self,
            Self::AuthorizationRequest
                | Self::DeviceRequest
                | Self::GrantAuthorizationCode
                | Self::GrantDeviceCode
                | Self::GrantCiba
                | Self::GrantRefreshToken
                | Self::GrantClientCredentials
                | Self::GrantJwtBearer
                | Self::GrantTokenExchange
                | Self::ClaimsSource
                | Self::TokenIntrospect
        )
    }

    /// Whether a challenge may be answered: the user is at hand, or the client can send the user to log in.
    pub const fn challengeable(self) -> bool {
        matches!(
            self,
            Self::InteractionEvaluate
                | Self::InteractionApprove
                | Self::GrantAuthorizationCode
                | Self::GrantDeviceCode
                | Self::GrantCiba
                | Self::GrantRefreshToken
                | Self::GrantPassword
                | Self::GrantJwtBearer
                | Self::GrantSaml2Bearer
                | Self::GrantTokenExchange
        )
    }

    /// Whether the grant exists only while a policy of this type is registered.
    pub const fn needs_policy(self) -> bool {
        matches!(
            self,
            Self::GrantPassword | Self::AssertionSaml2 | Self::GrantSaml2Bearer | Self::GrantTokenExchange
        )
    }
}

/// Publishes the rules of the types within their schema, for those who generate code from it.
fn with_rules(schema: &mut Schema) {
    let rules: Map<String, Value> = HookType::ALL
        .into_iter()
        .map(|hook| {
            let rules = json!({
                "section": hook.section(),
                "settable": hook.settable(),
                "error_codes": hook.error_codes(),
                "default_timeout_ms": hook.default_timeout_ms(),
                "cacheable": hook.cacheable(),
                "challengeable": hook.challengeable(),
                "needs_policy": hook.needs_policy(),
            });
            (hook.as_str().to_owned(), rules)
        })
        .collect();
    schema.insert("x-placet-types".to_owned(), rules.into());
}

impl fmt::Display for HookType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HookType {
    type Err = ParseHookError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|hook| hook.as_str() == name).ok_or(ParseHookError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_json_and_parsing_agree() {
        for hook in HookType::ALL {
            assert_eq!(serde_json::to_value(hook).unwrap(), hook.as_str());
            assert_eq!(hook.as_str().parse(), Ok(hook));
        }
        assert_eq!("grant.implicit".parse::<HookType>(), Err(ParseHookError));
    }

    #[test]
    fn what_establishes_identity_or_looks_at_a_person_is_never_cached() {
        for hook in [
            HookType::GrantPassword,
            HookType::AssertionSaml2,
            HookType::GrantSaml2Bearer,
            HookType::CibaRequest,
            HookType::InteractionEvaluate,
            HookType::InteractionApprove,
            HookType::ClientRegister,
        ] {
            assert!(!hook.cacheable(), "{hook}");
        }
    }
}
