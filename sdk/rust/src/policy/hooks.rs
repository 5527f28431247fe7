//! One type of request, one method, per decision point.

use std::{
    any::TypeId,
    future::Future,
    marker::PhantomData,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    decision::{Decision, Unanswered},
    description::Description,
    question::Question,
};
use crate::decision::{
    self, AuthorizationFacts, AuthorizationRequestSection, Challenge, CibaSection, ClaimsSection,
    ClientCredentialsSection, DeviceSection, HookType, InteractionFacts, IntrospectionSection,
    JwtBearerSection, LogoutSection, PasswordSection, RawAssertionSection, RefreshTokenSection,
    RegistrationSection, Saml2BearerSection, TokenExchangeSection,
};

/// A type of request.
pub trait Hook: Sized + Send + 'static {
    /// The decision point.
    const TYPE: HookType;
    /// What only this type tells.
    type Section;

    /// What only this type tells.
    fn section(&self) -> &Self::Section;

    /// Takes the request apart; without its section it is not of this type.
    #[doc(hidden)]
    fn of(question: Question) -> Option<Self>;
}

/// A decision point whose answer may set a grant.
pub trait SetsGrant: Hook {}
/// A decision point whose answer may add members to the token endpoint's answer.
pub trait SetsTokenResponse: Hook {}
/// A decision point whose answer may set what is demanded of the user.
pub trait SetsDemand: Hook {}
/// A decision point whose answer may have the user asked for consent.
pub trait SetsConsent: Hook {}
/// A decision point whose answer may set how long a session lives.
pub trait SetsSession: Hook {}
/// A decision point whose answer may set how a device polls.
pub trait SetsDevice: Hook {}
/// A decision point whose answer may say who a hint means.
pub trait SetsCiba: Hook {}
/// A decision point whose answer may spare the confirmation of a logout.
pub trait SetsLogout: Hook {}
/// A decision point whose answer may set client metadata.
pub trait SetsClient: Hook {}
/// A decision point whose answer may give claims.
pub trait SetsClaims: Hook {}
/// A decision point whose answer may shape an introspection response.
pub trait SetsIntrospection: Hook {}
/// A decision point whose answer gives the facts of a SAML assertion.
pub trait SetsSaml2: Hook {}
/// A decision point at which something more may be asked of the user.
pub trait Challenges: Hook {}

/// What a method gives that a policy does not have. Its type is how the sidecar knows which methods there are: the
/// discovery document cannot say anything else than what the policy does.
#[doc(hidden)]
pub struct NotImplemented<H>(PhantomData<fn() -> H>);

impl<H: Hook> Future for NotImplemented<H> {
    type Output = Decision<H>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Decision::not_implemented())
    }
}

fn has<P, H, F>(_: fn(&'static P, H) -> F) -> bool
where
    P: Policy,
    H: Hook,
    F: Future<Output = Decision<H>> + 'static,
{
    TypeId::of::<F>() != TypeId::of::<NotImplemented<H>>()
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Asked {
    /// The policy answered.
    Answer(Box<decision::Decision>),
    /// The section is missing.
    NoSection,
    /// The policy does not have the method.
    NotImplemented,
    /// The policy cannot decide now.
    Unavailable,
}

macro_rules! hooks {
    ($($(#[$doc:meta])* $name:ident = $hook:ident, $method:ident($section:ident: $type:ty), [$($can:ident),*];)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug)]
            pub struct $name {
                question: Question,
                section: $type,
            }

            impl $name {
                /// An allow of what is proposed; its methods change what they name.
                pub fn allow(&self) -> Decision<Self> {
                    Decision::allow_of(&self.question)
                }

                /// A denial: `code` is one that [`HookType::error_codes`] has, `description` is for the client's
                /// developer, in printable ASCII.
                pub fn deny(&self, code: impl Into<String>, description: impl Into<String>) -> Decision<Self> {
                    Decision::deny(code, description)
                }

                /// What only this type tells.
                pub fn section(&self) -> &$type {
                    &self.section
                }
            }

            impl Deref for $name {
                type Target = Question;

                fn deref(&self) -> &Question {
                    &self.question
                }
            }

            impl Hook for $name {
                const TYPE: HookType = HookType::$hook;
                type Section = $type;

                fn section(&self) -> &$type {
                    &self.section
                }

                fn of(question: Question) -> Option<Self> {
                    let section = question.request.$section.clone()?;
                    Some(Self { question, section })
                }
            }

            $(impl $can for $name {})*
        )*

        /// A policy: one method per decision point, of which it has those that it decides.
        ///
        /// A method is written as an `async fn`. What a policy does not have is answered with 501 and not listed in
        /// the sidecar's discovery document.
        pub trait Policy: Send + Sync + 'static {
            /// How the sidecar presents itself in its discovery document.
            fn describe(&self) -> Description {
                Description::of::<Self>()
            }

            $(
                $(#[$doc])*
                fn $method(&self, request: $name) -> impl Future<Output = Decision<$name>> + Send {
                    let _ = request;
                    NotImplemented(PhantomData)
                }
            )*
        }

        /// The decision points for which the policy has a method.
        pub(super) fn implemented<P: Policy>() -> Vec<HookType> {
            let all = [$((HookType::$hook, has::<P, $name, _>(P::$method))),*];
            all.into_iter().filter_map(|(hook, has)| has.then_some(hook)).collect()
        }

        /// Has the policy answer.
        pub(super) async fn ask<P: Policy>(policy: &P, question: Question) -> Asked {
            let id = question.request.id.clone();
            match question.request.hook {
                $(HookType::$hook => match $name::of(question) {
                    Some(request) => match policy.$method(request).await.finish(id) {
                        Ok(answer) => Asked::Answer(Box::new(answer)),
                        Err(Unanswered::NotImplemented) => Asked::NotImplemented,
                        Err(Unanswered::Unavailable) => Asked::Unavailable,
                    },
                    None => Asked::NoSection,
                },)*
            }
        }

        #[cfg(test)]
        pub(super) fn abilities() -> Vec<(HookType, &'static str, Vec<&'static str>)> {
            vec![$((HookType::$hook, stringify!($section), vec![$(stringify!($can)),*])),*]
        }
    };
}

hooks! {
    /// An authorization request is valid; nobody was prompted yet.
    AuthorizationRequest = AuthorizationRequest,
        authorization_request(authorization_request: AuthorizationRequestSection), [SetsDemand, SetsGrant];
    /// The user is known; consent was not asked yet.
    InteractionEvaluate = InteractionEvaluate,
        interaction_evaluate(interaction: InteractionFacts), [SetsGrant, SetsConsent, SetsSession, Challenges];
    /// Consent was given; the grant is not stored yet.
    InteractionApprove = InteractionApprove,
        interaction_approve(interaction: InteractionFacts), [SetsGrant, Challenges];
    /// A device asks for a code (RFC 8628 section 3.1).
    DeviceRequest = DeviceRequest, device_request(device: DeviceSection), [SetsDevice, SetsGrant];
    /// A client starts backchannel authentication: the hint has to become a user.
    CibaRequest = CibaRequest, ciba_request(ciba: CibaSection), [SetsCiba, SetsGrant];
    /// A code is redeemed (RFC 6749 section 4.1.3).
    AuthorizationCode = GrantAuthorizationCode,
        authorization_code(authorization: AuthorizationFacts), [SetsGrant, SetsTokenResponse, Challenges];
    /// A device polls an approved request.
    DeviceCode = GrantDeviceCode,
        device_code(authorization: AuthorizationFacts), [SetsGrant, SetsTokenResponse, Challenges];
    /// A backchannel authentication is approved and its tokens are asked for.
    Ciba = GrantCiba, ciba(authorization: AuthorizationFacts), [SetsGrant, SetsTokenResponse, Challenges];
    /// A refresh token is used (RFC 6749 section 6).
    RefreshToken = GrantRefreshToken,
        refresh_token(refresh_token: RefreshTokenSection), [SetsGrant, SetsTokenResponse, Challenges];
    /// A client presents a user's name and password (RFC 6749 section 4.3).
    Password = GrantPassword,
        password(password: PasswordSection), [SetsGrant, SetsTokenResponse, Challenges];
    /// A client asks on its own behalf (RFC 6749 section 4.4).
    ClientCredentials = GrantClientCredentials,
        client_credentials(client_credentials: ClientCredentialsSection), [SetsGrant, SetsTokenResponse];
    /// A client presents a JWT (RFC 7523 section 2.1).
    JwtBearer = GrantJwtBearer,
        jwt_bearer(jwt_bearer: JwtBearerSection), [SetsGrant, SetsTokenResponse, Challenges];
    /// A SAML assertion has to become facts.
    AssertionSaml2 = AssertionSaml2, assertion_saml2(raw_assertion: RawAssertionSection), [SetsSaml2];
    /// A client presents a SAML assertion (RFC 7522 section 2.1).
    Saml2Bearer = GrantSaml2Bearer,
        saml2_bearer(saml2_bearer: Saml2BearerSection), [SetsGrant, SetsTokenResponse, Challenges];
    /// A token is exchanged for another (RFC 8693).
    TokenExchange = GrantTokenExchange,
        token_exchange(token_exchange: TokenExchangeSection), [SetsGrant, SetsTokenResponse, Challenges];
    /// A client registers (RFC 7591).
    ClientRegister = ClientRegister, client_register(registration: RegistrationSection), [SetsClient];
    /// A client changes its registration (RFC 7592).
    ClientUpdate = ClientUpdate, client_update(registration: RegistrationSection), [SetsClient];
    /// A client deletes its registration (RFC 7592).
    ClientDelete = ClientDelete, client_delete(registration: RegistrationSection), [];
    /// Claims of a user are needed.
    ClaimsSource = ClaimsSource, claims_source(claims: ClaimsSection), [SetsClaims];
    /// A token was found active (RFC 7662).
    TokenIntrospect = TokenIntrospect, token_introspect(introspection: IntrospectionSection), [SetsIntrospection];
    /// A logout is asked for.
    LogoutEvaluate = LogoutEvaluate, logout_evaluate(logout: LogoutSection), [SetsLogout];
}

impl<H: Challenges> Decision<H> {
    /// Something is needed of the user first.
    pub fn challenge(challenge: Challenge) -> Self {
        Self::challenge_with(challenge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;
    impl Policy for Nothing {}

    struct Two {
        code: String,
    }
    impl Policy for Two {
        async fn client_credentials(&self, request: ClientCredentials) -> Decision<ClientCredentials> {
            tokio::task::yield_now().await;
            request.deny(&self.code, "never")
        }

        async fn claims_source(&self, request: ClaimsSource) -> Decision<ClaimsSource> {
            request.allow()
        }
    }

    #[test]
    fn the_methods_that_a_policy_has_are_known_without_calling_them() {
        assert_eq!(implemented::<Nothing>(), []);
        assert_eq!(implemented::<Two>(), [HookType::GrantClientCredentials, HookType::ClaimsSource]);
    }

    #[test]
    fn the_types_say_what_the_decision_points_say() {
        assert_eq!(abilities().iter().map(|(hook, ..)| *hook).collect::<Vec<_>>(), HookType::ALL);
        for (hook, section, can) in abilities() {
            assert_eq!(section, hook.section());
            assert_eq!(can.contains(&"Challenges"), hook.challengeable(), "{hook}");
            let mut sets: Vec<&str> = hook.settable().to_vec();
            sets.retain(|name| *name != "claim_sources");
            let mut named: Vec<&str> = can
                .iter()
                .filter_map(|ability| ability.strip_prefix("Sets"))
                .map(|name| match name {
                    "Demand" => "demand",
                    "Grant" => "grant",
                    "Consent" => "consent",
                    "Session" => "session",
                    "Device" => "device",
                    "Ciba" => "ciba",
                    "TokenResponse" => "token_response",
                    "Saml2" => "saml2_bearer",
                    "Client" => "client",
                    "Claims" => "claims",
                    "Introspection" => "introspection",
                    "Logout" => "logout",
                    other => other,
                })
                .collect();
            sets.sort_unstable();
            named.sort_unstable();
            assert_eq!(named, sets, "{hook}");
        }
    }
}
