//! The flows that are kept: found by what belongs to them, the oldest forgotten first.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use super::{
    flow::{Flow, Outcome, Step},
    noting::Noted,
};
use crate::config::LedgerConfig;

/// Flows in which somebody takes part, requests that were refused, and other single requests: a flood of one pushes none of
/// the others out.
const CLASSES: usize = 3;
const FOLLOWED: usize = 0;
const REFUSED: usize = 1;
const SINGLE: usize = 2;

/// Which flows are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// `waiting`, `done` or `refused`.
    pub outcome: Option<String>,
    /// Of this client.
    pub client_id: Option<String>,
    /// Of this user, as the ledger shows users.
    pub sub: Option<String>,
    /// In this session.
    pub session_id: Option<String>,
    /// Single requests that went well, too.
    pub all: bool,
    /// Those that changed before this one.
    pub before: Option<u64>,
    /// How many.
    pub limit: usize,
}

/// Some flows, the one that went on last first.
#[derive(Clone, Debug)]
pub struct FlowPage {
    /// The flows.
    pub flows: Vec<Arc<Flow>>,
    /// What `before` has to be for the next page; none on the last one.
    pub next: Option<u64>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Since when this process writes, in milliseconds.
    pub since: i64,
    /// How many flows there are.
    pub flows: usize,
    /// What they take, in bytes, about.
    pub bytes: usize,
    /// What they may take.
    pub max_bytes: usize,
    /// How many of each sort may be kept.
    pub keep: usize,
    /// Whether something was forgotten; and then, when the oldest that is left began, in milliseconds.
    pub reaches_back_to: Option<i64>,
}

/// The flows.
#[derive(Debug)]
pub(super) struct Book {
    flows: BTreeMap<u64, Arc<Flow>>,
    keys: HashMap<String, u64>,
    /// The flows of each class, the oldest first.
    order: [VecDeque<u64>; CLASSES],
    next: u64,
    bytes: usize,
    forgot: bool,
    since: i64,
    keep: usize,
    max_bytes: usize,
}

impl Book {
    pub(super) fn new(config: LedgerConfig, now: i64) -> Self {
        let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        Self {
            flows: BTreeMap::new(),
            keys: HashMap::new(),
            order: [const { VecDeque::new() }; CLASSES],
            next: 1,
            bytes: 0,
            forgot: false,
            since: now,
            keep: number(config.keep),
            max_bytes: number(config.max_bytes),
        }
    }

    /// Puts a request where it belongs.
    pub(super) fn write(&mut self, step: Step, noted: Noted) {
        let mut known: Vec<u64> = noted.flows.iter().filter_map(|key| self.keys.get(key).copied()).collect();
        known.sort_unstable();
        known.dedup();
        let number = known.first().copied();
        let mut gone = Vec::new();
        let flow = match number.and_then(|number| self.remove(number)) {
            None => Flow::new(step, noted),
            Some(mut flow) => {
                for other in &known[1..] {
                    if let Some(other) = self.remove(*other) {
                        gone.extend(flow.join(other));
                    }
                }
                gone.extend(flow.take(step, noted));
                flow
            }
        };
        for id in gone {
            self.keys.remove(&id);
        }
        let number = number.unwrap_or(self.next);
        self.next += 1;
        self.insert(number, flow);
        self.forget();
    }

    fn insert(&mut self, number: u64, mut flow: Flow) {
        let class = class(&flow);
        flow.serial = self.next;
        if class != flow.class {
            flow.class = class;
            self.order[class].push_back(number);
        }
        for key in flow.keys.iter().chain(flow.steps.iter().map(|step| &step.request_id)) {
            self.keys.insert(key.clone(), number);
        }
        self.bytes += flow.size();
        self.flows.insert(number, Arc::new(flow));
    }

    /// Takes a flow out, to be put back changed. Its place in the order stays.
    fn remove(&mut self, number: u64) -> Option<Flow> {
        let flow = self.flows.remove(&number)?;
        self.bytes = self.bytes.saturating_sub(flow.size());
        Some(Arc::unwrap_or_clone(flow))
    }

    fn forget(&mut self) {
        for class in 0..CLASSES {
            while self.order[class].len() > self.keep {
                self.forget_oldest(class);
            }
        }
        while self.bytes > self.max_bytes {
            let Some(class) = (0..CLASSES).max_by_key(|class| self.order[*class].len()) else { return };
            if self.order[class].is_empty() {
                return;
            }
            self.forget_oldest(class);
        }
    }

    fn forget_oldest(&mut self, class: usize) {
        let Some(number) = self.order[class].pop_front() else { return };
        // It may have joined another one, or be of another sort by now.
        if self.flows.get(&number).is_none_or(|flow| flow.class != class) {
            return;
        }
        let Some(flow) = self.remove(number) else { return };
        self.forgot = true;
        for key in flow.keys.iter().chain(flow.steps.iter().map(|step| &step.request_id)) {
            if self.keys.get(key) == Some(&number) {
                self.keys.remove(key);
            }
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Flow>> {
        let hidden = id.starts_with(' ');
        self.flows.get(self.keys.get(id).filter(|_| !hidden)?).cloned()
    }

    pub(super) fn list(&self, filter: &Filter) -> FlowPage {
        let mut fitting: Vec<&Arc<Flow>> = self.flows.values().filter(|flow| filter.fits(flow)).collect();
        fitting.sort_by_key(|flow| std::cmp::Reverse(flow.serial));
        let more = fitting.len() > filter.limit;
        fitting.truncate(filter.limit);
        let next = fitting.last().filter(|_| more).map(|flow| flow.serial);
        FlowPage { flows: fitting.into_iter().cloned().collect(), next }
    }

    pub(super) fn holdings(&self) -> Holdings {
        let oldest = self.flows.values().map(|flow| flow.began).min();
        Holdings {
            since: self.since,
            flows: self.flows.len(),
            bytes: self.bytes,
            max_bytes: self.max_bytes,
            keep: self.keep,
            reaches_back_to: oldest.filter(|_| self.forgot),
        }
    }
}

/// Which limit counts for a flow.
fn class(flow: &Flow) -> usize {
    let with_somebody =
        flow.ids.iter().any(|id| id.starts_with("ia_")) || flow.keys.iter().any(|key| key.starts_with(' '));
    if with_somebody {
        FOLLOWED
    } else if matches!(flow.outcome, Outcome::Refused(_)) {
        REFUSED
    } else {
        SINGLE
    }
}

impl Filter {
    fn fits(&self, flow: &Flow) -> bool {
        let is = |wanted: &Option<String>, value: &Option<String>| wanted.is_none() || wanted == value;
        let outcome = match flow.outcome {
            Outcome::Waiting(_) => "waiting",
            Outcome::Done(_) => "done",
            Outcome::Refused(_) => "refused",
        };
        self.before.is_none_or(|before| flow.serial < before)
            && self.outcome.as_deref().is_none_or(|wanted| wanted == outcome)
            && is(&self.client_id, &flow.client_id)
            && is(&self.sub, &flow.sub)
            && is(&self.session_id, &flow.session_id)
            && (self.all || flow.class != SINGLE)
    }
}

#[cfg(test)]
mod tests;
