//! A user accepts the terms of service before anything is granted: a page of the login app that only it and this policy
//! know.
//!
//! `interaction.evaluate` challenges with the page `accept_terms`; its result comes back in `interaction.results`, and
//! the version that was accepted is kept with the authorization.

use placet_sdk::{
    decision::Challenge,
    policy::{Decision, Description, InteractionApprove, InteractionEvaluate, Policy, Result, serve},
};
use serde_json::{Value, json};

/// The terms in force.
const VERSION: &str = "2026-10";
const PAGE: &str = "accept_terms";

struct TermsOfService;

impl Policy for TermsOfService {
    fn describe(&self) -> Description {
        Description::new("terms-of-service", env!("CARGO_PKG_VERSION"))
    }

    async fn interaction_evaluate(&self, x: InteractionEvaluate) -> Decision<InteractionEvaluate> {
        match x.section().results.get(PAGE) {
            None => {
                let params = json!({ "version": VERSION, "url": "https://www.example/terms" });
                let Value::Object(params) = params else { unreachable!("it is written as an object") };
                let message = Some("Please read our terms of service".to_owned());
                Decision::challenge(Challenge::Prompt { name: PAGE.to_owned(), params, message })
                    .reason("not_accepted_yet")
            }
            Some(result) if accepted(result) => x.allow().reason("accepted"),
            Some(_) => x.deny("access_denied", "the terms of service were not accepted").reason("declined"),
        }
    }

    async fn interaction_approve(&self, x: InteractionApprove) -> Decision<InteractionApprove> {
        // What evaluate has seen counts here too: it is the same interaction.
        if x.section().results.get(PAGE).is_some_and(accepted) {
            x.allow().data("terms", VERSION).reason("accepted")
        } else {
            x.deny("access_denied", "the terms of service were not accepted").reason("missing")
        }
    }
}

/// The page was asked for with this version; a login app that repeats the version must repeat this one.
fn accepted(result: &Value) -> bool {
    result["accepted"] == true && result.get("version").is_none_or(|version| version == VERSION)
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt().init();
    serve(TermsOfService).from_env().await
}

#[cfg(test)]
placet_sdk::check!(TermsOfService, "cases.json");
