//! Scenarios: what the mock asks, step by step, and what it expects to be answered.

mod defaults;
mod expect;
mod fill;
mod gallery;

use placet_sdk::{
    grant::Object,
    interaction::{Answer, Kind, Prompt},
    problem::FieldError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use defaults::bare;
pub(crate) use expect::differences;
pub(crate) use fill::{Facts, fill, first_sub};
pub use gallery::{BUILT_IN, Gallery, ScenarioError};

/// Seconds without an answer after which an interaction is over, if the scenario says nothing.
const EXPIRES_IN: u32 = 900;

/// A scenario: one interaction, and what a good login app makes of it.
///
/// In every string, `{now}`, `{now-20m}`, `{now+12h}` (units `s`, `m`, `h`, `d`) stand for an instant, `{sub}` for
/// the user who signed in (before that, for the user of `session`), `{id}` for the id of the interaction and
/// `{issuer}` for the address of the mock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// For editors: where the schema of this file is.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Its name, in the address that starts it.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,63}$"))]
    pub name: String,
    /// What stands above it in the gallery.
    #[serde(default = "defaults::group")]
    pub group: String,
    /// A title, in a few words.
    pub title: String,
    /// What people will see, and what is worth a look.
    pub about: String,
    /// What the interaction is about.
    #[serde(default = "defaults::kind")]
    pub kind: Kind,
    /// How the browser comes to the app.
    #[serde(default)]
    pub arrives: Arrival,
    /// Seconds without an answer after which the interaction is over; 900 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub expires_in: Option<u32>,
    /// Members that differ from those of the mock's own client, Acme Books.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub client: Object,
    /// Members that differ from those of an ordinary request for `openid profile email`.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub request: Object,
    /// The session of the user in this browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Object>,
    /// Hints for the pages.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub ui: Object,
    /// Facts of a device request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Object>,
    /// Facts of a backchannel request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciba: Option<Object>,
    /// Facts of a logout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout: Option<Object>,
    /// The prompts, in their order.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// How it ends once every step is answered.
    #[serde(default)]
    pub end: End,
}

/// How the browser comes to the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// With the id of an interaction that is waiting.
    #[default]
    Waiting,
    /// With the id of an interaction that is over: every call is answered 410.
    Expired,
    /// With an id that was never made: every call is answered 404.
    Forged,
    /// Not at all: the server needs nobody, and answers the client at once.
    Never,
}

/// A prompt, and what is to be made of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The member `type` and the section of the same name, as in `sdk/schemas/1/prompt.json`.
    pub prompt: Object,
    /// Answers that are right; one of them has to fit. Absent: every answer that the server would take.
    ///
    /// A member that is not named may be anything. Lists are compared without regard to their order; `null` wants the
    /// member to be absent; `{"any": true}` wants it to be there, `{"one_of": […]}` to be one of these,
    /// `{"contains": […]}` to be a list with at least these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Value>,
    /// An answer that is right, as an example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// `user_code`: the codes that are right; any if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepts: Vec<String>,
    /// What another tab of the browser answers while the user looks at the page: the app's own answer comes too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meanwhile: Option<Value>,
    /// Refusals before the step is looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// A refusal that has nothing to do with what was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which calls are refused.
    #[serde(default)]
    pub on: FaultOn,
    /// How many of them; 1 if absent. 0 means all.
    #[serde(default = "defaults::times")]
    pub times: u32,
    /// The status.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// The code of the problem document. `interaction_expired` ends the interaction.
    pub code: String,
    /// Its detail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Its `errors`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// `Retry-After`, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

/// Which calls are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultOn {
    /// Answers to the step.
    #[default]
    Answer,
    /// Reading the prompt of the step.
    Read,
}

/// How it ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// The server, or a policy, refuses with this error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// Logout: what is to be done, as in the section `response.logout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout: Option<Object>,
}

impl Scenario {
    /// Reads a scenario and rehearses it: every prompt has to be one, every example has to be right.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let scenario: Self =
            serde_path_to_error::deserialize(&mut reader).map_err(|e| match e.path().to_string() {
                path if path == "." => e.inner().to_string(),
                path => format!("`{path}`: {}", e.inner()),
            })?;
        reader.end().map_err(|e| e.to_string())?;
        scenario.rehearse()?;
        Ok(scenario)
    }

    fn rehearse(&self) -> Result<(), String> {
        let slug =
            |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if self.name.is_empty() || self.name.len() > 64 || !slug(&self.name) {
            return Err(format!("`name`: `{}` is not made of small letters, digits and hyphens", self.name));
        }
        if self.steps.is_empty() && matches!(self.arrives, Arrival::Waiting) {
            return Err("`steps`: an app that is called has something to answer".to_owned());
        }
        let facts = Facts::example(self);
        for (at, step) in self.steps.iter().enumerate() {
            let prompt = self.prompt(at, &facts).map_err(|e| format!("`steps[{at}].prompt`: {e}"))?;
            if prompt.body.is_terminal() && at + 1 < self.steps.len() {
                return Err(format!("`steps[{at}].prompt`: nothing comes after a prompt that is final"));
            }
            for (name, answer) in [("answer", &step.answer), ("meanwhile", &step.meanwhile)] {
                if let Some(answer) = answer {
                    serde_json::from_value::<Answer>(fill(answer.clone(), &facts))
                        .map_err(|e| format!("`steps[{at}].{name}`: {e}"))?;
                }
            }
            if let Some(answer) = &step.answer {
                let wrong = self.differences(at, &fill(answer.clone(), &facts), &facts);
                if let Some(wrong) = wrong.first() {
                    return Err(format!("`steps[{at}].answer` is not what `expect` says: {wrong}"));
                }
            }
        }
        Ok(())
    }

    /// The prompt of the step at this place, with an envelope that is right but for its number.
    pub(crate) fn prompt(&self, at: usize, facts: &Facts) -> Result<Prompt, String> {
        let section = self.steps.get(at).ok_or("there is no such step")?.prompt.clone();
        let mut envelope = defaults::envelope(self);
        envelope.extend(section);
        let whole = fill(Value::Object(envelope), facts);
        let named = whole.get("type").and_then(Value::as_str).map(str::to_owned);
        let prompt: Prompt = serde_path_to_error::deserialize(whole).map_err(|e| e.to_string())?;
        match named {
            Some(name) if name == "response" => Err("the mock makes `response` itself, of `end`".to_owned()),
            _ => Ok(prompt),
        }
    }

    /// How an answer differs from what the step at this place expects: nothing if it fits one of the expectations,
    /// else the differences to the one that it is nearest to.
    pub(crate) fn differences(&self, at: usize, answer: &Value, facts: &Facts) -> Vec<String> {
        let Some(step) = self.steps.get(at) else { return Vec::new() };
        step.expect
            .iter()
            .map(|expected| differences(&fill(expected.clone(), facts), answer))
            .min_by_key(Vec::len)
            .unwrap_or_default()
    }

    /// Seconds without an answer after which an interaction is over.
    pub(crate) fn life(&self) -> i64 {
        self.expires_in.unwrap_or(EXPIRES_IN).into()
    }
}
