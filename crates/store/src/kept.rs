//! What is read often and changes seldom, kept in memory until it changes.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// A value as it was read last, and how often it has changed.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    changes: AtomicU64,
    read: Mutex<Option<(u64, Arc<T>)>>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            changes: AtomicU64::default(),
            read: Mutex::default(),
        }
    }
}

impl<T> Kept<T> {
    /// It has changed.
    pub(crate) fn is_old(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.place().take();
    }

    fn place(&self) -> MutexGuard<'_, Option<(u64, Arc<T>)>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value as after the last change that was acknowledged. One that is not to be `keep`t is read anew each time.
    pub(crate) async fn get<E>(
        &self,
        read: impl Future<Output = Result<T, E>>,
        keep: impl FnOnce(&T) -> bool,
    ) -> Result<Arc<T>, E> {
        let changes = self.changes.load(Ordering::Acquire);
        if let Some((_, known)) = self.place().as_ref().filter(|(read, _)| *read == changes) {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(read.await?);
        if keep(&read) {
            // Under the number from before it was read: a change meanwhile has made it old already.
            *self.place() = Some((changes, Arc::clone(&read)));
        }
        Ok(read)
    }
}
