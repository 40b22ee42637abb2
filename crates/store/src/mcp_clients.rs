//! Where the clients of MCP servers belong that were registered by hand: to the authorization server at which each was
//! first used.
//!
//! A server names its authorization server anew each time, and can name somebody else's one day. What was signed in
//! to before is known to the sign-in, but signing out deletes that, while the secret of the client stays in the
//! keychain. So what binds the secret is kept with the configuration, and goes only when the secret does: it is given
//! anew or removed, everything of the server is cleared, or the server moves to another host.

use std::collections::BTreeSet;

use berth_protocol::{McpAuth, McpConfiguration, McpConfigurationId, McpDraft, McpGrantFacts};

use crate::{Store, StoreError, columns::Columns, write::Write};

/// The secret of a client, as [`McpDraft::secrets`] names it.
pub(crate) const SECRET: &str = "client_secret";

impl Store {
    /// The authorization server to which the registered client of a server belongs, once it was used.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn mcp_client_issuer(
        &self,
        id: McpConfigurationId,
    ) -> Result<Option<String>, StoreError> {
        const DOING: &str = "reading where the client of an MCP server belongs";
        let query = sqlx::query("SELECT client_issuer FROM mcp_configurations WHERE id = ?");
        match self.row(DOING, query.bind(id.to_string())).await? {
            Some(row) => Columns::of(&row, DOING).get("client_issuer"),
            None => Ok(None),
        }
    }
}

/// A sign-in was made: its client, if it is the registered one, belongs there from now on.
pub(crate) async fn used(
    write: &mut Write,
    server: &McpConfiguration,
    told: &McpGrantFacts,
) -> Result<(), StoreError> {
    if client(&server.draft) != Some(told.client_id.as_str()) {
        return Ok(());
    }
    let update = sqlx::query(
        "UPDATE mcp_configurations SET client_issuer = coalesce(client_issuer, ?) WHERE id = ?",
    )
    .bind(told.issuer.clone())
    .bind(server.id.to_string());
    write.execute(update).await.map(drop)
}

/// A server was changed, of whose secrets those stay that are `kept`. Another identifier with the secret of before may
/// be a mended slip, or come from an admin: it says nothing of where the secret may go.
pub(crate) async fn follow(
    write: &mut Write,
    old: &McpConfiguration,
    new: &McpDraft,
    kept: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let Some(was) = client(&old.draft) else {
        return Ok(());
    };
    let is_bound = client(new) == Some(was) || old.kept_secrets.contains(SECRET);
    match is_bound && kept.contains(SECRET) {
        true => Ok(()),
        false => forget(write, old.id).await,
    }
}

/// Its user says anew where the client may be used.
pub(crate) async fn forget(write: &mut Write, id: McpConfigurationId) -> Result<(), StoreError> {
    let update = sqlx::query("UPDATE mcp_configurations SET client_issuer = NULL WHERE id = ?");
    write.execute(update.bind(id.to_string())).await.map(drop)
}

fn client(draft: &McpDraft) -> Option<&str> {
    match &draft.auth {
        McpAuth::Oauth { client_id, .. } => client_id.as_deref(),
        McpAuth::None | McpAuth::Bearer => None,
    }
}
