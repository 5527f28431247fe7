//! The decision API: what the server asks a sidecar at each decision point, and what the sidecar answers.
//!
//! The server proposes a result, states its limits and asks. The answer allows (with a patch of the proposal),
//! denies, or demands something more of the user first.

mod answer;
mod discovery;
mod hook;
mod limits;
mod proposal;
mod request;
mod sections;

pub use answer::{CacheHint, Challenge, DecidedBy, Decision, PolicyError, Reason, Verdict};
pub use discovery::{PolicyAuth, PolicyDocument, SidecarInfo, SupportedType};
pub use hook::{HookType, ParseHookError};
pub use limits::{
    AccessTokenLimits, CibaLimits, ClaimsLimits, ClientLimits, ConsentLimits, DemandLimits, DeviceLimits,
    Freedom, GrantLimits, IdTokenLimits, IntrospectionLimits, Limits, LogoutLimits, ObjectLimits,
    RefreshTokenLimits, SessionLimits,
};
pub use proposal::{
    CibaProposal, ConsentProposal, DemandProposal, DeviceProposal, LogoutProposal, Proposal, SessionProposal,
};
pub use request::{
    Binding, ChainPosition, ClientAuth, DeciderClient, DecisionRequest, DpopFacts, GrantFacts, Mode,
    MtlsFacts, Party, PartySource, PartyType, ProofOfPossession, Remote, RequestFacts, Requested,
    SessionFacts,
};
pub use sections::{
    AuthnStatement, AuthorizationFacts, AuthorizationRequestSection, CibaSection, ClaimsSection,
    ClientCredentialsSection, DeviceSection, HintFacts, InteractionFacts, InteractionStage,
    IntrospectionCaller, IntrospectionSection, IntrospectionToken, JwtAssertion, JwtBearerSection, JwtIssuer,
    JwtVerified, LogoutClient, LogoutHint, LogoutSection, NameId, OriginalGrant, PasswordSection,
    RawAssertionSection, RefreshTokenSection, RegistrationAuth, RegistrationSection, RequestedClaim,
    RequestedConsent, Saml2Assertion, Saml2Attribute, Saml2BearerSection, Saml2Conditions, Saml2Verified,
    SoftwareStatement, SubjectConfirmation, TokenExchangeSection, TokenFacts, Trust,
};

/// The version of the protocol that these types speak.
pub const PROTOCOL: &str = "1.0";
/// The header with the id of a decision, also its replay key (Standard Webhooks).
pub const HEADER_ID: &str = "webhook-id";
/// The header with the instant of the signature, in seconds since the epoch (Standard Webhooks).
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, separated by spaces (Standard Webhooks).
pub const HEADER_SIGNATURE: &str = "webhook-signature";
/// The header with the time that is left for an answer, in milliseconds.
pub const HEADER_TIMEOUT: &str = "placet-timeout-ms";
/// The path of the discovery document.
pub const WELL_KNOWN: &str = "/.well-known/placet-policy";
