//! A support agent may look at a customer's orders, while a case of that customer is open.
//!
//! The agent's own access token is exchanged for one that says who the customer is and who acts (RFC 8693). The
//! request names customer and case in two parameters that the operator lets policies see:
//! `passed_parameters = ["requested_subject", "case"]`.

use placet_sdk::{
    grant::Actor,
    policy::{Decision, Description, Policy, Result, TokenExchange, serve},
};
use serde_json::Value;

/// What an agent may do in a customer's name.
const ALLOWED: &str = "orders.read";
/// How long, in seconds.
const LIFETIME: u32 = 180;

struct SupportImpersonation {
    cases: Cases,
}

/// Open cases. A real one asks the ticket system.
struct Cases(Vec<(&'static str, &'static str)>);

impl Cases {
    fn open(&self, case: &str, customer: &str) -> bool {
        self.0.contains(&(case, customer))
    }
}

impl SupportImpersonation {
    fn new() -> Self {
        Self { cases: Cases(vec![("CASE-1182", "alice")]) }
    }
}

impl Policy for SupportImpersonation {
    fn describe(&self) -> Description {
        Description::new("support-impersonation", env!("CARGO_PKG_VERSION"))
    }

    async fn token_exchange(&self, x: TokenExchange) -> Decision<TokenExchange> {
        let parameter = |name: &str| x.http().parameters.get(name).and_then(|values| values.first()).cloned();
        let (Some(customer), Some(case)) = (parameter("requested_subject"), parameter("case")) else {
            return x.deny("invalid_request", "requested_subject and case are needed").reason("no_case");
        };
        let token = &x.section().subject_token;
        let is_agent = token
            .claims
            .get("groups")
            .and_then(Value::as_array)
            .is_some_and(|groups| groups.iter().any(|group| group == "support-l2"));
        let Some(agent) = x.subject().filter(|_| is_agent) else {
            return x.deny("access_denied", "only support agents may do this").reason("not_an_agent");
        };
        if token.act.is_some() {
            return x.deny("access_denied", "an agent acts in person").reason("chained");
        }
        if !self.cases.open(&case, &customer) {
            return x
                .deny("access_denied", "there is no such open case")
                .reason("no_open_case")
                .tag("case", case);
        }
        let scope =
            x.limits().grant.as_ref().map(|g| g.scope_where(|value| value == ALLOWED)).unwrap_or_default();
        if scope.is_empty() {
            return x.deny("invalid_scope", "only orders.read is given to support").reason("scope");
        }
        let actor = Actor { sub: agent.sub.clone(), iss: None, client_id: None, act: None };
        x.allow()
            .sub(customer)
            .act(actor)
            .scope(scope)
            .access_token_lifetime(LIFETIME)
            .data("case", &case)
            .reason("open_case")
            .tag("case", case)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt().init();
    serve(SupportImpersonation::new()).from_env().await
}

#[cfg(test)]
placet_sdk::check!(SupportImpersonation::new(), "cases.json");
