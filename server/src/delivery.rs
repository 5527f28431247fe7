//! The delivery queue: what has to reach others, attempted until it does.
//!
//! A row of the store ([`DeliveryRecord`]) is written in the transaction of the fact that it tells of. One worker in each
//! process claims what is due and lets its [`Kind`] attempt it. What fails is attempted again, later and later; what is
//! refused or too old is given up, kept, and listed. A process that is killed leaves leases that run out, so everything
//! is delivered at least once; a receiver that must not see something twice tells it by its id.
//!
//! To deliver something else, write a `Kind`, name it in [`KINDS`], and write the rows with the fact.

mod worker;

use async_trait::async_trait;

pub use worker::{round, run};

use crate::{
    ciba::notify::Notification,
    events::EventWebhook,
    logout::BackchannelLogout,
    outbound::{Answered, FetchError},
    outcome::Outcome,
    server::Server,
    store::DeliveryRecord,
};

/// How one kind of delivery is made.
#[async_trait]
pub trait Kind: Send + Sync {
    /// The name in [`DeliveryRecord::kind`].
    fn name(&self) -> &'static str;

    /// Makes what is sent, sends it, and says what came of it. Tokens are minted here, so that they are fresh at each
    /// attempt and lie nowhere. A fault is trouble of our own: the delivery is attempted again.
    async fn attempt(&self, server: &Server, delivery: &DeliveryRecord) -> Outcome<Attempt>;

    /// When it is attempted again.
    fn schedule(&self) -> Schedule {
        Schedule::default()
    }

    /// The pause after this many attempts, in seconds, varied by `dice`, which is any number.
    fn pause(&self, attempts: i64, dice: u32) -> i64 {
        self.schedule().pause(attempts, dice)
    }
}

/// Every kind there is.
const KINDS: [&dyn Kind; 3] = [&BackchannelLogout, &Notification, &EventWebhook];

/// The kind of this name.
fn kind(name: &str) -> Option<&'static dyn Kind> {
    KINDS.into_iter().find(|kind| kind.name() == name)
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It arrived, or there is nobody any more to deliver it to.
    Delivered,
    /// It may arrive another time.
    Failed {
        /// Why it did not this time.
        reason: String,
        /// The receiver wants to be left alone for so many seconds.
        after: Option<i64>,
    },
    /// It never will.
    Refused(String),
}

impl Attempt {
    /// What a receiver's answer comes to. Any 2xx counts. A 400 says that this very request is wrong, 410 that nobody
    /// wants any, and a redirect leads nowhere: they are not followed. Everything else may be another time.
    pub fn of(answer: Result<Answered, FetchError>) -> Self {
        match answer {
            Ok(Answered { status: 200..=299, .. }) => Self::Delivered,
            Ok(Answered { status: status @ (300..=399 | 400 | 410), .. }) => {
                Self::Refused(format!("the receiver answered with the status {status}"))
            }
            Ok(Answered { status, retry_after }) => Self::Failed {
                reason: format!("the receiver answered with the status {status}"),
                after: retry_after,
            },
            Err(FetchError::NotSecure) => Self::Refused("its address is no https URL".to_owned()),
            // What is inside and what does not answer is told as one, as everywhere.
            Err(_) => Self::Failed {
                reason: "it does not answer in time at a public address".to_owned(),
                after: None,
            },
        }
    }
}

/// When a delivery is attempted again: after `first` seconds, then after twice as long each time, at most after `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The first pause, in seconds.
    pub first: i64,
    /// The longest pause, in seconds.
    pub most: i64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { first: 5, most: 3_600 }
    }
}

impl Schedule {
    /// The pause after this many attempts, in seconds, varied by half of it in either direction: `dice` is any number.
    /// Otherwise all that failed together would come back together.
    fn pause(self, attempts: i64, dice: u32) -> i64 {
        let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(30);
        let pause = self.first.saturating_mul(1 << doublings).min(self.most);
        (pause / 2 + i64::from(dice) % (pause + 1)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Attempt {
        Attempt::of(Ok(Answered { status, retry_after: None }))
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_varied_by_half() {
        let schedule = Schedule { first: 10, most: 100 };
        for (attempts, shortest, longest) in
            [(1, 5, 15), (2, 10, 30), (3, 20, 60), (5, 50, 150), (99, 50, 150)]
        {
            let pauses: Vec<_> = (0..1_000).map(|dice| schedule.pause(attempts, dice)).collect();
            assert_eq!(pauses.iter().min(), Some(&shortest), "after {attempts}");
            assert_eq!(pauses.iter().max(), Some(&longest), "after {attempts}");
        }
        assert_eq!(Schedule { first: 0, most: 0 }.pause(1, 7), 1, "never at once");
    }

    #[test]
    fn an_answer_is_taken_for_what_it_says() {
        for status in [200, 201, 202, 204] {
            assert_eq!(answered(status), Attempt::Delivered, "{status}");
        }
        for status in [301, 302, 307, 308, 400, 410] {
            assert!(matches!(answered(status), Attempt::Refused(_)), "{status}");
        }
        for status in [401, 403, 404, 408, 413, 429, 500, 501, 502, 503, 504] {
            assert!(matches!(answered(status), Attempt::Failed { .. }), "{status}");
        }
        assert!(matches!(Attempt::of(Err(FetchError::NotSecure)), Attempt::Refused(_)));
        assert!(matches!(Attempt::of(Err(FetchError::Unreachable)), Attempt::Failed { .. }));
        let busy = Attempt::of(Ok(Answered { status: 429, retry_after: Some(90) }));
        assert!(matches!(busy, Attempt::Failed { after: Some(90), .. }));
    }
}
