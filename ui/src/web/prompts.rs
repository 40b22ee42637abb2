//! The endpoints of prompts by name.

use berth_protocol::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use crate::web::api::Api;
use crate::web::error::ApiError;
use crate::web::files::Download;
use crate::wire::{Given, Write};

type Answer<T> = Result<T, ApiError>;

impl Api {
    pub async fn prompts(&self) -> Answer<PromptList> {
        self.get("/prompts").await
    }

    pub async fn create_prompt(&self, draft: &PromptDraft) -> Answer<SystemPrompt> {
        self.send("POST", "/prompts", draft).await
    }

    pub async fn update_prompt(&self, id: PromptId, edit: &PromptEdit) -> Answer<SystemPrompt> {
        self.send("PUT", &format!("/prompts/{id}"), edit).await
    }

    /// Says whether the user wants a prompt of an organization.
    pub async fn decline_prompt(&self, id: PromptId, declined: bool) -> Answer<()> {
        let body = PromptChoice { declined }.write().into();
        self.response("PUT", &format!("/prompts/{id}/declined"), Some(body), &[])
            .await
            .map(drop)
    }

    pub async fn remove_prompt(&self, id: PromptId, version: u32) -> Answer<()> {
        self.act("DELETE", &format!("/prompts/{id}?version={version}"))
            .await
            .map(drop)
    }

    pub async fn move_prompt(&self, id: PromptId, to: &PromptMove) -> Answer<PromptOrder> {
        self.send("POST", &format!("/prompts/{id}/move"), to).await
    }

    /// The versions of a prompt, the newest first: as many as anybody looks through.
    pub async fn prompt_versions(&self, id: PromptId) -> Answer<PromptVersions> {
        const MOST: usize = 500;
        let path = format!("/prompts/{id}/versions");
        let mut all: PromptVersions = self.get(&path).await?;
        while let Some(before) = all.next.filter(|_| all.versions.len() < MOST) {
            let more: PromptVersions = self.get(&format!("{path}?before={before}")).await?;
            all.versions.extend(more.versions);
            all.next = more.next;
        }
        Ok(all)
    }

    pub async fn prompt_diff(&self, id: PromptId, from: u32, to: u32) -> Answer<TextDiff> {
        self.get(&format!("/prompts/{id}/diff?from={from}&to={to}"))
            .await
    }

    pub async fn restore_prompt(
        &self,
        id: PromptId,
        wanted: &PromptRestore,
    ) -> Answer<SystemPrompt> {
        self.send("POST", &format!("/prompts/{id}/restore"), wanted)
            .await
    }

    pub async fn set_prompt_policy(&self, policy: PromptPolicy) -> Answer<PromptPolicy> {
        self.send("PUT", "/prompts/policy", &policy).await
    }

    pub async fn preview_prompt(&self, request: &PreviewRequest) -> Answer<PromptPreview> {
        self.send("POST", "/prompts/preview", request).await
    }

    pub async fn import_prompts(&self, import: &PromptImport) -> Answer<PromptImported> {
        self.send("POST", "/prompts/import", import).await
    }

    /// What a session's page says of its prompt.
    pub async fn given_prompt(&self, id: SessionId) -> Answer<Given> {
        self.get(&format!("/sessions/{id}/effective-prompt")).await
    }

    pub async fn session_prompt(&self, id: SessionId) -> Answer<SessionPrompt> {
        self.get(&format!("/sessions/{id}/effective-prompt")).await
    }

    /// All prompts in an archive.
    pub async fn export_prompts(&self) -> Answer<Download> {
        Ok(Download {
            name: "berth-prompts.zip".to_owned(),
            content: self.blob("/prompts/export").await?,
        })
    }

    /// One prompt as a file, which the engine gives its name.
    pub async fn export_prompt(&self, id: PromptId) -> Answer<Download> {
        let path = format!("/prompts/{id}/export");
        let response = self.response("GET", &path, None, &[]).await?;
        let told = response.headers().get("content-disposition").ok().flatten();
        let name = told.as_deref().and_then(file_name);
        let blob = response.blob().map_err(|_| ApiError::Unreachable)?;
        let blob = JsFuture::from(blob).await;
        Ok(Download {
            name: name.unwrap_or_else(|| format!("{id}.md")),
            content: blob
                .map_err(|_| ApiError::Unreachable)?
                .dyn_into()
                .map_err(|_| ApiError::Unreadable)?,
        })
    }
}

/// The name in `attachment; filename*=UTF-8''house-rules.md` (RFC 8187).
fn file_name(disposition: &str) -> Option<String> {
    let (_, encoded) = disposition.split_once("UTF-8''")?;
    js_sys::decode_uri_component(encoded).ok().map(String::from)
}
