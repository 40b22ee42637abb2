//! Everything that prompts are composed of, kept in memory until something of it changes: each start and each
//! preview needs all of it.

use std::sync::Arc;

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

impl Store {
    /// All prompts, and what holds for them, as after the last change that was acknowledged.
    ///
    /// # Errors
    /// Those of any read; [`StoreError::Corrupt`] when the policy cannot be read.
    pub async fn prompt_book(&self) -> Result<Arc<PromptBook>, StoreError> {
        let read = async {
            Ok(PromptBook {
                prompts: Arc::new(self.prompts().await?),
                declined: self.declined_prompts().await?,
                policy: self.prompt_policy().await?,
            })
        };
        let is_short = |book: &PromptBook| {
            let lengths = book.prompts.iter().map(|prompt| prompt.content.len());
            lengths.sum::<usize>() <= KEPT
        };
        self.book().get(read, is_short).await
    }
}
