//! What this process knows of revocations, for tokens of which nothing is stored: fresh, or read anew.
//!
//! Whoever knows too little issues what counts no more once others ask; nobody ever issues what should not count.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::Mutex;

use crate::{
    outcome::Fault,
    store::{Known, Learned, NUMBERED_AT_ONCE, Revoked, Store},
};

/// What was learned so many seconds ago is not believed any more: then the store is asked first, so that what another
/// process revoked is over everywhere within five seconds.
const FRESH: i64 = 4;
/// Marks read at once; more than share a number.
const PAGE: u32 = 2 * NUMBERED_AT_ONCE;
/// Marks kept in memory at most. The store is asked about tokens that are older than the newest of these.
const KEPT: usize = 100_000;

/// What a token stands and falls with that carries everything itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names([Revoked; 4]);

impl Names {
    /// The token's authorization, with its subject and its client, and its family.
    pub fn new(authorization_id: &str, (sub, client_id): (&str, &str), family_id: &str) -> Self {
        Self([
            Revoked::authorization(authorization_id),
            Revoked::subject(sub),
            Revoked::client(client_id),
            Revoked::family(family_id),
        ])
    }

    /// What is true of a token that did not know of these revocations, at a time when this was known.
    fn standing(&self, is_raised: impl Fn(&Revoked) -> bool, known: Known) -> Standing {
        let [authorization, subject, client, family] = &self.0;
        if is_raised(authorization) || is_raised(subject) || is_raised(client) {
            Standing::Over
        } else if is_raised(family) {
            Standing::Stored(known)
        } else {
            Standing::Lives(known)
        }
    }
}

/// Whether a token counts of which nothing is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Something of it was revoked, or it belongs to an earlier era.
    Over,
    /// It counts, as of what was known then: whatever is issued for it carries that.
    Lives(Known),
    /// Its family is stored by now: it counts if the store says so.
    Stored(Known),
}

/// What memory says of a token.
enum Judged {
    Decided(Standing),
    /// Its issuer knew of more than this process does, or of something else.
    Ahead,
    /// It is older than what is in memory; all there is was read up to this.
    Older(Known),
}

#[derive(Default)]
struct Knowledge {
    newest: Known,
    /// All marks beyond this number are in memory.
    floor: i64,
    marks: HashMap<Revoked, i64>,
    by_number: BTreeMap<i64, Vec<Revoked>>,
    /// When it was asked for, and how many marks this process had written by then.
    learned: Option<(i64, u64)>,
}

impl Knowledge {
    /// Takes in what was read; false if there is more.
    fn absorb(&mut self, mut learned: Learned) -> bool {
        if learned.newest.number < self.newest.number {
            // Numbers only go back with the whole store.
            *self = Self::default();
            return false;
        }
        let whole = learned.marks.len() < PAGE as usize;
        let last = learned.marks.last().map_or(0, |(_, number)| *number);
        if !whole {
            // Others may share the last number.
            learned.marks.retain(|(_, number)| *number < last);
        }
        for (mark, number) in learned.marks {
            self.marks.insert(mark.clone(), number);
            self.by_number.entry(number).or_default().push(mark);
        }
        let number = if whole { learned.newest.number } else { last - 1 };
        self.newest = Known { era: learned.newest.era, number };
        self.forget();
        whole
    }

    fn forget(&mut self) {
        while self.marks.len() > KEPT
            && let Some((number, marks)) = self.by_number.pop_first()
        {
            self.floor = number;
            for mark in marks {
                if self.marks.get(&mark) == Some(&number) {
                    self.marks.remove(&mark);
                }
            }
        }
    }

    fn judge(&self, issued: &Known, names: &Names) -> Judged {
        if issued.era != self.newest.era || issued.number > self.newest.number {
            return Judged::Ahead;
        }
        if issued.number < self.floor {
            return Judged::Older(self.newest.clone());
        }
        let is_raised = |mark: &Revoked| self.marks.get(mark).is_some_and(|number| *number > issued.number);
        Judged::Decided(names.standing(is_raised, self.newest.clone()))
    }
}

/// What this process knows of revocations.
#[derive(Default)]
pub struct Generations {
    knowledge: RwLock<Knowledge>,
    /// One asks at a time.
    asking: Mutex<()>,
    /// How often it was begun to ask.
    begun: AtomicU64,
    /// Whether anybody here wants to know.
    wanted: AtomicBool,
}

impl Generations {
    /// Whether a token counts whose issuer knew of `issued`.
    ///
    /// # Errors
    ///
    /// A fault if memory cannot be believed and the store does not answer.
    pub async fn standing(
        &self,
        (store, now): (&dyn Store, i64),
        issued: &Known,
        names: &Names,
    ) -> Result<Standing, Fault> {
        if !self.is_fresh(store, now) {
            self.learn(store, now).await?;
        }
        let mut judged = self.read().judge(issued, names);
        if matches!(judged, Judged::Ahead) {
            self.learn(store, now).await?;
            judged = self.read().judge(issued, names);
        }
        match judged {
            Judged::Decided(standing) => Ok(standing),
            // Nobody has issued that, as far as this store knows: it was restored to an earlier state.
            Judged::Ahead => Ok(Standing::Over),
            Judged::Older(known) => {
                let raised = store.raised_since(&names.0, issued.number).await?;
                Ok(names.standing(|mark| raised.contains(mark), known))
            }
        }
    }

    /// What is known right now, as the store has it: what is issued with it counts until something is revoked.
    ///
    /// # Errors
    ///
    /// A fault if the store does not answer.
    pub async fn newest(&self, (store, now): (&dyn Store, i64)) -> Result<Known, Fault> {
        self.learn(store, now).await?;
        Ok(self.read().newest.clone())
    }

    /// Learns of what others revoked, if anybody here wants to know, so that those who do need not wait for it.
    pub async fn keep_up(&self, (store, now): (&dyn Store, i64)) {
        if self.wanted.load(Ordering::Relaxed)
            && let Err(fault) = self.learn(store, now).await
        {
            tracing::error!(%fault, "it is not known what was revoked elsewhere");
        }
    }

    /// A clock that went back proves nothing.
    fn is_fresh(&self, store: &dyn Store, now: i64) -> bool {
        self.read().learned.is_some_and(|(at, raised)| {
            (at..at.saturating_add(FRESH)).contains(&now) && raised == store.generations_raised()
        })
    }

    async fn learn(&self, store: &dyn Store, now: i64) -> Result<(), Fault> {
        self.wanted.store(true, Ordering::Relaxed);
        let begun = self.begun.load(Ordering::Acquire);
        let _turn = self.asking.lock().await;
        if self.begun.load(Ordering::Acquire) > begun && self.is_fresh(store, now) {
            // Somebody began to ask after this was called, and has the answer.
            return Ok(());
        }
        self.begun.fetch_add(1, Ordering::AcqRel);
        let raised = store.generations_raised();
        let mut may_number = true;
        loop {
            let since = self.read().newest.number;
            let learned = store.learn_generations(since, PAGE).await?;
            if learned.pending && may_number {
                // Those that come meanwhile are for the next time.
                may_number = store.number_generations().await? >= NUMBERED_AT_ONCE.into();
                continue;
            }
            let mut knowledge = self.write();
            if knowledge.absorb(learned) {
                knowledge.learned = Some((now, raised));
                return Ok(());
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Knowledge> {
        self.knowledge.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Knowledge> {
        self.knowledge.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(number: i64) -> Known {
        Known { era: String::new(), number }
    }

    fn names() -> Names {
        Names::new("az_1", ("alice", "web"), "f1")
    }

    fn after(marks: &[(Revoked, i64)]) -> Knowledge {
        let mut knowledge = Knowledge::default();
        let newest = known(marks.iter().map(|(_, number)| *number).max().unwrap_or(0));
        assert!(knowledge.absorb(Learned { newest, pending: false, marks: marks.to_vec() }));
        knowledge
    }

    fn standing(knowledge: &Knowledge, number: i64) -> Option<Standing> {
        match knowledge.judge(&known(number), &names()) {
            Judged::Decided(standing) => Some(standing),
            Judged::Ahead | Judged::Older(_) => None,
        }
    }

    #[test]
    fn a_token_is_over_if_its_authorization_subject_or_client_was_revoked_since() {
        let own = [Revoked::authorization("az_1"), Revoked::subject("alice"), Revoked::client("web")];
        for mark in own {
            let knowledge = after(&[(mark, 5), (Revoked::subject("bob"), 6)]);
            assert_eq!(standing(&knowledge, 4), Some(Standing::Over));
            assert_eq!(standing(&knowledge, 5), Some(Standing::Lives(known(6))));
        }
        let others = [Revoked::authorization("az_2"), Revoked::subject("web"), Revoked::client("alice")];
        let knowledge = after(&others.map(|mark| (mark, 5)));
        assert_eq!(standing(&knowledge, 0), Some(Standing::Lives(known(5))));
    }

    #[test]
    fn a_family_that_moved_into_the_store_is_asked_about_there_unless_it_is_over() {
        let moved = (Revoked::family("f1"), 5);
        let over = [moved.clone(), (Revoked::client("web"), 6)];
        assert_eq!(standing(&after(&[moved]), 4), Some(Standing::Stored(known(5))));
        assert_eq!(standing(&after(&over), 4), Some(Standing::Over));
    }

    #[test]
    fn a_token_of_another_era_or_of_a_number_that_nobody_gave_is_not_judged_by_what_is_known() {
        let knowledge = after(&[(Revoked::subject("bob"), 5)]);
        assert_eq!(standing(&knowledge, 6), None);
        let other = Known { era: "evt_1".to_owned(), number: 1 };
        assert!(matches!(knowledge.judge(&other, &names()), Judged::Ahead));
    }

    #[test]
    fn of_a_full_page_the_last_number_is_read_again() {
        let mut knowledge = Knowledge::default();
        let mark = |n: usize| {
            (Revoked::authorization(&n.to_string()), 1 + i64::from(n >= 500) + i64::from(n >= 999))
        };
        let page = Learned { newest: known(9), pending: false, marks: (0..1000).map(mark).collect() };
        assert!(!knowledge.absorb(page));
        assert_eq!((knowledge.newest.number, knowledge.marks.len()), (2, 999));
    }

    #[test]
    fn memory_is_bounded_and_knows_what_it_has_forgotten() {
        let mut knowledge = Knowledge::default();
        let many = 150_000;
        for page in 0..many / 500 {
            let marks =
                (0..500).map(|n| (Revoked::authorization(&format!("{page}.{n}")), page + 1)).collect();
            assert!(knowledge.absorb(Learned { newest: known(page + 1), pending: false, marks }));
        }
        assert_eq!(knowledge.marks.len(), KEPT);
        assert_eq!(knowledge.floor, 100);
        assert!(matches!(knowledge.judge(&known(99), &names()), Judged::Older(_)));
        assert_eq!(standing(&knowledge, 100), Some(Standing::Lives(known(300))));
    }

    #[test]
    fn a_store_whose_numbers_went_back_is_learned_anew() {
        let mut knowledge = after(&[(Revoked::subject("alice"), 9)]);
        let earlier =
            || Learned { newest: known(3), pending: false, marks: vec![(Revoked::client("web"), 2)] };
        assert!(!knowledge.absorb(earlier()));
        assert!(knowledge.absorb(earlier()));
        assert_eq!(standing(&knowledge, 1), Some(Standing::Over));
        assert_eq!(standing(&knowledge, 3), Some(Standing::Lives(known(3))));
    }
}
