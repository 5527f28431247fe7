//! The log of decisions: one record for each, in memory for the admin API, and wherever the operator wants it.

mod mask;
mod record;
mod sink;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use placet_sdk::decision::DecisionRequest;
use serde_json::Value;

pub use record::{CacheUse, DecisionFilter, DecisionPage, DecisionRecord, PolicyRecord};

use self::{mask::Masks, sink::Sink};
use crate::{config::DecisionLogConfig, metrics::Metrics, outcome::Fault, seal::SymmetricKey};

/// Questions larger than this are not kept in memory, in bytes.
const MAX_QUESTION: usize = 16 * 1024;

/// The log.
pub(super) struct DecisionLog {
    masks: Masks,
    questions: bool,
    required: bool,
    keep: usize,
    kept: Mutex<VecDeque<Entry>>,
    sink: Option<Sink>,
}

/// A record, and the question that led to it.
#[derive(Clone)]
struct Entry {
    record: Arc<DecisionRecord>,
    question: Option<Arc<str>>,
}

impl DecisionLog {
    pub(super) fn new(
        config: &DecisionLogConfig,
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
            if self.required && record.enforced {
                sink.write(line).await?;
            } else {
                sink.offer(line);
            }
        }
        self.keep(record, question);
        Ok(())
    }

    /// The records that fit, newest first.
    pub(super) fn find(&self, filter: &DecisionFilter) -> DecisionPage {
        let kept = self.lock();
        let after = filter.after.as_deref();
        let start =
            after.and_then(|id| kept.iter().position(|entry| entry.record.id == id)).unwrap_or(kept.len());
        let mut fitting = kept.iter().take(start).rev().filter(|entry| filter.fits(&entry.record));
        let limit = filter.limit.unwrap_or(50).clamp(1, 200);
        let decisions: Vec<_> = fitting.by_ref().take(limit).map(|entry| (*entry.record).clone()).collect();
        let next = fitting.next().and(decisions.last()).map(|record| record.id.clone());
        DecisionPage { decisions, next }
    }

    /// A record by its id, and the question that led to it, masked.
    pub(super) fn get(&self, id: &str) -> Option<(DecisionRecord, Option<Value>)> {
        let kept = self.lock();
        let entry = kept.iter().rev().find(|entry| entry.record.enforced && entry.record.id == id)?;
        let question = entry.question.as_ref().and_then(|json| serde_json::from_str(json).ok());
        Some(((*entry.record).clone(), question))
    }

    fn keep(&self, record: Arc<DecisionRecord>, question: &Value) {
        if self.keep == 0 {
            return;
        }
        let json = question.to_string();
        let question = (json.len() <= MAX_QUESTION).then(|| json.into());
        let mut kept = self.lock();
        while kept.len() >= self.keep {
            kept.pop_front();
        }
        kept.push_back(Entry { record, question });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
