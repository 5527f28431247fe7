//! What the author of a policy expects of it.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use serde_json::Value;

use super::{
    CheckError, Checked, Context, Finding, Level,
    envelope::{Ceiling, from_patch},
};
use crate::{
    decision::{Decision, DecisionRequest, HookType, judge},
    grant::Object,
};

/// A file of cases, as JSON or TOML.
///
/// ```
/// let file: placet_sdk::check::CaseFile = serde_json::from_str(r#"{"cases": [{
///     "name": "gold clients may read reports",
///     "given": {"type": "grant.client_credentials", "patch": {"client": {"data": {"tier": "gold"}}}},
///     "expect": {"decision": "allow", "pointers": {"/set/grant/scope": ["reports.read"]}}
/// }]}"#)?;
/// assert_eq!(file.cases.len(), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// The cases.
    pub cases: Vec<Case>,
}

/// A question, and what is expected of the answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The question.
    pub given: Given,
    /// The answer.
    pub expect: Expected,
}

/// A question: the kit's own of this type, with a wide ceiling, and a JSON Merge Patch (RFC 7396) over it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The type.
    #[serde(rename = "type")]
    pub hook: HookType,
    /// The patch.
    #[serde(default)]
    pub patch: Object,
}

/// What is expected of an answer, besides that it is sound and within the limits.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// `allow`, `deny` or `challenge`.
    pub decision: String,
    /// Values at JSON Pointers into the decision.
    #[serde(default)]
    pub pointers: BTreeMap<String, Value>,
    /// JSON Pointers into the decision at which there is nothing.
    #[serde(default)]
    pub absent: Vec<String>,
}

impl Case {
    /// The question, with an id and instants of its own.
    pub fn request(&self) -> Result<DecisionRequest, serde_json::Error> {
        from_patch(self.given.hook, &self.given.patch, Ceiling::Wide)
    }
}

impl CaseFile {
    /// Reads a file; its name ends in `.json` or `.toml`.
    pub fn read(path: &Path) -> Result<Self, CheckError> {
        let broken = |error: String| CheckError::File(path.display().to_string(), error);
        let text = std::fs::read_to_string(path).map_err(|error| broken(error.to_string()))?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending {
            "json" => serde_json::from_str(&text).map_err(|error| broken(error.to_string())),
            "toml" => toml::from_str(&text).map_err(|error| broken(error.to_string())),
            _ => Err(broken("cases are in files that end in `.json` or `.toml`".to_owned())),
        }
    }
}

pub(super) async fn check(context: &Context) -> Vec<Checked> {
    let mut checked = Vec::new();
    for case in &context.options.cases {
        let finding = match found(context, case).await {
            Ok(found) => Finding::of(found),
            Err(error) => Finding::Failed(vec![error]),
        };
        checked.push(Checked {
            id: "case".to_owned(),
            level: Level::Cases,
            title: case.name.clone(),
            finding,
        });
    }
    checked
}

async fn found(context: &Context, case: &Case) -> Result<Vec<String>, String> {
    let request = case.request().map_err(|error| format!("the patch makes no request: {error}"))?;
    let answer = context.sidecar.ask(&request).await?;
    if answer.status != 200 {
        return Ok(vec![format!("answered with {}", answer.shown())]);
    }
    let mut found = Vec::new();
    let judged = Decision::read(&answer.body)
        .and_then(|decision| judge(&request, &decision, &context.options.error_codes));
    found.extend(judged.err().map(|violation| violation.to_string()));
    found.extend(case.expect.differences(&answer.json()));
    Ok(found)
}

impl Expected {
    fn differences(&self, decision: &Value) -> Vec<String> {
        let mut found = Vec::new();
        let said = decision["decision"].as_str().unwrap_or_default();
        if said != self.decision {
            found.push(format!("the decision is `{said}`, not `{}`: {decision}", self.decision));
        }
        for (pointer, expected) in &self.pointers {
            match decision.pointer(pointer) {
                Some(value) if value == expected => {}
                Some(value) => found.push(format!("`{pointer}` is `{value}`, not `{expected}`")),
                None => found.push(format!("`{pointer}` is not there, and should be `{expected}`")),
            }
        }
        for pointer in &self.absent {
            if let Some(value) = decision.pointer(pointer) {
                found.push(format!("`{pointer}` is `{value}`, and should not be there"));
            }
        }
        found
    }
}
