//! The MCP servers that an organization shares, beside the user's own: they follow what the user sees of the replica, and
//! what is kept of each on this machine stays with it as long as it is the same server.
//!
//! Secrets of one that is gone, or is reached otherwise, are noted as orphans in the same transaction, so that they are
//! removed from the keychain even if the program ends before it could.

use std::collections::{BTreeMap, BTreeSet};

use berth_protocol::{
    McpConfiguration, McpConfigurationId, McpDraft, McpScope,
    tenant::{EntityKind, Mcp, Tenant},
};
use serde_json::json;
use sqlx::sqlite::SqliteRow;

use super::{
    edit::{self, TenantEdit},
    organizations::cursor,
    orphans::orphan,
    view::{TenantRow, rows_of},
};
use crate::{
    Store, StoreError,
    columns::{Columns, word},
    mcp, mcp_allowed, mcp_clients, mcp_unreadable,
    write::Write,
};

const DOING: &str = "reading the MCP servers of an organization";

const OF_PAIR: &str = "SELECT mcp_configurations.*, mcp_states.state FROM mcp_configurations
                       LEFT JOIN mcp_states ON configuration_id = id
                       WHERE org_id = ? AND user_id = ? ORDER BY name, id";

const OWN: &str = "SELECT id FROM mcp_configurations WHERE scope = 'user'";

/// Which secrets of a server, its sign-in among them, are still good for what it becomes.
pub type Stays = fn(&McpDraft, &McpDraft) -> BTreeSet<String>;

impl Store {
    /// Takes over what an organization says of its servers now. Says whether anything was different.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn share_servers(&self, tenant: Tenant, stays: Stays) -> Result<bool, StoreError> {
        // It is asked for often, and nearly always there is nothing to write.
        let rows = self
            .tenant_rows(tenant, EntityKind::McpConfiguration.as_str())
            .await?;
        let kept = self.rows(DOING, of_pair(tenant)).await?;
        let known = readable(&kept);
        let own = ids(&self.rows(DOING, sqlx::query(OWN)).await?, DOING)?;
        if known.len() == kept.len() && steps(&shared(&rows, &own), &known).is_empty() {
            return Ok(false);
        }
        let mut write = self
            .write("taking over an organization's MCP servers")
            .await?;
        follow(&mut write, tenant, stays).await?;
        write.changes_servers(true);
        write.end_changes().await?;
        Ok(true)
    }

    /// Makes an admin's edit of a server, which the user sees at once. `seen` is the server that was edited, in the version
    /// that was looked at.
    ///
    /// # Errors
    /// As [`edit_tenant`](Self::edit_tenant); [`StoreError::McpNotFound`], [`StoreError::McpChanged`] when the server is
    /// another one by now, [`StoreError::McpExists`] when another of the organization has the name.
    pub async fn edit_server(
        &self,
        tenant: Tenant,
        seen: Option<(McpConfigurationId, u32)>,
        change: TenantEdit,
        stays: Stays,
    ) -> Result<(), StoreError> {
        let name = match &change {
            TenantEdit::Add { fields, .. } | TenantEdit::Change { fields, .. } => {
                fields["name"].as_str().map(str::to_owned)
            }
            TenantEdit::Delete { .. } => None,
        };
        let change = edit::checked(change)?;
        let mut write = self.write("changing an organization's MCP server").await?;
        cursor(&mut write, tenant).await?;
        follow(&mut write, tenant, stays).await?;
        let known = known(&mut write, tenant).await?;
        if let Some((id, version)) = seen {
            let found = known.iter().find(|it| it.id == id).map(|it| it.version);
            if found != Some(version) {
                // What has come meanwhile is kept.
                write.changes_servers(true);
                write.end_changes().await?;
                return Err(match found {
                    Some(found) => StoreError::McpChanged { id, found },
                    None => StoreError::McpNotFound(id),
                });
            }
        }
        let edited = seen.map(|(id, _)| id);
        let same = known.iter().find(|it| {
            let has_name = |name: &String| it.draft.name.eq_ignore_ascii_case(name);
            Some(it.id) != edited && name.as_ref().is_some_and(has_name)
        });
        if let Some(same) = same {
            let id = same.id;
            write.abandon().await?;
            return Err(StoreError::McpExists { id });
        }
        edit::apply(&mut write, tenant, change).await?;
        follow(&mut write, tenant, stays).await?;
        write.changes_servers(true);
        write.end_changes().await
    }

    /// Notes whether the user has taken what the catalog offers.
    ///
    /// # Errors
    /// [`StoreError::McpNotFound`] for what is no server of an organization.
    pub async fn take_server(
        &self,
        id: McpConfigurationId,
        taken: bool,
    ) -> Result<McpConfiguration, StoreError> {
        let mut write = self.write("taking an organization's MCP server").await?;
        let update = sqlx::query(
            "UPDATE mcp_configurations SET taken = ? WHERE id = ? AND scope = 'organization'",
        );
        let update = update.bind(taken).bind(id.to_string());
        let changed = write.execute(update).await?;
        let found = mcp::find(&mut write, id).await?;
        let (1, Some(now)) = (changed, found) else {
            write.abandon().await?;
            return Err(StoreError::McpNotFound(id));
        };
        // A choice of this user on this machine: there is nothing to send.
        let action = if taken { "mcp.taken" } else { "mcp.left" };
        write
            .commit_note(action, "mcp", &id.to_string(), &json!({}))
            .await?;
        Ok(now)
    }
}

fn of_pair(tenant: Tenant) -> crate::open::Sql<'static> {
    sqlx::query(OF_PAIR)
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string())
}

async fn known(write: &mut Write, tenant: Tenant) -> Result<Vec<McpConfiguration>, StoreError> {
    Ok(readable(&write.rows(of_pair(tenant)).await?))
}

fn readable(rows: &[SqliteRow]) -> Vec<McpConfiguration> {
    let read = rows.iter().map(|row| mcp::configuration(row, DOING));
    read.filter_map(Result::ok).collect()
}

/// Removes what cannot be read of the organization's servers: what it says of them now is taken over anew.
async fn forget_unreadable(write: &mut Write, tenant: Tenant) -> Result<(), StoreError> {
    for row in write.rows(of_pair(tenant)).await? {
        if mcp::configuration(&row, DOING).is_err() {
            mcp_unreadable::forget(write, &row).await?;
            let id: String = Columns::of(&row, DOING).get("id")?;
            let details = json!({"unreadable": true});
            write.note("mcp.deleted", "mcp", &id, &details).await?;
        }
    }
    Ok(())
}

fn ids(
    rows: &[SqliteRow],
    doing: &'static str,
) -> Result<BTreeSet<McpConfigurationId>, StoreError> {
    let ids = rows
        .iter()
        .map(|row| Columns::of(row, doing).parse::<McpConfigurationId>("id"));
    ids.collect()
}

/// The organization's servers among the rows. Those that this version cannot read are left out, because nothing can be
/// started of them; and those with the identifier of a server of the user's `own`, which nobody else may replace.
fn shared(rows: &[TenantRow], own: &BTreeSet<McpConfigurationId>) -> Vec<Mcp> {
    let read = rows.iter().filter_map(|row| row.read::<Mcp>().ok());
    read.filter(|server| server.scope == McpScope::Organization && !own.contains(&server.id))
        .collect()
}

/// What it takes to get from what is known to what is wanted.
#[derive(Debug, Default, PartialEq)]
struct Steps {
    added: Vec<Mcp>,
    changed: Vec<(McpConfiguration, Mcp)>,
    gone: Vec<McpConfiguration>,
}

impl Steps {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.gone.is_empty()
    }
}

fn steps(wanted: &[Mcp], known: &[McpConfiguration]) -> Steps {
    let by_id: BTreeMap<_, _> = known.iter().map(|server| (server.id, server)).collect();
    let wanted_ids: BTreeSet<_> = wanted.iter().map(|server| server.id).collect();
    let gone = known.iter().filter(|it| !wanted_ids.contains(&it.id));
    let mut steps = Steps {
        gone: gone.cloned().collect(),
        ..Steps::default()
    };
    for server in wanted {
        match by_id.get(&server.id) {
            None => steps.added.push(server.clone()),
            Some(known) if is_same(known, server) => {}
            Some(known) => steps.changed.push(((*known).clone(), server.clone())),
        }
    }
    steps
}

fn is_same(known: &McpConfiguration, server: &Mcp) -> bool {
    known.catalog == Some(server.catalog) && known.draft == draft(server, &known.draft)
}

/// A server as its organization says, with what its user says of it.
fn draft(server: &Mcp, own: &McpDraft) -> McpDraft {
    McpDraft {
        name: server.name.clone(),
        server: server.server.clone(),
        auth: server.auth.clone(),
        enabled: server.enabled,
        target: server.target.clone(),
        rules: own.rules.clone(),
        offers: own.offers,
    }
}

/// Takes over what the user sees of the organization's servers.
async fn follow(write: &mut Write, tenant: Tenant, stays: Stays) -> Result<(), StoreError> {
    let rows = rows_of(write, tenant, EntityKind::McpConfiguration).await?;
    forget_unreadable(write, tenant).await?;
    let known = known(write, tenant).await?;
    let own = ids(&write.rows(sqlx::query(OWN)).await?, write.doing())?;
    let steps = steps(&shared(&rows, &own), &known);
    if steps.is_empty() {
        return Ok(());
    }
    let gone: Vec<_> = steps.gone.iter().map(|server| server.id).collect();
    for server in &steps.gone {
        orphan(write, server, &BTreeSet::new()).await?;
        remove(write, server.id).await?;
    }
    let mut seen = Vec::new();
    for server in steps.added {
        give_way(write, server.id).await?;
        add(write, tenant, &server).await?;
        seen.push(server.id);
    }
    for (old, server) in steps.changed {
        change(write, &old, &server, stays).await?;
        seen.push(server.id);
    }
    let mut shapes = Vec::new();
    for id in seen {
        if let Some(now) = mcp::find(write, id).await? {
            let mut shape = mcp::shape(&now);
            shape["id"] = json!(id);
            shape["catalog"] = json!(now.catalog);
            shapes.push(shape);
        }
    }
    let details = json!({"gone": gone, "servers": shapes});
    write
        .note(
            "mcp.shared",
            "organization",
            &tenant.org.to_string(),
            &details,
        )
        .await
}

async fn add(write: &mut Write, tenant: Tenant, server: &Mcp) -> Result<(), StoreError> {
    let at = write.at().as_millisecond();
    let insert = sqlx::query(
        "INSERT INTO mcp_configurations (id, scope, org_id, user_id, name, server, auth, enabled, target, catalog,
                                         kept_secrets, version, created_at, updated_at)
         VALUES (?, 'organization', ?, ?, ?, ?, ?, ?, ?, ?, '[]', 1, ?, ?)",
    )
    .bind(server.id.to_string())
    .bind(tenant.org.to_string())
    .bind(tenant.user.to_string())
    .bind(server.name.clone())
    .bind(json!(server.server).to_string())
    .bind(json!(server.auth).to_string())
    .bind(server.enabled)
    .bind(json!(server.target).to_string())
    .bind(word(&server.catalog))
    .bind(at)
    .bind(at);
    write.execute(insert).await.map(drop)
}

async fn change(
    write: &mut Write,
    old: &McpConfiguration,
    server: &Mcp,
    stays: Stays,
) -> Result<(), StoreError> {
    let id = old.id;
    let now = draft(server, &old.draft);
    let stays = stays(&old.draft, &now);
    let kept: BTreeSet<_> = old.kept_secrets.intersection(&stays).collect();
    let update = sqlx::query(
        "UPDATE mcp_configurations SET name = ?, server = ?, auth = ?, enabled = ?, target = ?, catalog = ?,
                                       kept_secrets = ?, version = version + 1, updated_at = ?
         WHERE id = ?",
    )
    .bind(now.name.clone())
    .bind(json!(now.server).to_string())
    .bind(json!(now.auth).to_string())
    .bind(now.enabled)
    .bind(json!(now.target).to_string())
    .bind(word(&server.catalog))
    .bind(json!(kept).to_string())
    .bind(write.at().as_millisecond())
    .bind(id.to_string());
    write.execute(update).await?;
    orphan(write, old, &stays).await?;
    mcp_clients::follow(write, old, &now, &stays).await?;
    if old.draft.server != now.server || old.draft.auth != now.auth {
        mcp::forget_state(write, id).await?;
    }
    if old.draft.server != now.server {
        // Another server has other tools.
        let delete = sqlx::query("DELETE FROM mcp_pins WHERE configuration_id = ?");
        write.execute(delete.bind(id.to_string())).await?;
        mcp_allowed::forget(write, id, |_| true).await?;
    }
    Ok(())
}

/// Removes what another user of this machine has of the server: neither their consent nor their secrets are this one's.
async fn give_way(write: &mut Write, id: McpConfigurationId) -> Result<(), StoreError> {
    let Some(other) = mcp::find(write, id).await? else {
        return Ok(());
    };
    orphan(write, &other, &BTreeSet::new()).await?;
    remove(write, id).await
}

async fn remove(write: &mut Write, id: McpConfigurationId) -> Result<(), StoreError> {
    let delete = sqlx::query("DELETE FROM mcp_configurations WHERE id = ?");
    write.execute(delete.bind(id.to_string())).await.map(drop)
}

/// Notes all secrets of an organization's servers as orphans, before it goes.
pub(super) async fn orphan_all(write: &mut Write, tenant: Tenant) -> Result<(), StoreError> {
    for row in write.rows(of_pair(tenant)).await? {
        match mcp::configuration(&row, DOING) {
            Ok(server) => orphan(write, &server, &BTreeSet::new()).await?,
            Err(_) => mcp_unreadable::orphan(write, &row).await?,
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "servers_tests.rs"]
mod tests;
