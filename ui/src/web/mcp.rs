//! The endpoints of MCP servers by name.

use std::collections::BTreeMap;

use berth_protocol::*;

use crate::web::api::Api;
use crate::web::calls::encode;
use crate::web::error::ApiError;
use crate::wire::{Called, FilledForm, McpForm, Tested, ToolCall, Tools};

type Answer<T> = Result<T, ApiError>;

impl Api {
    pub async fn mcp_servers(&self) -> Answer<McpList> {
        self.get("/mcp/configurations").await
    }

    pub async fn create_mcp(&self, draft: &McpDraft) -> Answer<McpConfiguration> {
        self.send("POST", "/mcp/configurations", draft).await
    }

    pub async fn update_mcp(
        &self,
        id: McpConfigurationId,
        edit: &McpEdit,
    ) -> Answer<McpConfiguration> {
        self.send("PUT", &path(id, ""), edit).await
    }

    pub async fn remove_mcp(&self, id: McpConfigurationId, version: u32) -> Answer<()> {
        let path = path(id, &format!("?version={version}"));
        self.act("DELETE", &path).await.map(drop)
    }

    /// Says that the user has seen the whole command or address of this version, and agrees to it.
    pub async fn consent_mcp(
        &self,
        id: McpConfigurationId,
        version: u32,
    ) -> Answer<McpConfiguration> {
        self.send("POST", &path(id, "/consent"), &McpConsent { version })
            .await
    }

    /// Adds a server to the catalog of the active organization.
    pub async fn share_mcp(&self, share: &McpShare) -> Answer<McpConfiguration> {
        self.send("POST", "/mcp/catalog", share).await
    }

    /// Changes what the organization's catalog says of a server.
    pub async fn set_mcp_catalog(
        &self,
        id: McpConfigurationId,
        edit: McpCatalogEdit,
    ) -> Answer<McpConfiguration> {
        self.send("PUT", &path(id, "/catalog"), &edit).await
    }

    /// Takes what the catalog offers, or leaves it.
    pub async fn take_offered_mcp(
        &self,
        id: McpConfigurationId,
        wanted: McpTake,
    ) -> Answer<McpConfiguration> {
        self.send("PUT", &path(id, "/taken"), &wanted).await
    }

    /// Accepts tools as they are now, which are not what they were.
    pub async fn accept_mcp(
        &self,
        id: McpConfigurationId,
        tools: Vec<String>,
    ) -> Answer<McpConfiguration> {
        self.send("POST", &path(id, "/accept"), &McpAccept { tools })
            .await
    }

    pub async fn set_mcp_secret(
        &self,
        id: McpConfigurationId,
        name: &str,
        value: String,
    ) -> Answer<McpConfiguration> {
        let value = Secret::new(value);
        self.send("PUT", &secret_path(id, name), &McpSecret { value })
            .await
    }

    pub async fn remove_mcp_secret(
        &self,
        id: McpConfigurationId,
        name: &str,
    ) -> Answer<McpConfiguration> {
        let answer = self.act("DELETE", &secret_path(id, name)).await?;
        crate::wire::read(&answer).map_err(|_| ApiError::Unreadable)
    }

    /// Begins a sign-in; the address to open is in the answer.
    pub async fn sign_in_mcp(&self, id: McpConfigurationId) -> Answer<McpConfiguration> {
        let answer = self.act("POST", &path(id, "/sign-in")).await?;
        crate::wire::read(&answer).map_err(|_| ApiError::Unreadable)
    }

    /// Ends a sign-in that waits for the browser.
    pub async fn cancel_mcp_sign_in(&self, id: McpConfigurationId) -> Answer<McpConfiguration> {
        let answer = self.act("DELETE", &path(id, "/sign-in")).await?;
        crate::wire::read(&answer).map_err(|_| ApiError::Unreadable)
    }

    pub async fn sign_out_mcp(&self, id: McpConfigurationId) -> Answer<McpSignedOut> {
        let answer = self.act("POST", &path(id, "/sign-out")).await?;
        crate::wire::read(&answer).map_err(|_| ApiError::Unreadable)
    }

    /// Forgets everything that is kept of a server besides its settings.
    pub async fn clear_mcp(&self, id: McpConfigurationId) -> Answer<McpConfiguration> {
        let answer = self.act("POST", &path(id, "/clear")).await?;
        crate::wire::read(&answer).map_err(|_| ApiError::Unreadable)
    }

    /// Starts or asks a server that is kept.
    pub async fn test_mcp(&self, id: McpConfigurationId) -> Answer<Tested> {
        let request = McpTest {
            id: Some(id),
            draft: None,
            secrets: BTreeMap::new(),
        };
        self.send("POST", "/mcp/test", &request).await
    }

    pub async fn mcp_tools(&self, id: McpConfigurationId) -> Answer<Tools> {
        self.get(&path(id, "/tools")).await
    }

    pub async fn call_mcp(&self, id: McpConfigurationId, call: &ToolCall) -> Answer<Called> {
        self.send("POST", &path(id, "/call"), call).await
    }

    /// What a server asks the user of a session to fill in.
    pub async fn mcp_form(&self, id: SessionId) -> Answer<McpForm> {
        self.get(&format!("/sessions/{id}/form")).await
    }

    pub async fn fill_mcp_form(&self, id: SessionId, filled: &FilledForm) -> Answer<()> {
        self.tell(&format!("/sessions/{id}/form"), filled)
            .await
            .map(drop)
    }

    /// What an agent would be given of a server of this name.
    pub async fn mcp_given(&self, agent: &AgentId, name: &str) -> Answer<McpGiven> {
        let query = format!("agent={}&name={}", encode(&agent.to_string()), encode(name));
        self.get(&format!("/mcp/given?{query}")).await
    }

    /// What settings of another program name; nothing is kept or started by it.
    pub async fn import_mcp(&self, text: String) -> Answer<McpImported> {
        self.send("POST", "/mcp/import", &McpImport { text }).await
    }
}

fn path(id: McpConfigurationId, rest: &str) -> String {
    format!("/mcp/configurations/{id}{rest}")
}

fn secret_path(id: McpConfigurationId, name: &str) -> String {
    path(id, &format!("/secrets/{}", encode(name)))
}
