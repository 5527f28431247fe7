//! The same question is answered the same way: the server may repeat one that got lost, and a handler with effects
//! must not have them twice.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::{sync::OnceCell, time::Instant};

/// How long an answer is remembered.
const REMEMBERED: Duration = Duration::from_secs(300);
/// How many answers are remembered.
const MAX_ANSWERS: usize = 65_536;
/// How many bytes of answers are remembered.
const MAX_BYTES: usize = 32 << 20;

/// A question, whichever attempt it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The key of a request: everything in it but what differs between two attempts.
    pub(super) fn of(request: &Value) -> Self {
        let mut same = request.clone();
        if let Some(members) = same.as_object_mut() {
            for name in ["attempt", "time", "deadline"] {
                members.remove(name);
            }
        }
        Self(Sha256::digest(same.to_string()).into())
    }
}

/// The answer to a question: there, or under way.
pub(super) type Answer = Arc<OnceCell<Bytes>>;

/// The answers of the last five minutes.
#[derive(Debug, Default)]
pub(super) struct Replay(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    answers: HashMap<Key, Answer>,
    oldest_first: VecDeque<(Instant, Key)>,
    bytes: usize,
}

impl Replay {
    /// The place of an answer.
    pub(super) fn answer(&self, key: Key) -> Answer {
        let now = Instant::now();
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.forget(now);
        if let Some(answer) = remembered.answers.get(&key) {
            return answer.clone();
        }
        let answer = Answer::default();
        remembered.answers.insert(key, answer.clone());
        remembered.oldest_first.push_back((now, key));
        answer
    }

    /// Counts an answer that is there now.
    pub(super) fn count(&self, bytes: usize) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.bytes = remembered.bytes.saturating_add(bytes);
    }
}

impl Remembered {
    /// Forgets what is too old, and what is too much.
    fn forget(&mut self, now: Instant) {
        while let Some(&(since, key)) = self.oldest_first.front() {
            let old = now.saturating_duration_since(since) >= REMEMBERED;
            if !old && self.answers.len() < MAX_ANSWERS && self.bytes < MAX_BYTES {
                break;
            }
            self.oldest_first.pop_front();
            let answer = self.answers.remove(&key);
            let bytes = answer.and_then(|answer| answer.get().map(Bytes::len)).unwrap_or_default();
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        if self.answers.is_empty() {
            // An answer that was forgotten while it was under way has been counted all the same.
            self.bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(at: usize) -> Key {
        Key::of(&json!({ "id": at }))
    }

    async fn store(replay: &Replay, key: Key, bytes: &'static [u8]) -> Bytes {
        let answer = replay.answer(key);
        answer
            .get_or_init(|| async {
                replay.count(bytes.len());
                Bytes::from_static(bytes)
            })
            .await
            .clone()
    }

    #[test]
    fn two_attempts_are_one_question_and_two_modes_are_not() {
        let question = |attempt: u32, mode: &str| {
            Key::of(
                &json!({"id": "dec_1", "attempt": attempt, "time": attempt, "deadline": attempt, "mode": mode}),
            )
        };
        assert_eq!(question(1, "enforce"), question(2, "enforce"));
        assert_ne!(question(1, "enforce"), question(1, "test"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_remembered_for_five_minutes() {
        let replay = Replay::default();
        store(&replay, key(1), b"first").await;
        tokio::time::advance(Duration::from_secs(299)).await;
        assert_eq!(store(&replay, key(1), b"second").await, "first");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(store(&replay, key(1), b"second").await, "second");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded_in_number_and_bytes() {
        let replay = Replay::default();
        for at in 0..=MAX_ANSWERS {
            store(&replay, key(at), b"x").await;
        }
        assert_eq!(replay.0.lock().unwrap().answers.len(), MAX_ANSWERS);
        replay.count(MAX_BYTES);
        replay.answer(key(usize::MAX));
        assert_eq!(replay.0.lock().unwrap().answers.len(), 1);
    }
}
