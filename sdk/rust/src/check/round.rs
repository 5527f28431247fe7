//! The questions that a server asks, each once: one per type and ceiling, with what was answered.

use serde_json::Value;

use super::{
    CheckError,
    envelope::{Ceiling, envelope, fresh_id},
    sidecar::{Answer, Sidecar},
};
use crate::decision::{Decision, DecisionRequest, HookType, Violation, judge};

/// A question and its answer.
pub(super) struct Round {
    pub(super) ceiling: Ceiling,
    pub(super) request: DecisionRequest,
    pub(super) answer: Result<Answer, String>,
}

pub(super) async fn rounds(sidecar: &Sidecar, types: &[HookType]) -> Result<Vec<Round>, CheckError> {
    let mut rounds = Vec::new();
    for &hook in types {
        for ceiling in Ceiling::ALL {
            let request = question(hook, ceiling)?;
            let answer = sidecar.ask(&request).await;
            rounds.push(Round { ceiling, request, answer });
        }
    }
    Ok(rounds)
}

/// A question of the type. The pieces of the kit are at fault if there is none.
pub(super) fn question(hook: HookType, ceiling: Ceiling) -> Result<DecisionRequest, CheckError> {
    envelope(hook, ceiling).map_err(|error| CheckError::Options(error.to_string()))
}

/// The same question again, as another one: with an id of its own.
pub(super) fn again(request: &DecisionRequest) -> Box<DecisionRequest> {
    Box::new(DecisionRequest { id: fresh_id(), ..request.clone() })
}

impl Round {
    /// Where it stands, for a sentence.
    pub(super) fn place(&self) -> String {
        format!("{}, {} ceiling", self.request.hook, self.ceiling.as_str())
    }

    /// The answer, if it came with 200.
    pub(super) fn good(&self) -> Option<&Answer> {
        self.answer.as_ref().ok().filter(|answer| answer.status == 200)
    }

    /// The decision as JSON, if there is one.
    pub(super) fn said(&self) -> Option<Value> {
        self.good().map(Answer::json)
    }

    /// What breaks the contract in the decision, less the id, which is a matter of its own.
    pub(super) fn violation(&self, error_codes: &[String]) -> Option<Violation> {
        let read = Decision::read(&self.good()?.body);
        let judged = read.and_then(|decision| {
            let decision = Decision { id: self.request.id.clone(), ..decision };
            judge(&self.request, &decision, error_codes)
        });
        judged.err()
    }
}
