//! A run: one interaction that plays a scenario.

mod answer;
mod apply;
mod ending;
mod record;

use std::{collections::HashMap, sync::Arc};

use placet_sdk::{
    Instant,
    grant::{Grant, Object},
    interaction::{Body, Kind, LogoutScope, Prompt, SessionInfo},
};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

pub(crate) use answer::object as answer_object;
pub(crate) use ending::{Sent, encode};
pub(crate) use record::{Call, Judged, Verdict};

use crate::{
    problem::{Outcome, Refusal, problem},
    random,
    scenario::{Arrival, Facts, FaultOn, Scenario, bare, first_sub},
};

/// Scratch state of a login app, in bytes of JSON.
const MAX_DATA: usize = 8 * 1024;
/// So many calls of a run are remembered.
const MAX_CALLS: usize = 200;
/// How long the browser has to come back with its ticket, in seconds.
const TICKET_LIFE: i64 = 60;

/// What the app may do beyond the ordinary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities(pub(crate) Vec<String>);

impl Capabilities {
    /// Whether it may do this.
    pub(crate) fn allow(&self, capability: &str) -> bool {
        self.0.iter().any(|own| own == capability)
    }
}

/// Where the browser is sent first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// To the server, which sends it on to the app.
    Redirect {
        /// What its cookie says.
        binding: String,
    },
    /// To the app, which opens the interaction itself.
    Headless {
        /// What the app says the binding is.
        binding: Option<String>,
    },
}

/// Why an interaction cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    /// The app abandoned it.
    Abandoned,
    /// It was over before it began, or the scenario says so.
    Planned,
}

/// What came of the interaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Denied {
    error: String,
    description: String,
}

/// An answer that was taken.
#[derive(Clone, Debug)]
struct Answered {
    step: u32,
    digest: [u8; 32],
    prompt: Prompt,
}

/// The one-time ticket with which the browser comes back.
#[derive(Clone, Debug)]
struct Ticket {
    secret: String,
    issued_at: Instant,
}

/// How the browser came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Returned {
    /// It is the one that started.
    pub(crate) same_browser: bool,
    /// It came in time.
    pub(crate) in_time: bool,
}

/// One interaction that plays a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) facts: Facts,
    pub(crate) door: Door,
    pub(crate) prompt: Prompt,
    pub(crate) calls: Vec<Call>,
    pub(crate) judged: Vec<Judged>,
    pub(crate) returned: Option<Returned>,
    /// Front-channel pages that were loaded.
    pub(crate) frames: Vec<String>,
    /// The place of the current prompt in the scenario.
    at: usize,
    session: Option<SessionInfo>,
    granted: Option<Grant>,
    logout: Option<LogoutScope>,
    denied: Option<Denied>,
    data: Option<Object>,
    history: Vec<Answered>,
    ticket: Option<Ticket>,
    gone: Option<Gone>,
    /// How often each fault of each step was shown.
    shown: HashMap<(usize, usize), u32>,
    /// The other tab has answered this step.
    overtaken: Option<usize>,
}

impl Run {
    /// Opens an interaction.
    pub(crate) fn open(
        scenario: Arc<Scenario>,
        (issuer, now): (&str, Instant),
        door: Door,
    ) -> Result<Self, String> {
        let id = random::interaction();
        let facts = Facts { now, sub: first_sub(&scenario), id, issuer: issuer.to_owned() };
        let prompt = bare(&scenario, &facts)?;
        let gone = matches!(scenario.arrives, Arrival::Expired).then_some(Gone::Planned);
        let mut run = Self {
            facts,
            door,
            session: prompt.session.clone(),
            prompt,
            scenario,
            calls: Vec::new(),
            judged: Vec::new(),
            returned: None,
            frames: Vec::new(),
            at: 0,
            granted: None,
            logout: None,
            denied: None,
            data: None,
            history: Vec::new(),
            ticket: None,
            gone,
            shown: HashMap::new(),
            overtaken: None,
        };
        run.advance(1, now)?;
        Ok(run)
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.facts.id
    }

    /// Makes the prompt with this number: of the step that it has come to, or the last one.
    fn advance(&mut self, number: u32, now: Instant) -> Result<(), String> {
        if self.denied.is_some() || self.at >= self.scenario.steps.len() {
            return self.finish(number, now);
        }
        let mut prompt = self.scenario.prompt(self.at, &self.facts)?;
        self.envelope(&mut prompt, number, now);
        self.prompt = prompt;
        Ok(())
    }

    fn envelope(&self, prompt: &mut Prompt, number: u32, now: Instant) {
        prompt.step = number;
        prompt.expires_at = now.plus(self.scenario.life());
        prompt.session.clone_from(&self.session);
        prompt.data = self.data.clone().filter(|_| !prompt.body.is_terminal());
        if let (Door::Headless { .. }, Some(request)) = (&self.door, &mut prompt.request) {
            request.redirect_uri = Some(self.landing());
        }
    }

    /// Where the mock's own client waits (headless front door).
    fn landing(&self) -> String {
        format!("{}/client/{}", self.facts.issuer, self.facts.id)
    }

    /// The current prompt.
    pub(crate) fn read(&mut self, now: Instant) -> Outcome<Prompt> {
        self.alive(now)?;
        self.fault(FaultOn::Read)?;
        Ok(self.prompt.clone())
    }

    /// Answers the prompt of a step; tells whether the answer was a repetition.
    pub(crate) fn answer(
        &mut self,
        (step, raw): (u32, &[u8]),
        may: &Capabilities,
        now: Instant,
    ) -> Outcome<(Prompt, bool)> {
        self.alive(now)?;
        if step == self.prompt.step {
            self.overtake(now)?;
        }
        if step < self.prompt.step {
            return self.replay(step, raw);
        }
        if step > self.prompt.step {
            return Err(self.at_position(problem(409, "step_ahead", "this step has not been reached")));
        }
        self.fault(FaultOn::Answer)?;
        let answer = answer::read(raw, &self.prompt).map_err(|e| self.with_position(e))?;
        answer::check(&answer, self, may, now)?;
        self.take(answer, raw, now)?;
        Ok((self.prompt.clone(), false))
    }

    fn replay(&self, step: u32, raw: &[u8]) -> Outcome<(Prompt, bool)> {
        let digest = digest(raw);
        match self.history.iter().find(|answered| answered.step == step) {
            Some(answered) if answered.digest == digest => {
                let last = step + 1 == self.prompt.step;
                Ok((if last { self.prompt.clone() } else { answered.prompt.clone() }, true))
            }
            _ => {
                let detail = format!("the interaction is at step {} by now", self.prompt.step);
                Err(self.at_position(problem(409, "step_conflict", &detail)))
            }
        }
    }

    /// The other tab of the scenario answers, once.
    fn overtake(&mut self, now: Instant) -> Outcome<()> {
        let step = self.scenario.steps.get(self.at);
        let Some(meanwhile) = step.and_then(|step| step.meanwhile.clone()) else { return Ok(()) };
        if self.overtaken == Some(self.at) {
            return Ok(());
        }
        self.overtaken = Some(self.at);
        let raw = crate::scenario::fill(meanwhile, &self.facts).to_string();
        let answer = answer::read(raw.as_bytes(), &self.prompt)?;
        self.take(answer, raw.as_bytes(), now)?;
        if let Some(judged) = self.judged.last_mut() {
            judged.other_tab = true;
            judged.differences.clear();
        }
        Ok(())
    }

    /// Refuses the call if the scenario says so.
    fn fault(&mut self, on: FaultOn) -> Outcome<()> {
        let Some(step) = self.scenario.steps.get(self.at) else { return Ok(()) };
        if matches!(self.prompt.body, Body::Response { .. }) {
            return Ok(());
        }
        for (number, fault) in step.faults.iter().enumerate().filter(|(_, fault)| fault.on == on) {
            let shown = self.shown.entry((self.at, number)).or_default();
            if fault.times != 0 && *shown >= fault.times {
                continue;
            }
            *shown += 1;
            let detail = fault.detail.as_deref().unwrap_or("this is part of the scenario");
            let mut refused = problem(fault.status, &fault.code, detail);
            refused.errors.clone_from(&fault.errors);
            if fault.code == "interaction_expired" {
                self.gone = Some(Gone::Planned);
                return Err(self.over(refused));
            }
            return Err(Refusal { problem: Box::new(refused), retry_after: fault.retry_after });
        }
        Ok(())
    }

    fn alive(&self, now: Instant) -> Outcome<()> {
        if matches!(self.scenario.arrives, Arrival::Forged) {
            return Err(problem(404, "interaction_not_found", "there is no such interaction").into());
        }
        let idle = now >= self.prompt.expires_at;
        if self.gone.is_some() || idle || self.returned.is_some() {
            let detail = "nobody answered in time, or the browser has returned";
            return Err(self.over(problem(410, "interaction_expired", detail)));
        }
        Ok(())
    }

    fn over(&self, mut refused: placet_sdk::problem::Problem) -> Refusal {
        refused.client.clone_from(&self.prompt.client);
        if self.scenario.kind == Kind::Authorization {
            refused.restart_uri = Some(format!("{}/start/{}", self.facts.issuer, self.scenario.name));
        }
        refused.into()
    }

    fn at_position(&self, refused: placet_sdk::problem::Problem) -> Refusal {
        self.with_position(refused.into())
    }

    fn with_position(&self, mut refused: Refusal) -> Refusal {
        if refused.problem.code != "invalid_answer" {
            refused.problem.current_step = Some(self.prompt.step);
            refused.problem.current_type = Some(self.prompt.body.type_name().to_owned());
        }
        refused
    }

    /// Stores scratch state.
    pub(crate) fn put_data(&mut self, data: Object, now: Instant) -> Outcome<()> {
        self.alive(now)?;
        let size = serde_json::to_vec(&data).map_or(usize::MAX, |bytes| bytes.len());
        if size > MAX_DATA {
            return Err(problem(413, "payload_too_large", "scratch state is limited to 8 KiB").into());
        }
        if self.prompt.body.is_terminal() {
            return Err(self.at_position(problem(409, "step_conflict", "the interaction has ended")));
        }
        self.prompt.data = Some(data.clone());
        self.prompt.expires_at = now.plus(self.scenario.life());
        self.data = Some(data);
        Ok(())
    }

    /// The scratch state.
    pub(crate) fn data(&self, now: Instant) -> Outcome<Object> {
        self.alive(now)?;
        Ok(self.data.clone().unwrap_or_default())
    }

    /// Abandons it silently.
    pub(crate) fn abandon(&mut self, now: Instant) -> Outcome<()> {
        self.alive(now)?;
        self.gone = Some(Gone::Abandoned);
        Ok(())
    }

    /// Whether the app names the binding that it opened the interaction with (headless front door).
    pub(crate) fn check_binding(&self, given: Option<&str>) -> Outcome<()> {
        let Door::Headless { binding } = &self.door else { return Ok(()) };
        let (given, expected) = (given.unwrap_or_default(), binding.as_deref().unwrap_or_default());
        if bool::from(given.as_bytes().ct_eq(expected.as_bytes())) {
            return Ok(());
        }
        let detail = "`Placet-Browser-Binding` is not the binding this interaction was opened with";
        Err(problem(403, "binding_mismatch", detail).into())
    }

    /// The browser comes back with a ticket. A server would end the interaction of another browser, and refuse one
    /// that comes late; the mock shows that instead.
    pub(crate) fn resume(&mut self, ticket: &str, cookie: Option<&str>, now: Instant) -> bool {
        let Some(own) = &self.ticket else { return false };
        if !bool::from(own.secret.as_bytes().ct_eq(ticket.as_bytes())) {
            return false;
        }
        let Door::Redirect { binding } = &self.door else { return false };
        let same_browser = cookie.is_some_and(|given| bool::from(given.as_bytes().ct_eq(binding.as_bytes())));
        let in_time = now < own.issued_at.plus(TICKET_LIFE);
        self.returned.get_or_insert(Returned { same_browser, in_time });
        true
    }

    /// Notes a call.
    pub(crate) fn note(&mut self, call: Call) {
        if self.calls.len() < MAX_CALLS {
            self.calls.push(call);
        }
    }

    /// Whether the server would list it to apps that look for work.
    pub(crate) fn is_listed(&self, kind: Kind, now: Instant) -> bool {
        self.scenario.kind == kind && self.alive(now).is_ok() && !self.prompt.body.is_terminal()
    }

    /// Whether it has ended in a way that needs no browser to come back.
    fn is_finished(&self) -> bool {
        match &self.prompt.body {
            Body::Error { .. } => self.was_read(),
            Body::Response { .. } => self.ticket.is_none() || self.returned.is_some(),
            _ => false,
        }
    }

    fn was_read(&self) -> bool {
        self.calls.iter().any(|call| call.prompt_step == Some(self.prompt.step))
    }
}

fn digest(raw: &[u8]) -> [u8; 32] {
    Sha256::digest(raw).into()
}
