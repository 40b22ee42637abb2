//! What a composer remembers of each prompt.

use std::collections::HashMap;

use berth_protocol::{
    PromptFormat, PromptId, PromptScope, PromptWarning, SanitizePolicy, SystemPrompt,
};
use sha2::{Digest, Sha256};

use super::{ComposeError, MAX_CONTENT_BYTES, values::Values};
use crate::{
    Field, MAX_VALUE_BYTES, label,
    sanitize::{Finding, inspect, redact},
    template::Templates,
};

/// Most prompts that are remembered.
const MOST: usize = 512;

/// Most bytes of contents and words that are remembered. Compiled templates come on top: some times the
/// length of theirs.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A prompt's words for the last session, and what they were made from.
pub(super) struct Entry {
    content: String,
    format: PromptFormat,
    scope: PromptScope,
    name: String,
    policy: SanitizePolicy,
    /// Name of the compiled template; absent for a text.
    template: Option<String>,
    /// The values that were filled in.
    values: Vec<(Field, String)>,
    /// Its turn of use.
    used: u64,
    /// The name as it stands in labels.
    pub(super) label: String,
    /// The words.
    pub(super) text: String,
    /// SHA-256 of the content.
    content_hash: [u8; 32],
    /// SHA-256 of all that the words follow from.
    pub(super) hash: [u8; 32],
    /// What was found in them.
    pub(super) warnings: Vec<PromptWarning>,
}

/// What a composer remembers.
pub(super) struct Cache {
    entries: HashMap<PromptId, Entry>,
    templates: Templates,
    turn: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            templates: Templates::new(),
            turn: 0,
        }
    }
}

impl Cache {
    /// Begins a turn.
    pub(super) fn start(&mut self) {
        self.turn += 1;
    }

    pub(super) fn get(&self, id: PromptId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Makes a prompt's entry what it has to be for this session.
    pub(super) fn prepare(
        &mut self,
        prompt: &SystemPrompt,
        values: &mut Values,
        policy: SanitizePolicy,
    ) -> Result<(), ComposeError> {
        if let Some(entry) = self.entries.get_mut(&prompt.id)
            && entry.is_of(prompt)
        {
            entry.used = self.turn;
            let same_values = |(field, text): &(Field, String)| values.get(*field).text == *text;
            if entry.policy == policy && entry.values.iter().all(same_values) {
                return Ok(());
            }
        }
        let entry = self.made(prompt, values, policy)?;
        self.entries.insert(prompt.id, entry);
        Ok(())
    }

    fn made(
        &mut self,
        prompt: &SystemPrompt,
        values: &mut Values,
        policy: SanitizePolicy,
    ) -> Result<Entry, ComposeError> {
        let mut check = Check {
            prompt,
            policy,
            warnings: Vec::new(),
        };
        check.length(prompt.content.len(), false)?;
        let fields = self.compiled(prompt)?;
        for field in &fields {
            let value = values.get(*field);
            if value.bytes > MAX_VALUE_BYTES {
                return Err(ComposeError::ValueTooLong {
                    id: prompt.id,
                    name: prompt.name.clone(),
                    field: field.name(),
                    bytes: value.bytes,
                });
            }
            check.found(&value.findings, Some(field.name()))?;
        }
        let template = (prompt.format == PromptFormat::Template).then(|| prompt.id.to_string());
        let filled = match &template {
            Some(name) => self
                .templates
                .fill_in(name, &prompt.content, values.all())
                .map_err(|source| check.template(source))?,
            None => prompt.content.clone(),
        };
        check.length(filled.len(), true)?;
        let text = check.user_words(filled, None)?;
        let name = check.user_words(prompt.name.clone(), Some("name"))?;
        check.length(text.len(), true)?;
        let blank = text.trim().is_empty();
        let text = if blank { String::new() } else { text };
        let values: Vec<(Field, String)> = fields
            .into_iter()
            .map(|field| (field, values.get(field).text.clone()))
            .collect();
        let content_hash = self.content_hash(prompt);
        Ok(Entry {
            hash: hash(&content_hash, prompt.format, policy, &values),
            content_hash,
            content: prompt.content.clone(),
            format: prompt.format,
            scope: prompt.scope,
            name: prompt.name.clone(),
            policy,
            values,
            template,
            used: self.turn,
            label: label::name(&name),
            text,
            warnings: check.warnings,
        })
    }

    /// The hash of the content, which is the longest thing that is hashed for an entry.
    fn content_hash(&self, prompt: &SystemPrompt) -> [u8; 32] {
        let entry = self.entries.get(&prompt.id);
        entry
            .filter(|entry| entry.content == prompt.content)
            .map_or_else(
                || Sha256::digest(prompt.content.as_bytes()).into(),
                |entry| entry.content_hash,
            )
    }

    /// Has the template compiled; returns its fields.
    fn compiled(&mut self, prompt: &SystemPrompt) -> Result<Vec<Field>, ComposeError> {
        if prompt.format == PromptFormat::Text {
            return Ok(Vec::new());
        }
        if let Some(entry) = self.entries.get(&prompt.id)
            && entry.template.is_some()
            && entry.content == prompt.content
        {
            return Ok(entry.values.iter().map(|(field, _)| *field).collect());
        }
        // The entry would be about another template from here on.
        self.entries.remove(&prompt.id);
        let name = prompt.id.to_string();
        self.templates
            .compile(&name, &prompt.content)
            .map_err(|source| ComposeError::Template {
                id: prompt.id,
                name: prompt.name.clone(),
                source,
            })
    }

    /// Keeps what is remembered within its bounds.
    pub(super) fn forget_the_oldest(&mut self) {
        let mut bytes: usize = self.entries.values().map(Entry::bytes).sum();
        while self.entries.len() > MOST || bytes > MOST_BYTES {
            let oldest = self
                .entries
                .iter()
                .min_by_key(|(id, entry)| (entry.used, **id));
            let Some(id) = oldest.map(|(id, _)| *id) else {
                return;
            };
            if let Some(entry) = self.entries.remove(&id) {
                bytes -= entry.bytes();
                if let Some(template) = entry.template {
                    self.templates.remove(&template);
                }
            }
        }
    }
}

impl Entry {
    fn is_of(&self, prompt: &SystemPrompt) -> bool {
        self.format == prompt.format
            && self.scope == prompt.scope
            && self.name == prompt.name
            && self.content == prompt.content
    }

    fn bytes(&self) -> usize {
        self.content.len() + self.text.len()
    }
}

/// The hash of all that a prompt's words follow from: hashing them themselves would take longer than
/// filling them in.
fn hash(
    content: &[u8; 32],
    format: PromptFormat,
    policy: SanitizePolicy,
    values: &[(Field, String)],
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(content);
    hash.update([format as u8, policy as u8]);
    for (field, text) in values {
        hash.update([*field as u8]);
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}

/// The checks of one prompt.
struct Check<'a> {
    prompt: &'a SystemPrompt,
    policy: SanitizePolicy,
    warnings: Vec<PromptWarning>,
}

impl Check<'_> {
    fn length(&self, bytes: usize, filled_in: bool) -> Result<(), ComposeError> {
        if bytes <= MAX_CONTENT_BYTES {
            return Ok(());
        }
        Err(ComposeError::ContentTooLong {
            id: self.prompt.id,
            name: self.prompt.name.clone(),
            bytes,
            filled_in,
        })
    }

    fn template(&self, source: crate::TemplateError) -> ComposeError {
        ComposeError::Template {
            id: self.prompt.id,
            name: self.prompt.name.clone(),
            source,
        }
    }

    /// Words that a user wrote, as they may be passed on; those of others are not questioned.
    fn user_words(&mut self, words: String, field: Option<&str>) -> Result<String, ComposeError> {
        if self.prompt.scope != PromptScope::User {
            return Ok(words);
        }
        let found = inspect(&words);
        if found.is_empty() {
            return Ok(words);
        }
        if self.policy != SanitizePolicy::Redact {
            self.found(&found, field)?;
            return Ok(words);
        }
        let redacted = redact(&words, found);
        self.found(&redacted.findings, field)?;
        Ok(redacted.text.into_owned())
    }

    /// Keeps warnings, or rejects the prompt.
    fn found(&mut self, found: &[Finding], field: Option<&str>) -> Result<(), ComposeError> {
        let (id, policy) = (self.prompt.id, self.policy);
        self.warnings.extend(
            found
                .iter()
                .map(|finding| finding.warning(Some(id), field, policy)),
        );
        if policy == SanitizePolicy::Reject && found.iter().any(Finding::is_attempt) {
            let rejected = |warning: &PromptWarning| {
                use berth_protocol::PromptWarningCode::{ControlCharacters, Mention};
                !matches!(warning.code, Mention | ControlCharacters)
            };
            let mut warnings = std::mem::take(&mut self.warnings);
            warnings.retain(rejected);
            return Err(ComposeError::Rejected {
                id,
                name: self.prompt.name.clone(),
                warnings,
            });
        }
        Ok(())
    }
}
