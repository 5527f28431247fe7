//! Where assertions are verified: a few at a time, on threads of their own.

use std::{sync::Arc, thread};

use placet_sdk::{
    Instant,
    decision::{RawAssertionSection, Saml2BearerSection},
};
use tokio::{sync::Semaphore, task};

use crate::{Refusal, Verifier};

/// The most verifications at once: xmlsec gains nothing by more.
pub(crate) const MOST_AT_ONCE: usize = 4;
/// How many may wait for their turn.
const MOST_WAITING: usize = 64;

/// Verifies assertions.
pub(crate) struct Desk {
    verifier: Arc<Verifier>,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

/// There is no answer, and it is not the fault of the assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// Too many are there already.
    #[error("too many assertions are being verified")]
    Busy,
    /// The verification panicked.
    #[error("the verification broke")]
    Broken,
}

impl Desk {
    /// As many turns as there are processors, four at most.
    pub(crate) fn new(verifier: Verifier) -> Self {
        let turns = thread::available_parallelism().map_or(1, usize::from).min(MOST_AT_ONCE);
        Self {
            verifier: Arc::new(verifier),
            turns: Arc::new(Semaphore::new(turns)),
            places: Arc::new(Semaphore::new(turns + MOST_WAITING)),
        }
    }

    /// Verifies an assertion when its turn has come. Whoever stops waiting for the answer does not stop the work, and
    /// the turn is free only when the work is done.
    pub(crate) async fn verify(
        &self,
        asked: RawAssertionSection,
        now: Instant,
    ) -> Result<Result<Saml2BearerSection, Refusal>, Trouble> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Trouble::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Trouble::Broken)?;
        let verifier = Arc::clone(&self.verifier);
        let work = task::spawn_blocking(move || {
            let outcome = verifier.verify(&asked, now);
            drop((turn, place));
            outcome
        });
        work.await.map_err(|_| Trouble::Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reason, issuer::Issuers};

    fn desk() -> Desk {
        let issuers = Issuers::default();
        Desk::new(Verifier { issuers, decryption_keys: Vec::new(), max_clock_skew: 0 })
    }

    fn nothing() -> RawAssertionSection {
        RawAssertionSection {
            format: "saml2".to_owned(),
            value: String::new(),
            audience: Vec::new(),
            recipient: String::new(),
            clock_skew: 0,
        }
    }

    #[tokio::test]
    async fn who_finds_no_place_is_told_at_once_and_who_finds_one_has_a_turn() {
        let desk = desk();
        let all = u32::try_from(desk.places.available_permits()).unwrap();
        let taken = desk.places.acquire_many(all).await.unwrap();
        assert_eq!(desk.verify(nothing(), Instant(0)).await.unwrap_err(), Trouble::Busy);
        drop(taken);
        let refusal = desk.verify(nothing(), Instant(0)).await.unwrap().unwrap_err();
        assert_eq!(refusal.reason(), Reason::MalformedXml);
    }

    #[tokio::test]
    async fn who_leaves_the_queue_leaves_a_place() {
        let desk = desk();
        let all = u32::try_from(desk.turns.available_permits()).unwrap();
        let places = desk.places.available_permits();
        let taken = desk.turns.acquire_many(all).await.unwrap();
        let mut waiting = Box::pin(desk.verify(nothing(), Instant(0)));
        assert!(
            std::future::poll_fn(|cx| std::task::Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await
        );
        assert_eq!(desk.places.available_permits(), places - 1);
        drop(waiting);
        assert_eq!(desk.places.available_permits(), places);
        drop(taken);
    }
}
