//! The log of decisions: one record for each, in memory for the admin API, and wherever the operator wants it.

mod mask;
mod record;
mod sink;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use placet_sdk::{
    admin::{DecisionEntry, DecisionRecord},
    decision::DecisionRequest,
};
use serde_json::Value;

pub use record::{DecisionFilter, DecisionPage};

use self::{mask::Masks, sink::Sink};
use crate::{config::DecisionLogConfig, metrics::Metrics, outcome::Fault, seal::SymmetricKey};

/// Questions larger than this are not kept in memory, in bytes.
const MAX_QUESTION: usize = 16 * 1024;

/// The log.
pub(super) struct DecisionLog {
    masks: Masks,
    questions: bool,
    required: bool,
    /// How long a decision waits for its record.
    patience: Duration,
    keep: usize,
    kept: Mutex<Kept>,
    sink: Option<Sink>,
}

/// The newest records, the oldest first.
#[derive(Default)]
struct Kept {
    entries: VecDeque<Entry>,
    /// The number of the next record.
    next: u64,
}

/// A record, and the question that led to it.
#[derive(Clone)]
struct Entry {
    /// Pages go on by it: other than ids, no two records share one, and it means something after its record is gone.
    number: u64,
    record: Arc<DecisionRecord>,
    question: Option<Arc<str>>,
}

impl DecisionLog {
    pub(super) fn new(
        (config, patience): (&DecisionLogConfig, Duration),
        key: &SymmetricKey,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, Fault> {
        let sink = (config.stdout || config.file.is_some())
            .then(|| Sink::start(config.stdout, config.file.clone(), metrics.clone()))
            .transpose()?;
        Ok(Self {
            masks: Masks::new(config, key),
            questions: config.questions,
            required: config.required,
            patience,
            keep: usize::try_from(config.keep).unwrap_or(usize::MAX),
            kept: Mutex::default(),
            sink,
        })
    }

    /// The question as it may be seen, and what of it was masked.
    pub(super) fn masked(&self, request: &DecisionRequest) -> (Value, Vec<String>) {
        let mut question = serde_json::to_value(request).unwrap_or_default();
        let masked = self.masks.cover(&mut question);
        (question, masked)
    }

    /// A subject or actor as it may be seen.
    pub(super) fn person(&self, sub: &str) -> String {
        self.masks.like("/subject/sub", sub.to_owned())
    }

    /// Writes a record. Where the log is required, this waits until the record is safe.
    pub(super) async fn write(&self, record: DecisionRecord, question: &Value) -> Result<(), Fault> {
        let record = Arc::new(record);
        if let Some(sink) = &self.sink {
            let mut line = serde_json::to_value(&*record).map_err(|e| Fault::new("decision log", e))?;
            if self.questions {
                line["question"] = question.clone();
            }
            let line = format!("{line}\n").into_bytes();
            // Who was put in the place of somebody else is never left out, whatever else may be.
            if record.enforced && (self.required || record.original_sub.is_some()) {
                sink.write(line, self.patience).await?;
            } else {
                sink.offer(line);
            }
        }
        self.keep(record, question);
        Ok(())
    }

    /// The records that fit, newest first.
    pub(super) fn find(&self, filter: &DecisionFilter) -> DecisionPage {
        let filter = DecisionFilter {
            sub: filter.sub.as_deref().map(|sub| self.masks.sought("/subject/sub", sub)),
            ..filter.clone()
        };
        let kept = self.lock();
        let older = |entry: &&Entry| filter.after.is_none_or(|after| entry.number < after);
        let mut fitting =
            kept.entries.iter().rev().filter(older).filter(|entry| filter.fits(&entry.record)).peekable();
        let limit = filter.limit.unwrap_or(50).clamp(1, 200);
        let (mut decisions, mut last) = (Vec::new(), None);
        while decisions.len() < limit
            && let Some(entry) = fitting.next()
        {
            decisions.push((*entry.record).clone());
            last = Some(entry.number);
        }
        DecisionPage { decisions, next: fitting.peek().and(last) }
    }

    /// A decision by its id, or by that of one of its questions: its record, the question that led to it, masked, and
    /// what policies in shadow said.
    pub(super) fn get(&self, id: &str) -> Option<DecisionEntry> {
        let asked =
            |record: &DecisionRecord| record.policies.iter().any(|policy| policy.id.as_deref() == Some(id));
        let kept = self.lock();
        let named = kept.entries.iter().rev().find(|entry| entry.record.id == id || asked(&entry.record))?;
        let id = &named.record.id;
        let of_it = || kept.entries.iter().rev().filter(|entry| entry.record.id == *id);
        let entry = of_it().find(|entry| entry.record.enforced)?;
        let shadow = of_it().filter(|entry| !entry.record.enforced);
        Some(DecisionEntry {
            record: (*entry.record).clone(),
            question: entry.question.as_ref().and_then(|json| serde_json::from_str(json).ok()),
            shadow: shadow.flat_map(|entry| entry.record.policies.clone()).collect(),
        })
    }

    fn keep(&self, record: Arc<DecisionRecord>, question: &Value) {
        if self.keep == 0 {
            return;
        }
        let json = question.to_string();
        let question = (json.len() <= MAX_QUESTION).then(|| json.into());
        let mut kept = self.lock();
        while kept.entries.len() >= self.keep {
            kept.entries.pop_front();
        }
        let number = kept.next;
        kept.next += 1;
        kept.entries.push_back(Entry { number, record, question });
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
