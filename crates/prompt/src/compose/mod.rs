//! Puts a session's prompts together.

mod cache;
mod error;
mod values;

use std::{cmp::Ordering, collections::HashSet};

use berth_protocol::{EffectivePrompt, PromptPart, PromptWarning, SanitizePolicy, SystemPrompt};
use memchr::memmem;
use sha2::{Digest, Sha256};

use crate::{Context, label};

pub use error::ComposeError;

use cache::{Cache, Entry};
use values::Values;

/// Most prompts of a session.
pub const MAX_PROMPTS: usize = 200;

/// Longest content of a prompt, as written and filled in, in bytes.
pub const MAX_CONTENT_BYTES: usize = 32 * 1024;

/// Longest effective prompt, in bytes, unless the policy says otherwise.
pub const DEFAULT_EFFECTIVE_BYTES: usize = 64 * 1024;

/// Longest effective prompt that a policy can allow, in bytes: some agents take it as one argument, and
/// Linux takes none of 128 KiB.
pub const MAX_EFFECTIVE_BYTES: usize = 120 * 1024;

/// Most warnings of an effective prompt. Whoever makes more of them is not told more by the rest.
pub const MAX_WARNINGS: usize = 200;

/// What an organization decides, and what an agent can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What is done about attempts to override higher scopes.
    pub sanitize: SanitizePolicy,
    /// Longest effective prompt, in bytes; more than [`MAX_EFFECTIVE_BYTES`] counts as that. An agent that
    /// takes it as an argument can take less on Windows.
    pub max_bytes: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            sanitize: SanitizePolicy::default(),
            max_bytes: DEFAULT_EFFECTIVE_BYTES,
        }
    }
}

/// Puts the prompts together that are meant for a session: global, organization, user; within a scope by
/// priority, then name, then id. The order in which they are given makes no difference.
///
/// Of several with the same id the first in that order counts.
/// Prompts that are not active, that are for other sessions, or that are empty once filled in are left out.
pub fn compose(
    prompts: &[SystemPrompt],
    context: &Context,
    policy: &Policy,
) -> Result<EffectivePrompt, ComposeError> {
    Composer::new().compose(prompts, context, policy)
}

/// Composes as [`compose`] does, and remembers what it compiled, filled in and checked.
///
/// For each prompt the compiled template is kept, and the last words with what was found in them. They are
/// used again only for the very same content, policy and values, which are compared and not only hashed.
/// The least recently used are forgotten beyond 512 prompts or 16 MiB. The last text is kept with its hash.
#[derive(Default)]
pub struct Composer {
    cache: Cache,
    values: Values,
    /// What was composed last.
    last: Hashed,
}

/// A text and its hash, which takes longer to make than everything else of a text that is composed again: a
/// processor without instructions for SHA-256 hashes 100 MB in a second, and compares 10 GB.
#[derive(Default)]
struct Hashed {
    text: String,
    sha256: String,
}

impl Hashed {
    fn of(&mut self, text: &str) -> String {
        if self.sha256.is_empty() || self.text != text {
            self.sha256 = label::hexadecimal(&Sha256::digest(text.as_bytes()));
            text.clone_into(&mut self.text);
        }
        self.sha256.clone()
    }
}

impl Composer {
    /// One that remembers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// See [`compose`].
    pub fn compose(
        &mut self,
        prompts: &[SystemPrompt],
        context: &Context,
        policy: &Policy,
    ) -> Result<EffectivePrompt, ComposeError> {
        let chosen = chosen(prompts, context)?;
        self.values.start(context, policy.sanitize);
        self.cache.start();
        for prompt in &chosen {
            self.cache
                .prepare(prompt, &mut self.values, policy.sanitize)?;
        }
        let entries: Vec<(&SystemPrompt, &Entry)> = chosen
            .iter()
            .filter_map(|prompt| Some((*prompt, self.cache.get(prompt.id)?)))
            .collect();
        let max = policy.max_bytes.min(MAX_EFFECTIVE_BYTES);
        let effective = assembled(&entries, max, &mut self.last);
        self.cache.forget_the_oldest();
        effective
    }
}

/// The prompts that are meant, in their order.
fn chosen<'a>(
    prompts: &'a [SystemPrompt],
    context: &Context,
) -> Result<Vec<&'a SystemPrompt>, ComposeError> {
    let mut chosen: Vec<&SystemPrompt> = prompts
        .iter()
        .filter(|prompt| prompt.is_active())
        .filter(|prompt| prompt.target.includes(&context.agent, context.project_id))
        .collect();
    chosen.sort_by(|one, other| order(one, other));
    let mut seen = HashSet::new();
    chosen.retain(|prompt| seen.insert(prompt.id));
    if let Some(prompt) = chosen.get(MAX_PROMPTS) {
        return Err(ComposeError::TooMany {
            count: chosen.len(),
            id: prompt.id,
            name: prompt.name.clone(),
        });
    }
    Ok(chosen)
}

fn order(one: &SystemPrompt, other: &SystemPrompt) -> Ordering {
    let key = |prompt: &SystemPrompt| (prompt.scope, prompt.priority);
    key(one)
        .cmp(&key(other))
        .then_with(|| one.name.cmp(&other.name))
        .then_with(|| one.id.cmp(&other.id))
        // One prompt in two versions is not meant to be given; the newer one counts then.
        .then_with(|| other.version.cmp(&one.version))
        .then_with(|| one.content.cmp(&other.content))
}

fn assembled(
    entries: &[(&SystemPrompt, &Entry)],
    max: usize,
    last: &mut Hashed,
) -> Result<EffectivePrompt, ComposeError> {
    let warnings: Vec<PromptWarning> = entries
        .iter()
        .flat_map(|(_, entry)| entry.warnings.iter().cloned())
        .take(MAX_WARNINGS)
        .collect();
    let parts = || entries.iter().filter(|(_, entry)| !entry.text.is_empty());
    let mut text = String::new();
    let mut placed = Vec::with_capacity(entries.len());
    if parts().next().is_some() {
        let hashed = parts().map(|(prompt, entry)| (prompt.id, prompt.version, &entry.hash));
        let code = label::code(hashed, |code| {
            let finder = memmem::Finder::new(code);
            parts().any(|(_, entry)| finder.find(entry.text.as_bytes()).is_some())
        });
        let length: usize = parts().map(|(_, entry)| entry.text.len() + 160).sum();
        text.reserve(length.min(max) + 512);
        text.push_str(&label::introduction(&code));
        for (prompt, entry) in parts() {
            label::begins(&mut text, &code, prompt.scope, &entry.label, prompt.version);
            let start = text.len();
            text.push_str(&entry.text);
            let end = text.len();
            label::ends(&mut text, &code, prompt.scope, &entry.label);
            if text.len() > max {
                return Err(ComposeError::TooLong {
                    id: prompt.id,
                    name: prompt.name.clone(),
                    limit: max,
                });
            }
            placed.push(PromptPart {
                id: prompt.id,
                name: prompt.name.clone(),
                scope: prompt.scope,
                version: prompt.version,
                start: start.try_into().unwrap_or(u32::MAX),
                end: end.try_into().unwrap_or(u32::MAX),
                own: false,
            });
        }
    }
    Ok(EffectivePrompt {
        sha256: last.of(&text),
        text,
        parts: placed,
        warnings,
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
