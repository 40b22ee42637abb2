//! What an organization is told of its users' sign-ins at the servers that it shares: with whom, for how long and for
//! what. A token is in the keychain and nowhere else.

use berth_protocol::{
    McpConfigurationId, McpGrantFacts,
    tenant::{EntityKind, Tenant},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    settle::Fields,
    told::{self, at_most, fields},
};
use crate::{Store, StoreError, columns::Columns, write::Write};

/// Longest client identifier that the backend takes, in characters, and the most scopes.
const LONGEST_CLIENT: usize = 512;
const MOST_SCOPES: usize = 100;

/// A server that an organization shares.
struct Shared {
    tenant: Tenant,
    /// The row with which the organization knows the sign-in.
    row: Option<Uuid>,
}

impl Store {
    /// The tokens of a sign-in were renewed. Of one that its organization was not told of nothing is told.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn mcp_renewed(
        &self,
        id: McpConfigurationId,
        told: &McpGrantFacts,
    ) -> Result<(), StoreError> {
        let mut write = self.write("noting that a sign-in was renewed").await?;
        let shared = shared(&mut write, id).await?;
        let known = shared.and_then(|shared| Some((shared.tenant, shared.row?)));
        let (Some((tenant, row)), true) = (known, is_told(told)) else {
            return write.abandon().await;
        };
        let mut now = of_grant(told);
        // One that the authorization server has ended comes here too.
        if told.can_refresh {
            now.extend(fields([("refreshed_at", json!(told.given_at))]));
        }
        told::change(&mut write, tenant, EntityKind::McpOauth, row, now).await?;
        write.commit_plain().await
    }
}

/// A sign-in is there, in place of the one before.
pub(crate) async fn began(
    write: &mut Write,
    id: McpConfigurationId,
    told: &McpGrantFacts,
) -> Result<(), StoreError> {
    // What an organization does not take of a sign-in must not be taken for the one before.
    if !is_told(told) {
        return ended(write, id).await;
    }
    let Some(Shared { tenant, row }) = shared(write, id).await? else {
        return Ok(());
    };
    let mut now = of_grant(told);
    now.extend(fields([
        ("signed_in_at", json!(told.given_at)),
        ("refreshed_at", Value::Null),
    ]));
    if let Some(row) = row {
        return told::change(write, tenant, EntityKind::McpOauth, row, now).await;
    }
    let row = Uuid::now_v7();
    keep(write, id, Some(row)).await?;
    now.extend(fields([("mcp_configuration_id", json!(id))]));
    told::add(write, tenant, EntityKind::McpOauth, row, now).await
}

/// A sign-in is there no longer.
pub(crate) async fn ended(write: &mut Write, id: McpConfigurationId) -> Result<(), StoreError> {
    let Some(shared) = shared(write, id).await? else {
        return Ok(());
    };
    let Some(row) = shared.row else {
        return Ok(());
    };
    keep(write, id, None).await?;
    told::remove(write, shared.tenant, EntityKind::McpOauth, row).await
}

async fn shared(write: &mut Write, id: McpConfigurationId) -> Result<Option<Shared>, StoreError> {
    let query = sqlx::query(
        "SELECT org_id, user_id, oauth_row FROM mcp_configurations WHERE id = ? AND org_id IS NOT NULL",
    );
    let Some(row) = write.row(query.bind(id.to_string())).await? else {
        return Ok(None);
    };
    let columns = Columns::of(&row, write.doing());
    Ok(Some(Shared {
        tenant: Tenant {
            org: columns.parse("org_id")?,
            user: columns.parse("user_id")?,
        },
        row: columns.maybe_parse("oauth_row")?,
    }))
}

async fn keep(
    write: &mut Write,
    id: McpConfigurationId,
    row: Option<Uuid>,
) -> Result<(), StoreError> {
    let update = sqlx::query("UPDATE mcp_configurations SET oauth_row = ? WHERE id = ?")
        .bind(row.map(|row| row.to_string()))
        .bind(id.to_string());
    write.execute(update).await.map(drop)
}

/// The backend takes issuers that are reached over https, or on the machine itself.
fn is_told(told: &McpGrantFacts) -> bool {
    let near = ["http://127.0.0.1", "http://[::1]"];
    told.issuer.starts_with("https://")
        || near.iter().any(|start| {
            let rest = told.issuer.strip_prefix(start);
            rest.is_some_and(|rest| rest.starts_with([':', '/']))
        })
}

fn of_grant(told: &McpGrantFacts) -> Fields {
    let scopes: Vec<&String> = told.scopes.iter().take(MOST_SCOPES).collect();
    fields([
        ("issuer", json!(told.issuer)),
        (
            "client_id",
            at_most(Some(told.client_id.as_str()), LONGEST_CLIENT),
        ),
        ("scopes", json!(scopes)),
        ("expires_at", json!(told.expires_at)),
        ("can_refresh", json!(told.can_refresh)),
    ])
}
