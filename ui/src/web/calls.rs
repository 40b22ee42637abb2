//! The engine's endpoints by name.

use berth_protocol::*;

use crate::web::api::Api;
use crate::web::error::ApiError;
use crate::web::files::Download;
use crate::wire::{self, AuditEntries};

/// Messages fetched in one page.
const MESSAGE_PAGE: u32 = 500;
/// Changed files fetched in one page.
const DIFF_PAGE: u32 = 1_000;

type Answer<T> = Result<T, ApiError>;

impl Api {
    pub async fn projects(&self) -> Answer<ProjectList> {
        self.get("/projects").await
    }

    pub async fn add_project(&self, path: &str) -> Answer<Project> {
        self.send(
            "POST",
            "/projects",
            &CreateProject {
                path: path.to_owned(),
                name: None,
            },
        )
        .await
    }

    pub async fn rename_project(&self, id: ProjectId, name: String) -> Answer<Project> {
        self.send("PATCH", &format!("/projects/{id}"), &UpdateProject { name })
            .await
    }

    pub async fn remove_project(&self, id: ProjectId) -> Answer<()> {
        self.act("DELETE", &format!("/projects/{id}"))
            .await
            .map(drop)
    }

    pub async fn branches(&self, id: ProjectId) -> Answer<BranchList> {
        self.get(&format!("/projects/{id}/branches")).await
    }

    pub async fn folders(&self, path: &str) -> Answer<FolderList> {
        self.get(&format!("/folders?path={}", encode(path))).await
    }

    pub async fn home_folder(&self) -> Answer<FolderList> {
        self.get("/folders").await
    }

    /// The MCP servers that a session's agent has.
    pub async fn session_tools(&self, id: SessionId) -> Answer<wire::SessionTools> {
        self.get(&format!("/sessions/{id}/mcp")).await
    }

    pub async fn agents(&self) -> Answer<AgentList> {
        self.get("/agents").await
    }

    pub async fn refresh_agents(&self) -> Answer<()> {
        self.act("POST", "/agents/refresh").await.map(drop)
    }

    pub async fn agent_definition(&self, id: &AgentId) -> Answer<DefinedAgent> {
        self.get(&definition_path(id)).await
    }

    pub async fn define_agent(&self, request: &DefineAgent) -> Answer<DefinedAgent> {
        self.send("POST", "/agents", request).await
    }

    pub async fn redefine_agent(
        &self,
        id: &AgentId,
        definition: &AgentDefinition,
    ) -> Answer<DefinedAgent> {
        self.send("PUT", &definition_path(id), definition).await
    }

    pub async fn forget_agent(&self, id: &AgentId) -> Answer<()> {
        self.act("DELETE", &definition_path(id)).await.map(drop)
    }

    pub async fn set_agent_secret(
        &self,
        id: &AgentId,
        name: &str,
        value: String,
    ) -> Answer<DefinedAgent> {
        let value = Secret::new(value);
        self.send("PUT", &secret_path(id, name), &AgentSecret { value })
            .await
    }

    pub async fn remove_agent_secret(&self, id: &AgentId, name: &str) -> Answer<()> {
        self.act("DELETE", &secret_path(id, name)).await.map(drop)
    }

    pub async fn engine(&self) -> Answer<EngineInfo> {
        self.get("/engine").await
    }

    pub async fn routers(&self) -> Answer<RouterList> {
        self.get("/routers").await
    }

    pub async fn create_router(&self, draft: &RouterDraft) -> Answer<Router> {
        self.send("POST", "/routers", draft).await
    }

    pub async fn update_router(&self, id: RouterId, draft: &RouterDraft) -> Answer<Router> {
        self.send("PUT", &format!("/routers/{id}"), draft).await
    }

    pub async fn remove_router(&self, id: RouterId) -> Answer<()> {
        self.act("DELETE", &format!("/routers/{id}"))
            .await
            .map(drop)
    }

    pub async fn set_router_key(
        &self,
        id: RouterId,
        provider: &str,
        key: String,
    ) -> Answer<Router> {
        let key = Secret::new(key);
        self.send("PUT", &key_path(id, provider), &RouterKey { key })
            .await
    }

    pub async fn remove_router_key(&self, id: RouterId, provider: &str) -> Answer<()> {
        self.act("DELETE", &key_path(id, provider)).await.map(drop)
    }

    pub async fn sessions(&self) -> Answer<SessionList> {
        self.get("/sessions").await
    }

    pub async fn create_session(&self, request: &CreateSession) -> Answer<Session> {
        self.send("POST", "/sessions", request).await
    }

    pub async fn rename_session(&self, id: SessionId, title: String) -> Answer<Session> {
        self.send(
            "PATCH",
            &format!("/sessions/{id}"),
            &UpdateSession { title },
        )
        .await
    }

    pub async fn delete_session(&self, id: SessionId, discard: bool) -> Answer<()> {
        let discard = if discard { "?discard=true" } else { "" };
        self.act("DELETE", &format!("/sessions/{id}{discard}"))
            .await
            .map(drop)
    }

    /// `stop`, `interrupt`, `restart`, `archive` or `restore`. The answer is the session, if the
    /// engine sends one.
    pub async fn act_on_session(&self, id: SessionId, what: &str) -> Answer<Option<Session>> {
        let text = self.act("POST", &format!("/sessions/{id}/{what}")).await?;
        Ok(wire::read(&text).ok())
    }

    /// Starts a session again where it is told to begin.
    pub async fn restart_session(
        &self,
        id: SessionId,
        beginning: Beginning,
    ) -> Answer<Option<Session>> {
        let beginning = Some(beginning);
        let path = format!("/sessions/{id}/restart");
        let text = self.tell(&path, &RestartSession { beginning }).await?;
        Ok(wire::read(&text).ok())
    }

    pub async fn answer(&self, id: SessionId, approval: &Approval) -> Answer<()> {
        self.tell(&format!("/sessions/{id}/approval"), approval)
            .await
            .map(drop)
    }

    pub async fn work(&self, id: SessionId) -> Answer<UnsavedWork> {
        self.get(&format!("/sessions/{id}/work")).await
    }

    pub async fn messages(&self, id: SessionId, after: i64) -> Answer<MessagePage> {
        self.get(&format!(
            "/sessions/{id}/messages?after={after}&limit={MESSAGE_PAGE}"
        ))
        .await
    }

    pub async fn chat(&self, session_id: SessionId, content: String) -> Answer<ChatAccepted> {
        self.send(
            "POST",
            "/chat",
            &ChatRequest {
                session_id,
                content,
            },
        )
        .await
    }

    pub async fn diff(&self, id: SessionId, cursor: Option<&str>) -> Answer<DiffPage> {
        let cursor = cursor
            .map(|cursor| format!("&cursor={}", encode(cursor)))
            .unwrap_or_default();
        self.get(&format!("/sessions/{id}/diff?limit={DIFF_PAGE}{cursor}"))
            .await
    }

    pub async fn patch(&self, id: SessionId, path: &str) -> Answer<FilePatch> {
        self.get(&format!("/sessions/{id}/diff/file?path={}", encode(path)))
            .await
    }

    /// Events, the newest first: of a session or of all, behind one or from the newest on.
    pub async fn audit(
        &self,
        session: Option<SessionId>,
        after: Option<i64>,
        limit: u32,
    ) -> Answer<AuditEntries> {
        let mut path = format!("/audit?order=newest&limit={limit}");
        if let Some(id) = session {
            path.push_str("&session_id=");
            path.push_str(&id.to_string());
        }
        if let Some(after) = after {
            path.push_str("&after=");
            path.push_str(&after.to_string());
        }
        self.get(&path).await
    }

    pub async fn verify_audit(&self) -> Answer<AuditVerification> {
        self.get("/audit/verify").await
    }

    /// The trail of this machine, in a file that proves itself.
    pub async fn export_audit(&self) -> Answer<Download> {
        Ok(Download {
            name: "berth-audit.ndjson".to_owned(),
            content: self.blob("/audit/export").await?,
        })
    }
}

fn definition_path(id: &AgentId) -> String {
    format!("/agents/{id}/definition")
}

fn secret_path(id: &AgentId, name: &str) -> String {
    format!("/agents/{id}/secrets/{}", encode(name))
}

fn key_path(id: RouterId, provider: &str) -> String {
    format!("/routers/{id}/keys/{}", encode(provider))
}

pub(super) fn encode(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}
