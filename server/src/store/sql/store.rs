//! The store of one tenant: hands steps to its engine.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::time::Instant;

use super::{
    misc,
    noting::{Noted, Noting},
    told::Told,
    tx::{Engine, Fault, Step, Tx, Work},
};
use crate::{
    metrics::StoreMeter,
    store::{Changed, Changes, Kept, Result, Subscriber},
    traces::{Kind, Span},
};

/// The store of one tenant on some engine.
pub(crate) struct SqlStore<E> {
    pub(super) engine: Arc<E>,
    tenant: Arc<str>,
    /// What changed of what may be kept in memory.
    pub(super) changes: Arc<Changes>,
    /// Where steps are counted.
    pub(super) meter: ArcSwapOption<StoreMeter>,
    /// Who is told of events.
    pub(super) subscribers: ArcSwap<Vec<Subscriber>>,
    /// How long events are kept.
    pub(super) kept: ArcSwap<Kept>,
    /// How many steps here wrote something that must not be overlooked.
    pub(super) raised: AtomicU64,
}

/// What a step does with an input.
trait Run<I, T>: for<'a> Fn(&'a mut dyn Tx, &'a I) -> Work<'a, T> + Copy + Send + Sync + 'static {}

impl<I, T, F> Run<I, T> for F where
    F: for<'a> Fn(&'a mut dyn Tx, &'a I) -> Work<'a, T> + Copy + Send + Sync + 'static
{
}

/// What a step changed, and whether it wrote something that must not be overlooked.
type Notes = (Noted, Arc<AtomicBool>);

/// What a step is called in metrics and traces: the method of the store that it is written in.
fn operation<R>() -> &'static str {
    let path = std::any::type_name::<R>();
    let method = path.rsplit("::").find(|part| !part.starts_with('{')).unwrap_or_default();
    method.split('<').next().unwrap_or_default()
}

/// A step that writes for each event what its subscribers are sent, and notes what it changes; `tell` tells others.
fn writing<I: Send + Sync + 'static, T: Send + 'static>(
    input: I,
    run: impl Run<I, T>,
    (subscribers, noted, tell): (Arc<Vec<Subscriber>>, Notes, Option<&'static str>),
) -> Step<T> {
    let shared = Arc::new((input, subscribers, noted));
    Arc::new(move |tx| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            let (input, subscribers, (noted, raised)) = &*shared;
            let mut noting = Noting::new(tx, noted);
            let done = run(&mut Told { tx: &mut noting, subscribers, raised }, input).await?;
            noting.end(tell).await?;
            Ok(done)
        })
    })
}

fn step<I: Send + Sync + 'static, T: 'static>(input: I, run: impl Run<I, T>) -> Step<T> {
    let input = Arc::new(input);
    Arc::new(move |tx| {
        let input = Arc::clone(&input);
        Box::pin(async move { run(tx, &input).await })
    })
}

impl<E: Engine> SqlStore<E> {
    /// Whether the database answers. Whoever asks must not stand behind those who keep it busy.
    pub(super) async fn is_there(&self) -> Result<()> {
        if self.engine.has_answered_lately() {
            return Ok(());
        }
        self.read((), |tx, ()| Box::pin(misc::ping(tx))).await
    }

    /// Another process told something: a number, what changed, and of which tenant.
    pub(super) fn heard(&self, told: &str) {
        let mut words = told.splitn(3, ' ');
        let (number, changed, tenant) = (words.next(), words.next(), words.next());
        let number = number.and_then(|number| number.parse().ok());
        match (number, changed, tenant) {
            (Some(number), Some(changed), Some(tenant)) if *tenant == *self.tenant => {
                self.changes.heard(number, &Changed::read(changed));
            }
            (Some(_), Some(_), Some(_)) => {}
            _ => self.changes.note(&Changed::Everything),
        }
    }

    pub(crate) fn new(engine: Arc<E>, tenant: &str) -> Self {
        Self {
            engine,
            tenant: tenant.into(),
            changes: Arc::new(Changes::new(E::TELL.is_none())),
            meter: ArcSwapOption::default(),
            subscribers: ArcSwap::default(),
            kept: ArcSwap::default(),
            raised: AtomicU64::new(0),
        }
    }

    pub(super) async fn write<I, T, R>(&self, input: I, run: R) -> Result<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        R: for<'a> Fn(&'a mut dyn Tx, &'a I) -> Work<'a, T> + Copy + Send + Sync + 'static,
    {
        let noted = Noted::new(Arc::clone(&self.changes));
        let raised = Arc::new(AtomicBool::new(false));
        let step = writing(input, run, (self.subscribers.load_full(), (noted, raised.clone()), E::TELL));
        let done =
            self.measured(operation::<R>(), async { Ok(self.engine.write(&self.tenant, step).await?) }).await;
        // Counted once it can be read, also where nobody knows whether it was stored: then it is looked for in vain.
        if raised.load(Ordering::Acquire) {
            self.raised.fetch_add(1, Ordering::AcqRel);
        }
        done
    }

    pub(super) async fn read<I, T, R>(&self, input: I, run: R) -> Result<T>
    where
        I: Send + Sync + 'static,
        T: Default + Send + 'static,
        R: for<'a> Fn(&'a mut dyn Tx, &'a I) -> Work<'a, T> + Copy + Send + Sync + 'static,
    {
        self.measured(operation::<R>(), async {
            match self.engine.read(&self.tenant, step(input, run)).await {
                Ok(found) => Ok(found),
                // Nothing is stored under such a name.
                Err(Fault::Unstorable) => Ok(T::default()),
                Err(fault) => Err(fault.into()),
            }
        })
        .await
    }

    /// Counts a step, and tells of it in the trace of the request that it is for.
    async fn measured<T>(&self, operation: &'static str, step: impl Future<Output = Result<T>>) -> Result<T> {
        let span = Span::within(|| format!("store {operation}").into(), Kind::Client);
        let began = Instant::now();
        let outcome = step.await;
        if let Some(meter) = &*self.meter.load() {
            meter.took(operation, began.elapsed(), outcome.as_ref().err());
        }
        if let Some(span) = span {
            span.set("db.operation.name", operation);
            if outcome.is_err() {
                span.fail();
            }
        }
        outcome
    }
}
