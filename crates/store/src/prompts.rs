//! System prompts, with everything that they were before.

use berth_protocol::{PromptDraft, PromptId, PromptScope, PromptVersion, SystemPrompt};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::{
    Op, Store, StoreError,
    columns::{Columns, word},
    write::{Change, Subject, Write},
};

const DOING: &str = "reading the prompts";

impl Store {
    /// Adds a prompt.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn create_prompt(
        &self,
        draft: &PromptDraft,
        author: Option<&str>,
    ) -> Result<SystemPrompt, StoreError> {
        let mut write = self.write("adding a prompt").await?;
        let at = write.at();
        let prompt = of(
            PromptId(Uuid::now_v7()),
            draft,
            Edit {
                version: 1,
                author,
                at,
            },
        );
        let insert = sqlx::query(
            "INSERT INTO prompts (id, scope, name, format, content, priority, enabled, locked, target,
                                  version, author, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
        )
        .bind(prompt.id.to_string())
        .bind(word(&prompt.scope))
        .bind(&prompt.name)
        .bind(word(&prompt.format))
        .bind(&prompt.content)
        .bind(prompt.priority)
        .bind(prompt.enabled)
        .bind(prompt.locked)
        .bind(json!(prompt.target).to_string())
        .bind(author)
        .bind(at.as_millisecond())
        .bind(at.as_millisecond());
        write.execute(insert).await?;
        commit(write, "prompt.created", &prompt).await?;
        Ok(prompt)
    }

    /// All prompts, in the order of their scopes and then as they are composed.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn prompts(&self) -> Result<Vec<SystemPrompt>, StoreError> {
        // The words of the scopes are in the order of their ranks.
        let query = sqlx::query("SELECT * FROM prompts ORDER BY scope, priority, name, id");
        let rows = self.rows(DOING, query).await?;
        rows.iter().map(|row| prompt(row, DOING)).collect()
    }

    /// One prompt, if it exists.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn prompt(&self, id: PromptId) -> Result<Option<SystemPrompt>, StoreError> {
        let query = sqlx::query("SELECT * FROM prompts WHERE id = ?").bind(id.to_string());
        let row = self.row(DOING, query).await?;
        row.map(|row| prompt(&row, DOING)).transpose()
    }

    /// What a prompt was, the newest version first, those before a number if one is given; empty when there are
    /// none.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn prompt_versions(
        &self,
        id: PromptId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PromptVersion>, StoreError> {
        let query = sqlx::query(
            "SELECT prompt_versions.*, prompts.scope FROM prompt_versions
             JOIN prompts ON prompts.id = prompt_id
             WHERE prompt_id = ? AND prompt_versions.version < ?
             ORDER BY prompt_versions.version DESC LIMIT ?",
        );
        let query = query
            .bind(id.to_string())
            .bind(before.map_or(i64::MAX, i64::from))
            .bind(limit);
        let rows = self.rows(DOING, query).await?;
        rows.iter().map(|row| version(row, DOING)).collect()
    }

    /// What a prompt was in one version, if there was such a one.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn prompt_version(
        &self,
        id: PromptId,
        number: u32,
    ) -> Result<Option<PromptVersion>, StoreError> {
        let query = sqlx::query(
            "SELECT prompt_versions.*, prompts.scope FROM prompt_versions
             JOIN prompts ON prompts.id = prompt_id
             WHERE prompt_id = ? AND prompt_versions.version = ?",
        );
        let query = query.bind(id.to_string()).bind(number);
        let row = self.row(DOING, query).await?;
        row.map(|row| version(&row, DOING)).transpose()
    }

    /// How many prompts a scope has.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn count_prompts(&self, scope: PromptScope) -> Result<u64, StoreError> {
        let query = sqlx::query("SELECT count(*) AS count FROM prompts WHERE scope = ?");
        let row = self.row(DOING, query.bind(word(&scope))).await?;
        row.map_or(Ok(0), |row| Columns::of(&row, DOING).number("count"))
    }

    /// Changes a prompt that still has the version which was edited. Its scope stays what it is. An edit that
    /// changes nothing makes no version.
    ///
    /// # Errors
    /// [`StoreError::PromptNotFound`]; [`StoreError::PromptChanged`] when somebody was faster.
    pub async fn update_prompt(
        &self,
        id: PromptId,
        edited: u32,
        draft: &PromptDraft,
        author: Option<&str>,
    ) -> Result<SystemPrompt, StoreError> {
        let (mut write, old) = self.write_prompt("changing a prompt", id, edited).await?;
        let same = PromptDraft {
            scope: old.scope,
            ..draft.clone()
        };
        if old.draft() == same {
            write.abandon().await?;
            return Ok(old);
        }
        let version = old.version.saturating_add(1);
        let at = write.at();
        let prompt = SystemPrompt {
            scope: old.scope,
            created_at: old.created_at,
            ..of(
                id,
                draft,
                Edit {
                    version,
                    author,
                    at,
                },
            )
        };
        let update = sqlx::query(
            "UPDATE prompts SET name = ?, format = ?, content = ?, priority = ?, enabled = ?,
                                locked = ?, target = ?, version = ?, author = ?, updated_at = ?
             WHERE id = ?",
        )
        .bind(&prompt.name)
        .bind(word(&prompt.format))
        .bind(&prompt.content)
        .bind(prompt.priority)
        .bind(prompt.enabled)
        .bind(prompt.locked)
        .bind(json!(prompt.target).to_string())
        .bind(prompt.version)
        .bind(author)
        .bind(at.as_millisecond())
        .bind(id.to_string());
        write.execute(update).await?;
        commit(write, "prompt.changed", &prompt).await?;
        Ok(prompt)
    }

    /// Removes a prompt that still has the version which was looked at, with all that it was before.
    /// Sessions keep what they were started with.
    ///
    /// # Errors
    /// As [`update_prompt`](Self::update_prompt).
    pub async fn delete_prompt(&self, id: PromptId, seen: u32) -> Result<(), StoreError> {
        let (mut write, old) = self.write_prompt("removing a prompt", id, seen).await?;
        for table in [
            "DELETE FROM declined_prompts WHERE prompt_id = ?",
            "DELETE FROM prompt_versions WHERE prompt_id = ?",
            "DELETE FROM prompts WHERE id = ?",
        ] {
            write
                .execute(sqlx::query(table).bind(id.to_string()))
                .await?;
        }
        write
            .commit(Change {
                action: "prompt.deleted",
                subject: Subject::Prompt(id),
                details: json!({"scope": old.scope, "version": old.version}),
                op: Op::Delete,
                payload: json!({"version": old.version}),
            })
            .await
    }

    /// Takes a prompt to the place before another one of its scope, or to the end. Others keep their
    /// priorities as long as there is one between them; each prompt whose priority changes gets a new
    /// version. Gives the prompts of the scope in their new order.
    ///
    /// # Errors
    /// As [`update_prompt`](Self::update_prompt); [`StoreError::PromptNotFound`] also when there is no
    /// prompt `before` in the scope.
    pub async fn move_prompt(
        &self,
        id: PromptId,
        seen: u32,
        before: Option<PromptId>,
        author: Option<&str>,
    ) -> Result<Vec<SystemPrompt>, StoreError> {
        let (mut write, moved) = self.write_prompt("moving a prompt", id, seen).await?;
        let query =
            sqlx::query("SELECT * FROM prompts WHERE scope = ? ORDER BY priority, name, id")
                .bind(word(&moved.scope));
        let rows = write.rows(query).await?;
        let rows = rows.iter().map(|row| prompt(row, write.doing()));
        let mut order: Vec<SystemPrompt> = rows.collect::<Result<_, _>>()?;
        let old: Vec<PromptId> = order.iter().map(|prompt| prompt.id).collect();
        order.retain(|prompt| prompt.id != id);
        let place = match before {
            None => Some(order.len()),
            Some(before) if before == id => old.iter().position(|prompt| *prompt == id),
            Some(before) => order.iter().position(|prompt| prompt.id == before),
        };
        let Some(place) = place else {
            write.abandon().await?;
            return Err(StoreError::PromptNotFound(before.unwrap_or(id)));
        };
        order.insert(place, moved);
        if order.iter().map(|prompt| prompt.id).eq(old) {
            write.abandon().await?;
            return Ok(order);
        }
        let at = write.at();
        for (prompt, priority) in placed(&order, place) {
            let prompt = &mut order[prompt];
            *prompt = SystemPrompt {
                priority,
                version: prompt.version.saturating_add(1),
                author: author.map(str::to_owned),
                updated_at: at,
                ..prompt.clone()
            };
            let update = sqlx::query(
                "UPDATE prompts SET priority = ?, version = ?, author = ?, updated_at = ? WHERE id = ?",
            )
            .bind(priority)
            .bind(prompt.version)
            .bind(author)
            .bind(at.as_millisecond())
            .bind(prompt.id.to_string());
            write.execute(update).await?;
            keep_version(&mut write, prompt).await?;
            write.add(change("prompt.moved", prompt)).await?;
        }
        write.end_changes().await?;
        Ok(order)
    }

    /// The prompts that the user does not want.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn declined_prompts(&self) -> Result<Vec<PromptId>, StoreError> {
        let query = sqlx::query("SELECT prompt_id FROM declined_prompts ORDER BY prompt_id");
        let rows = self.rows(DOING, query).await?;
        rows.iter()
            .map(|row| Columns::of(row, DOING).parse("prompt_id"))
            .collect()
    }

    /// Notes whether the user wants a prompt, which may be one that an organization shares.
    ///
    /// # Errors
    /// [`StoreError::PromptNotFound`].
    pub async fn decline_prompt(&self, id: PromptId, declined: bool) -> Result<(), StoreError> {
        let mut write = self.write("declining a prompt").await?;
        let query = sqlx::query(
            "SELECT 1 FROM prompts WHERE id = ?1
             UNION ALL SELECT 1 FROM replica_rows WHERE kind = 'prompt' AND entity_id = ?1
             UNION ALL SELECT 1 FROM mutations WHERE kind = 'prompt' AND entity_id = ?1
             LIMIT 1",
        );
        if write.row(query.bind(id.to_string())).await?.is_none() {
            write.abandon().await?;
            return Err(StoreError::PromptNotFound(id));
        }
        let (sql, action) = if declined {
            (
                "INSERT INTO declined_prompts (prompt_id) VALUES (?) ON CONFLICT DO NOTHING",
                "prompt.declined",
            )
        } else {
            (
                "DELETE FROM declined_prompts WHERE prompt_id = ?",
                "prompt.accepted",
            )
        };
        if write.execute(sqlx::query(sql).bind(id.to_string())).await? == 0 {
            return write.abandon().await;
        }
        // A choice of this user: the prompt itself is the same, so that there is nothing to send.
        write
            .commit_note(action, "prompt", &id.to_string(), &json!({}))
            .await
    }

    async fn write_prompt(
        &self,
        doing: &'static str,
        id: PromptId,
        seen: u32,
    ) -> Result<(Write, SystemPrompt), StoreError> {
        let mut write = self.write(doing).await?;
        let query = sqlx::query("SELECT * FROM prompts WHERE id = ?").bind(id.to_string());
        let old = match write.row(query).await? {
            Some(row) => prompt(&row, doing)?,
            None => {
                write.abandon().await?;
                return Err(StoreError::PromptNotFound(id));
            }
        };
        if old.version != seen {
            write.abandon().await?;
            let found = old.version;
            return Err(StoreError::PromptChanged { id, found });
        }
        Ok((write, old))
    }
}

/// An edit.
struct Edit<'a> {
    version: u32,
    author: Option<&'a str>,
    at: berth_protocol::Timestamp,
}

fn of(id: PromptId, draft: &PromptDraft, edit: Edit<'_>) -> SystemPrompt {
    let draft = draft.clone();
    SystemPrompt {
        id,
        scope: draft.scope,
        name: draft.name,
        format: draft.format,
        content: draft.content,
        priority: draft.priority,
        enabled: draft.enabled,
        locked: draft.locked,
        target: draft.target,
        version: edit.version,
        author: edit.author.map(str::to_owned),
        created_at: edit.at,
        updated_at: edit.at,
    }
}

/// Between two prompts, so that another one can be put there.
const STEP: i32 = 10;

/// What has to be written so that the prompt at `place` stands there: its own priority if there is one
/// between those around it, else those of as many behind it as have to make room. Places are from 0.
pub fn placed(order: &[SystemPrompt], place: usize) -> Vec<(usize, i32)> {
    let priority = |place: usize| order.get(place).map(|prompt| prompt.priority);
    let below = place.checked_sub(1).and_then(priority);
    let own = match (below, priority(place + 1)) {
        (None, None) => return Vec::new(),
        (Some(below), None) => below.checked_add(STEP),
        (None, Some(above)) => above.checked_sub(STEP),
        (Some(below), Some(above)) => {
            let between = below.midpoint(above);
            (between > below && between < above).then_some(between)
        }
    };
    if let Some(own) = own {
        return vec![(place, own)];
    }
    let mut moved = Vec::new();
    let mut last = below.unwrap_or_default();
    for (place, prompt) in order.iter().enumerate().skip(place) {
        if !moved.is_empty() && prompt.priority > last {
            return moved;
        }
        match last.checked_add(STEP) {
            Some(next) => last = next,
            None => return numbered(order),
        }
        moved.push((place, last));
    }
    moved
}

/// Everybody's priority anew.
fn numbered(order: &[SystemPrompt]) -> Vec<(usize, i32)> {
    let numbers = (1..).map(|number: i32| number.saturating_mul(STEP));
    let all = order.iter().zip(numbers).enumerate();
    all.filter(|(_, (prompt, priority))| prompt.priority != *priority)
        .map(|(place, (_, priority))| (place, priority))
        .collect()
}

/// Keeps what the prompt is now among its versions, and commits.
async fn commit(
    mut write: Write,
    action: &'static str,
    prompt: &SystemPrompt,
) -> Result<(), StoreError> {
    keep_version(&mut write, prompt).await?;
    write.commit(change(action, prompt)).await
}

async fn keep_version(write: &mut Write, prompt: &SystemPrompt) -> Result<(), StoreError> {
    let insert = sqlx::query(
        "INSERT INTO prompt_versions (prompt_id, version, name, format, content, priority, enabled,
                                      locked, target, author, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(prompt.id.to_string())
    .bind(prompt.version)
    .bind(&prompt.name)
    .bind(word(&prompt.format))
    .bind(&prompt.content)
    .bind(prompt.priority)
    .bind(prompt.enabled)
    .bind(prompt.locked)
    .bind(json!(prompt.target).to_string())
    .bind(&prompt.author)
    .bind(prompt.updated_at.as_millisecond());
    write.execute(insert).await?;
    Ok(())
}

fn change(action: &'static str, prompt: &SystemPrompt) -> Change {
    Change {
        action,
        subject: Subject::Prompt(prompt.id),
        details: shape(prompt),
        op: Op::Upsert,
        payload: json!({"version": prompt.version}),
    }
}

/// What the audit trail tells of a prompt: its shape, and a hash by which its words can be known again.
fn shape(prompt: &SystemPrompt) -> Value {
    json!({
        "content_bytes": prompt.content.len(),
        "content_sha256": berth_trail::sha256(prompt.content.as_bytes()),
        "enabled": prompt.enabled,
        "format": prompt.format,
        "locked": prompt.locked,
        "name_chars": prompt.name.chars().count(),
        "scope": prompt.scope,
        "version": prompt.version,
    })
}

fn prompt(row: &SqliteRow, doing: &'static str) -> Result<SystemPrompt, StoreError> {
    let columns = Columns::of(row, doing);
    Ok(SystemPrompt {
        id: columns.parse("id")?,
        scope: columns.word("scope")?,
        name: columns.get("name")?,
        format: columns.word("format")?,
        content: columns.get("content")?,
        priority: columns.number("priority")?,
        enabled: columns.get("enabled")?,
        locked: columns.get("locked")?,
        target: columns.json("target")?,
        version: columns.number("version")?,
        author: columns.get("author")?,
        created_at: columns.moment("created_at")?,
        updated_at: columns.moment("updated_at")?,
    })
}

fn version(row: &SqliteRow, doing: &'static str) -> Result<PromptVersion, StoreError> {
    let columns = Columns::of(row, doing);
    Ok(PromptVersion {
        version: columns.number("version")?,
        draft: PromptDraft {
            scope: columns.word("scope")?,
            name: columns.get("name")?,
            format: columns.word("format")?,
            content: columns.get("content")?,
            priority: columns.number("priority")?,
            enabled: columns.get("enabled")?,
            locked: columns.get("locked")?,
            target: columns.json("target")?,
        },
        author: columns.get("author")?,
        author_name: None,
        at: columns.moment("at")?,
    })
}
