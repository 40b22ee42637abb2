//! What a prompt was, as its backend tells it to whoever may read the prompt.

use berth_protocol::{
    PromptDraft, PromptFormat, PromptId, PromptScope, PromptTarget, PromptVersion, Secret,
    Timestamp, UserId,
};
use serde::Deserialize;

use super::{Remote, RemoteError};

const TABLE: &str = "system_prompt_versions";

/// A version as a row of the backend. Its scope is that of the prompt.
#[derive(Deserialize)]
struct Row {
    prompt_id: PromptId,
    version: u32,
    name: String,
    format: PromptFormat,
    content: String,
    priority: i32,
    enabled: bool,
    locked: bool,
    target: PromptTarget,
    author: Option<UserId>,
    at: Timestamp,
}

impl Remote {
    /// The versions of a prompt, the newest first: those before a number if one is given, at most `limit`. Whoever may
    /// not read the prompt is given none, without an error.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn prompt_versions(
        &self,
        token: &Secret,
        prompt: PromptId,
        scope: PromptScope,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<PromptVersion>, RemoteError> {
        let mut url = self.url(TABLE, TABLE)?;
        {
            let fields =
                "prompt_id,version,name,format,content,priority,enabled,locked,target,author,at";
            let mut query = url.query_pairs_mut();
            query
                .append_pair("select", fields)
                .append_pair("prompt_id", &format!("eq.{prompt}"))
                .append_pair("order", "version.desc")
                .append_pair("limit", &limit.to_string());
            if let Some(before) = before {
                // The backend counts with a sign, and a number beyond that is an error to it.
                let before = i32::try_from(before).unwrap_or(i32::MAX);
                query.append_pair("version", &format!("lt.{before}"));
            }
        }
        let rows: Vec<Row> = self.answer(TABLE, token, self.http.get(url)).await?;
        versions(prompt, scope, before, rows)
    }
}

/// Believes rows as far as it is possible: they are of this prompt, and each is older than the one before it, or paging
/// would go on for ever.
fn versions(
    prompt: PromptId,
    scope: PromptScope,
    before: Option<u32>,
    rows: Vec<Row>,
) -> Result<Vec<PromptVersion>, RemoteError> {
    let wrong = |why: &str| RemoteError::NotUnderstood {
        function: TABLE,
        why: why.to_owned(),
    };
    let mut last = before;
    let mut versions = Vec::with_capacity(rows.len());
    for row in rows {
        if row.prompt_id != prompt {
            return Err(wrong("a version is another prompt's"));
        }
        if last.is_some_and(|last| row.version >= last) {
            return Err(wrong("the versions are not in their order"));
        }
        last = Some(row.version);
        versions.push(PromptVersion {
            version: row.version,
            draft: PromptDraft {
                scope,
                name: row.name,
                format: row.format,
                content: row.content,
                priority: row.priority,
                enabled: row.enabled,
                locked: row.locked,
                target: row.target,
            },
            author: row.author.map(|UserId(author)| author.to_string()),
            author_name: None,
            at: row.at,
        });
    }
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    const PROMPT: PromptId = PromptId(Uuid::from_u128(1));

    fn row(prompt: PromptId, version: u32) -> Value {
        json!({
            "prompt_id": prompt, "version": version, "name": "house", "format": "text", "content": "words",
            "priority": 0, "enabled": true, "locked": false, "target": {}, "author": null,
            "at": "2026-11-28T12:00:00.123456+00:00",
        })
    }

    fn numbers(before: Option<u32>, rows: Value) -> Option<Vec<u32>> {
        let rows = serde_json::from_value(rows).unwrap();
        let versions = versions(PROMPT, PromptScope::Organization, before, rows).ok()?;
        Some(versions.iter().map(|version| version.version).collect())
    }

    #[test]
    fn only_older_and_older_versions_of_the_prompt_are_believed() {
        let both = json!([row(PROMPT, 2), row(PROMPT, 1)]);
        assert_eq!(numbers(None, both.clone()), Some(vec![2, 1]));
        assert_eq!(numbers(Some(3), both.clone()), Some(vec![2, 1]));
        assert_eq!(numbers(Some(2), both), None);
        assert_eq!(numbers(None, json!([row(PROMPT, 1), row(PROMPT, 1)])), None);
        let other = PromptId(Uuid::from_u128(2));
        assert_eq!(numbers(None, json!([row(other, 1)])), None);
    }
}
