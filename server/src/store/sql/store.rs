//! The store of one tenant: hands steps to its engine.

use std::sync::Arc;

use super::tx::{Engine, Fault, Step, Tx, Work};
use crate::store::Result;

/// The store of one tenant on some engine.
pub(crate) struct SqlStore<E> {
    engine: Arc<E>,
    tenant: Arc<str>,
}

/// What a step does with an input.
type Run<I, T> = for<'a> fn(&'a mut dyn Tx, &'a I) -> Work<'a, T>;

fn step<I: Send + Sync + 'static, T: 'static>(input: I, run: Run<I, T>) -> Step<T> {
    let input = Arc::new(input);
    Arc::new(move |tx| {
        let input = Arc::clone(&input);
        Box::pin(async move { run(tx, &input).await })
    })
}

impl<E: Engine> SqlStore<E> {
    pub(crate) fn new(engine: Arc<E>, tenant: &str) -> Self {
        Self { engine, tenant: tenant.into() }
    }

    pub(super) async fn write<I: Send + Sync + 'static, T: Send + 'static>(
        &self,
        input: I,
        run: Run<I, T>,
    ) -> Result<T> {
        Ok(self.engine.write(&self.tenant, step(input, run)).await?)
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
