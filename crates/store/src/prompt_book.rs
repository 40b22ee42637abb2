//! Everything that prompts are composed of, kept in memory until something of it changes: each start and each
//! preview needs all of it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use berth_protocol::{PromptId, PromptPolicy, SystemPrompt};

use crate::{Store, StoreError};

/// Longest content of all prompts together that is kept, in bytes. More is read anew each time.
const KEPT: usize = 8 * 1024 * 1024;

/// All prompts, and what holds for them.
#[derive(Debug, PartialEq, Eq)]
pub struct PromptBook {
    /// In the order of their scopes and then as they are composed.
    pub prompts: Arc<Vec<SystemPrompt>>,
    /// Those that the user does not want.
    pub declined: Vec<PromptId>,
    /// What is done about words that try to override higher scopes.
    pub policy: PromptPolicy,
}

/// The book as it was read last, and how often prompts or policies have changed.
#[derive(Debug, Default)]
pub(crate) struct Book {
    changes: AtomicU64,
    read: Mutex<Option<(u64, Arc<PromptBook>)>>,
}

impl Book {
    /// Prompts or policies have changed.
    pub(crate) fn is_old(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.place().take();
    }

    fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    fn place(&self) -> std::sync::MutexGuard<'_, Option<(u64, Arc<PromptBook>)>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// All prompts, and what holds for them, as after the last change that was acknowledged.
    ///
    /// # Errors
    /// Those of any read; [`StoreError::Corrupt`] when the policy cannot be read.
    pub async fn prompt_book(&self) -> Result<Arc<PromptBook>, StoreError> {
        let book = self.book();
        let changes = book.changes();
        if let Some((_, known)) = book.place().as_ref().filter(|(read, _)| *read == changes) {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(PromptBook {
            prompts: Arc::new(self.prompts().await?),
            declined: self.declined_prompts().await?,
            policy: self.prompt_policy().await?,
        });
        let bytes: usize = read.prompts.iter().map(|it| it.content.len()).sum();
        if bytes <= KEPT {
            // Under the number from before it was read: a change meanwhile has made it old already.
            *book.place() = Some((changes, Arc::clone(&read)));
        }
        Ok(read)
    }
}
