//! A flow: the requests that belong together, in their order.

use placet_sdk::{
    admin::{CacheUse, DecisionRecord, PolicyRecord},
    decision::Verdict,
};

use super::noting::{Noted, is_pending, short};

/// So many steps at the beginning of a flow are kept, and so many at its end.
const FIRST: usize = 24;
const LAST: usize = 16;
/// What a step takes beside its texts, in bytes, about; and what a policy's answer does.
const STEP: usize = 320;
const ANSWER: usize = 240;

/// What became of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on once this is there.
    Waiting(String),
    /// It came to this.
    Done(String),
    /// It was refused, with this code.
    Refused(String),
}

/// A request of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The id of the request, which is in its log lines, its answer, and on error pages.
    pub request_id: String,
    /// When it came, in milliseconds.
    pub at: i64,
    /// How long the answer took, in microseconds.
    pub took: u64,
    /// What it does.
    pub words: &'static str,
    /// Where it came to.
    pub path: &'static str,
    /// The status of the answer; 0 if the caller hung up before it.
    pub status: u16,
    /// What was done.
    pub said: Vec<String>,
    /// Why it was refused: code and description.
    pub refusal: Option<(String, String)>,
    /// What policies were asked.
    pub decisions: Vec<Asked>,
    /// How often the same came again; id and instant are those of the last one.
    pub repeats: u32,
}

/// A decision that policies were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its id, `dec_…`.
    pub id: String,
    /// The decision point.
    pub hook: &'static str,
    /// What came of it.
    pub outcome: &'static str,
    /// The error code of a denial.
    pub error: Option<String>,
    /// How long all of it took, in milliseconds.
    pub took: u64,
    /// What each policy said, in order.
    pub policies: Vec<PolicyAsked>,
}

/// What a policy said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyAsked {
    /// Its name.
    pub name: String,
    /// What it decided, or why it failed to.
    pub said: String,
    /// Whether it failed.
    pub failed: bool,
    /// Its reason, in a word and in a sentence.
    pub reason: String,
    /// How long it took, in milliseconds.
    pub took: u64,
    /// How often it was asked.
    pub attempts: u32,
    /// Where the answer came from, if it was not from itself.
    pub kept: Option<&'static str>,
}

/// A flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// When it began, and when it went on last, in milliseconds.
    pub began: i64,
    /// See `began`.
    pub last: i64,
    /// The client.
    pub client_id: Option<String>,
    /// The user, as the decision log may show users.
    pub sub: Option<String>,
    /// The session of the browser.
    pub session_id: Option<String>,
    /// Its interactions and authorizations.
    pub ids: Vec<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Its steps.
    pub steps: Vec<Step>,
    /// So many steps in between are not kept.
    pub left_out: u32,
    /// What belongs to it, also what is not shown.
    pub(super) keys: Vec<String>,
    /// Grows with every change.
    pub(super) serial: u64,
    /// Which limit it counts for.
    pub(super) class: usize,
}

impl Step {
    /// A request that has just come.
    pub(super) fn begin((words, path): (&'static str, &'static str), id: &str, now: i64) -> Self {
        Self {
            request_id: id.to_owned(),
            at: now,
            took: 0,
            words,
            path,
            status: super::HUNG_UP,
            said: Vec::new(),
            refusal: None,
            decisions: Vec::new(),
            repeats: 0,
        }
    }

    pub(super) fn end(&mut self, status: u16, took: u64) {
        (self.status, self.took) = (status, took);
    }

    /// Takes over what was noted of it.
    pub(super) fn fill(&mut self, noted: &mut Noted) {
        self.said = std::mem::take(&mut noted.said);
        self.refusal = noted.refusal.take();
        self.decisions = std::mem::take(&mut noted.decisions);
    }

    /// Whether this is the same once more: devices and clients ask again and again. What somebody was shown as an error
    /// stays, so that its id is found.
    fn repeats(&self, before: &Self) -> bool {
        let early = self.refusal.as_ref().is_some_and(|(code, _)| is_pending(code));
        (early || self.status < 400 && self.status != super::HUNG_UP)
            && self.decisions.is_empty()
            && (self.path, self.status, &self.said, &self.refusal)
                == (before.path, before.status, &before.said, &before.refusal)
    }

    fn size(&self) -> usize {
        let said: usize = self.said.iter().map(String::len).sum();
        let refusal = self.refusal.as_ref().map_or(0, |(code, text)| code.len() + text.len());
        let answers = self.decisions.iter().flat_map(|decision| &decision.policies);
        let answers: usize = answers.map(|policy| ANSWER + policy.reason.len()).sum();
        STEP + said + refusal + self.decisions.len() * ANSWER + answers
    }
}

impl Asked {
    pub(super) fn of(record: &DecisionRecord) -> Self {
        Self {
            id: record.id.clone(),
            hook: record.hook.as_str(),
            outcome: record.outcome.as_str(),
            error: record.error.as_deref().map(short),
            took: record.duration_ms,
            policies: record.policies.iter().map(PolicyAsked::of).collect(),
        }
    }
}

impl PolicyAsked {
    fn of(record: &PolicyRecord) -> Self {
        let verdict = record.decision.map(|verdict| match verdict {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
            Verdict::Challenge => "challenge",
        });
        let said = match (record.failure, verdict) {
            (Some(failure), _) => failure.as_str(),
            (None, verdict) => verdict.unwrap_or("nothing"),
        };
        let reason: Vec<&str> =
            record.reason.as_deref().into_iter().chain(record.detail.as_deref()).collect();
        Self {
            name: record.name.clone(),
            said: said.to_owned(),
            failed: record.failure.is_some(),
            reason: short(&reason.join(": ")),
            took: record.latency_ms,
            attempts: record.attempts,
            kept: match record.cache {
                CacheUse::Hit => Some("kept"),
                CacheUse::Stale => Some("old"),
                CacheUse::Off | CacheUse::Miss => None,
            },
        }
    }
}

impl Flow {
    /// One that begins with this step.
    pub(super) fn new(step: Step, noted: Noted) -> Self {
        let mut flow = Self {
            began: step.at,
            last: step.at,
            client_id: None,
            sub: None,
            session_id: None,
            ids: Vec::new(),
            outcome: Outcome::Done("answered".to_owned()),
            steps: Vec::new(),
            left_out: 0,
            keys: Vec::new(),
            serial: 0,
            class: usize::MAX,
        };
        flow.take(step, noted);
        flow
    }

    /// The id that it is linked with: that of its first request.
    pub fn id(&self) -> &str {
        self.steps.first().map_or("", |step| step.request_id.as_str())
    }

    /// Goes on with a step. Gives the id of a request that is not kept any more.
    pub(super) fn take(&mut self, mut step: Step, mut noted: Noted) -> Option<String> {
        step.fill(&mut noted);
        let bad = step.status >= 400 || step.status == super::HUNG_UP;
        self.last = self.last.max(step.at);
        self.client_id = noted.client_id.or(self.client_id.take());
        self.sub = noted.sub.or(self.sub.take());
        self.session_id = noted.session_id.or(self.session_id.take());
        for key in noted.flows {
            if !self.keys.contains(&key) {
                if !key.starts_with(' ') {
                    self.ids.push(key.clone());
                }
                self.keys.push(key);
            }
        }
        let outcome = noted.outcome.or_else(|| {
            bad.then(|| match step.status {
                super::HUNG_UP => Outcome::Refused("the caller hung up".to_owned()),
                status => Outcome::Refused(format!("status {status}")),
            })
        });
        match (outcome, &self.outcome, self.steps.is_empty()) {
            // What came to a good end is not undone by a request that comes too late.
            (None, ..) | (Some(Outcome::Refused(_)), Outcome::Done(_), false) => {}
            (Some(outcome), ..) => self.outcome = outcome,
        }
        self.append(step)
    }

    /// Adds a step, or counts one that is the same once more. The first step stays: its id names the flow.
    fn append(&mut self, mut step: Step) -> Option<String> {
        let same = self.steps.len() > 1 && self.steps.last().is_some_and(|before| step.repeats(before));
        if same && let Some(before) = self.steps.last_mut() {
            step.repeats = before.repeats.saturating_add(1);
            return Some(std::mem::replace(before, step).request_id);
        }
        self.steps.push(step);
        if self.steps.len() <= FIRST + LAST {
            return None;
        }
        self.left_out = self.left_out.saturating_add(1);
        Some(self.steps.remove(FIRST).request_id)
    }

    /// Takes over all of another flow: it turned out to be the same one.
    pub(super) fn join(&mut self, other: Self) -> Vec<String> {
        self.began = self.began.min(other.began);
        self.last = self.last.max(other.last);
        self.client_id = other.client_id.or(self.client_id.take());
        self.sub = other.sub.or(self.sub.take());
        self.session_id = other.session_id.or(self.session_id.take());
        for key in other.keys {
            if !self.keys.contains(&key) {
                self.keys.push(key);
            }
        }
        for id in other.ids {
            if !self.ids.contains(&id) {
                self.ids.push(id);
            }
        }
        self.outcome = other.outcome;
        self.left_out = self.left_out.saturating_add(other.left_out);
        let mut steps: Vec<Step> = std::mem::take(&mut self.steps).into_iter().chain(other.steps).collect();
        steps.sort_by_key(|step| step.at);
        steps.into_iter().filter_map(|step| self.append(step)).collect()
    }

    /// What it takes, in bytes, about.
    pub(super) fn size(&self) -> usize {
        let keys: usize = self.keys.iter().map(|key| 3 * key.len() + 96).sum();
        STEP + keys + self.steps.iter().map(|step| step.size() + step.request_id.len() + 96).sum::<usize>()
    }
}
