//! What happened in a run, and whether it is what the scenario expects.

use placet_sdk::{Instant, interaction::Prompt};
use serde_json::{Value, json};

use super::{Gone, Run};
use crate::scenario::{Arrival, fill};

/// A call of the app.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// When.
    pub(crate) at: Instant,
    /// Method and path, below that of the interaction.
    pub(crate) what: String,
    /// The status of the answer.
    pub(crate) status: u16,
    /// What was said about a refusal.
    pub(crate) refused: Option<String>,
    /// The same answer had been given before.
    pub(crate) replayed: bool,
    /// The number of the prompt that the answer showed.
    pub(crate) prompt_step: Option<u32>,
}

/// An answer that was taken, and what is to be said about it.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// What was asked.
    pub(crate) prompt: Prompt,
    /// What was answered.
    pub(crate) answer: Value,
    /// Where it fell short of the demand, so that it was asked again.
    pub(crate) short: Vec<String>,
    /// Where it is not what the scenario expects.
    pub(crate) differences: Vec<String>,
    /// It is the scenario's own: another tab gave it.
    pub(crate) other_tab: bool,
}

impl Judged {
    pub(super) fn new(prompt: Prompt, answer: Value) -> Self {
        Self { prompt, answer, short: Vec::new(), differences: Vec::new(), other_tab: false }
    }
}

/// Whether a run is what its scenario expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is not over yet.
    UnderWay(&'static str),
    /// It is.
    Expected,
    /// It is not, for these reasons.
    Different(Vec<String>),
}

impl Verdict {
    /// A word for programs.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::UnderWay(_) => "under_way",
            Self::Expected => "expected",
            Self::Different(_) => "different",
        }
    }
}

impl Run {
    /// Whether it is what its scenario expects.
    pub(crate) fn verdict(&self) -> Verdict {
        let mut wrong: Vec<String> = Vec::new();
        for judged in &self.judged {
            wrong.extend(judged.differences.iter().map(|d| format!("step {}: {d}", judged.prompt.step)));
        }
        if let Some(returned) = &self.returned {
            if !returned.same_browser {
                let words =
                    "another browser came back than the one that started: a server ends the interaction";
                wrong.push(words.to_owned());
            }
            if !returned.in_time {
                wrong
                    .push("the browser came back after more than a minute: a server refuses that".to_owned());
            }
        }
        if self.gone == Some(Gone::Abandoned) {
            wrong.push("the app abandoned the interaction".to_owned());
        }
        if !wrong.is_empty() {
            return Verdict::Different(wrong);
        }
        let called = !self.calls.is_empty();
        match self.scenario.arrives {
            Arrival::Never => return Verdict::Expected,
            Arrival::Forged | Arrival::Expired if called => return Verdict::Expected,
            Arrival::Forged | Arrival::Expired => {
                return Verdict::UnderWay("the app has not read the interaction");
            }
            Arrival::Waiting => {}
        }
        if self.gone == Some(Gone::Planned) || self.is_finished() {
            return Verdict::Expected;
        }
        Verdict::UnderWay(match () {
            () if !called => "the app has not read the prompt",
            () if self.prompt.body.is_terminal() => "the browser has not come back",
            () => "the app has not answered the prompt",
        })
    }

    /// An answer to the current prompt that is right.
    pub(crate) fn example(&self) -> Option<Value> {
        let step = self.scenario.steps.get(self.at).filter(|_| !self.prompt.body.is_terminal())?;
        Some(fill(step.answer.clone()?, &self.facts))
    }

    /// Everything about it, for programs.
    pub(crate) fn report(&self) -> Value {
        let verdict = self.verdict();
        let reasons = match &verdict {
            Verdict::UnderWay(why) => vec![(*why).to_owned()],
            Verdict::Expected => Vec::new(),
            Verdict::Different(reasons) => reasons.clone(),
        };
        let answers = self.judged.iter().map(|judged| {
            json!({
                "step": judged.prompt.step,
                "prompt": judged.prompt,
                "answer": judged.answer,
                "fell_short": judged.short,
                "differences": judged.differences,
                "other_tab": judged.other_tab,
            })
        });
        let calls = self.calls.iter().map(|call| {
            json!({
                "at": call.at,
                "call": call.what,
                "status": call.status,
                "refused": call.refused,
                "replayed": call.replayed,
            })
        });
        let sent = self.sent().map(|sent| {
            let parameters: serde_json::Map<String, Value> =
                sent.parameters.into_iter().map(|(name, value)| (name, value.into())).collect();
            json!({ "how": sent.how, "uri": sent.uri, "parameters": parameters })
        });
        json!({
            "id": self.facts.id,
            "scenario": self.scenario.name,
            "verdict": verdict.word(),
            "reasons": reasons,
            "prompt": self.prompt,
            "example": self.example(),
            "answers": answers.collect::<Vec<_>>(),
            "calls": calls.collect::<Vec<_>>(),
            "sent": sent,
            "frames_loaded": self.frames,
        })
    }
}
