//! The store of one tenant: hands steps to its engine.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{
    told::Told,
    tx::{Engine, Fault, Step, Tx, Work},
};
use crate::store::{Kept, Result, Subscriber};

/// The store of one tenant on some engine.
pub(crate) struct SqlStore<E> {
    engine: Arc<E>,
    tenant: Arc<str>,
    /// Who is told of events.
    pub(super) subscribers: ArcSwap<Vec<Subscriber>>,
    /// How long events are kept.
    pub(super) kept: ArcSwap<Kept>,
}

/// What a step does with an input.
type Run<I, T> = for<'a> fn(&'a mut dyn Tx, &'a I) -> Work<'a, T>;

/// A step that writes for each event what its subscribers are sent.
fn telling<I: Send + Sync + 'static, T: 'static>(
    input: I,
    run: Run<I, T>,
    subscribers: Arc<Vec<Subscriber>>,
) -> Step<T> {
    let input = Arc::new((input, subscribers));
    Arc::new(move |tx| {
        let input = Arc::clone(&input);
        Box::pin(async move { run(&mut Told { tx, subscribers: &input.1 }, &input.0).await })
    })
}

fn step<I: Send + Sync + 'static, T: 'static>(input: I, run: Run<I, T>) -> Step<T> {
    let input = Arc::new(input);
    Arc::new(move |tx| {
        let input = Arc::clone(&input);
        Box::pin(async move { run(tx, &input).await })
    })
}

impl<E: Engine> SqlStore<E> {
    pub(crate) fn new(engine: Arc<E>, tenant: &str) -> Self {
        Self { engine, tenant: tenant.into(), subscribers: ArcSwap::default(), kept: ArcSwap::default() }
    }

    pub(super) async fn write<I: Send + Sync + 'static, T: Send + 'static>(
        &self,
        input: I,
        run: Run<I, T>,
    ) -> Result<T> {
        let subscribers = self.subscribers.load_full();
        let step = if subscribers.is_empty() { step(input, run) } else { telling(input, run, subscribers) };
        Ok(self.engine.write(&self.tenant, step).await?)
    }

    pub(super) async fn read<I: Send + Sync + 'static, T: Default + Send + 'static>(
        &self,
        input: I,
        run: Run<I, T>,
    ) -> Result<T> {
        match self.engine.read(&self.tenant, step(input, run)).await {
            Ok(found) => Ok(found),
            // Nothing is stored under such a name.
            Err(Fault::Unstorable) => Ok(T::default()),
            Err(fault) => Err(fault.into()),
        }
    }
}
