//! The sidecar's one decision: what an assertion says.

use placet_sdk::{
    decision::HookType,
    policy::{AssertionSaml2, Decision, Description, Policy},
};

use crate::{Verifier, clock, desk::Desk};

/// Answers `assertion.saml2`.
pub(crate) struct Assertions(Desk);

impl Assertions {
    pub(crate) fn new(verifier: Verifier) -> Self {
        Self(Desk::new(verifier))
    }
}

impl Policy for Assertions {
    fn describe(&self) -> Description {
        let hook = HookType::AssertionSaml2;
        Description::new("placet-saml", env!("CARGO_PKG_VERSION"))
            .needs(hook, [""; 0])
            .returns(hook, ["/saml2_bearer"])
    }

    async fn assertion_saml2(&self, request: AssertionSaml2) -> Decision<AssertionSaml2> {
        let id = request.id();
        let asked = request.section();
        // A server that does not say what it wants would be answered by whatever an assertion says.
        if asked.format != "saml2"
            || asked.recipient.is_empty()
            || asked.audience.iter().all(String::is_empty)
        {
            tracing::error!(id, format = asked.format, "the server asks for nothing that can be verified");
            return Decision::unavailable();
        }
        match self.0.verify(asked.clone(), clock::now()).await {
            Ok(Ok(facts)) => {
                tracing::info!(id, issuer = facts.assertion.issuer, "an assertion was verified");
                request.allow().facts(facts).reason("verified")
            }
            Ok(Err(refusal)) => {
                let reason = refusal.reason().code();
                tracing::info!(id, reason, %refusal, "an assertion was refused");
                request.deny("invalid_grant", refusal.description()).reason(reason)
            }
            Err(trouble) => {
                tracing::error!(id, %trouble, "an assertion was not verified");
                Decision::unavailable()
            }
        }
    }
}
