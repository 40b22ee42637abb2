//! MCP servers: what their users say of them, and how they were doing. Their secrets are in the keychain; the
//! store knows only which are there.

use std::{collections::BTreeSet, sync::Arc};

use berth_protocol::{
    McpConfiguration, McpConfigurationId, McpDraft, McpGrantFacts, McpScope, McpServer, McpState,
    McpTool, McpTools,
};
use berth_trail::sha256;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::{
    Op, Store, StoreError, canonical_json,
    columns::Columns,
    mcp_allowed, mcp_clients,
    mcp_unreadable::Servers,
    open::Sql,
    tenant::sign_ins,
    write::{Change, Subject, Write},
};

const DOING: &str = "reading the MCP servers";

/// Those that hold now: the user's own, and those of the active organization.
const ALL: &str = "SELECT mcp_configurations.*, mcp_states.state FROM mcp_configurations
                   LEFT JOIN mcp_states ON configuration_id = id
                   WHERE scope = 'user' OR EXISTS (
                       SELECT 1 FROM audit_spans AS s WHERE s.until_seq IS NULL
                           AND s.org_id = mcp_configurations.org_id AND s.user_id = mcp_configurations.user_id
                   )
                   ORDER BY scope, name, id";

const ONE: &str = "SELECT mcp_configurations.*, mcp_states.state FROM mcp_configurations
                   LEFT JOIN mcp_states ON configuration_id = id WHERE id = ?";

impl Store {
    /// Adds a server of the user's own, without secrets and without consent.
    ///
    /// # Errors
    /// [`StoreError::McpExists`] when another of the user's has the name.
    pub async fn create_mcp(&self, draft: &McpDraft) -> Result<McpConfiguration, StoreError> {
        let mut write = self.write("adding an MCP server").await?;
        let id = McpConfigurationId(Uuid::now_v7());
        let at = write.at();
        if let Err(error) = check_name(&mut write, id, &draft.name).await {
            write.abandon().await?;
            return Err(error);
        }
        let insert = sqlx::query(
            "INSERT INTO mcp_configurations (id, scope, name, server, auth, enabled, target, rules,
                                             offers, kept_secrets, version, created_at, updated_at)
             VALUES (?, 'user', ?, ?, ?, ?, ?, ?, ?, '[]', 1, ?, ?)",
        )
        .bind(id.to_string())
        .bind(&draft.name)
        .bind(json!(draft.server).to_string())
        .bind(json!(draft.auth).to_string())
        .bind(draft.enabled)
        .bind(json!(draft.target).to_string())
        .bind(json!(draft.rules).to_string())
        .bind(json!(draft.offers).to_string())
        .bind(at.as_millisecond())
        .bind(at.as_millisecond());
        write.execute(insert).await?;
        let made = of_write(&mut write, id).await?;
        let details = shape(&made);
        commit(write, "mcp.created", &made, details).await?;
        Ok(made)
    }

    /// The user's servers and those of the active organization, by scope and name, without those that cannot be read
    /// (see [`unreadable_mcp`](Self::unreadable_mcp)).
    ///
    /// # Errors
    /// Those of any read.
    pub async fn mcp_configurations(&self) -> Result<Vec<McpConfiguration>, StoreError> {
        Ok(self.servers_now().await?.readable.clone())
    }

    /// One of them, if it exists.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn mcp_configuration(
        &self,
        id: McpConfigurationId,
    ) -> Result<Option<McpConfiguration>, StoreError> {
        let all = self.servers_now().await?;
        let mut all = all.readable.iter();
        Ok(all.find(|server| server.id == id).cloned())
    }

    /// All of them; each call of a tool needs one.
    pub(crate) async fn servers_now(&self) -> Result<Arc<Servers>, StoreError> {
        let read = async {
            let rows = self.rows(DOING, sqlx::query(ALL)).await?;
            Ok(Servers::of(&rows, DOING))
        };
        self.servers().get(read, |_| true).await
    }

    /// Changes a server that still has the version which was edited. How it was doing is forgotten when it is
    /// reached otherwise than before, and so is the consent, which holds for the very settings that were shown.
    /// Of its secrets only those are still known that are `kept`.
    ///
    /// # Errors
    /// [`StoreError::McpNotFound`], [`StoreError::McpExists`]; [`StoreError::McpChanged`] when somebody was
    /// faster.
    pub async fn update_mcp(
        &self,
        id: McpConfigurationId,
        edited: u32,
        draft: &McpDraft,
        kept: &BTreeSet<String>,
    ) -> Result<McpConfiguration, StoreError> {
        let (mut write, old) = self.write_mcp("changing an MCP server", id, edited).await?;
        if old.draft == *draft {
            write.abandon().await?;
            return Ok(old);
        }
        if old.scope == McpScope::User
            && let Err(error) = check_name(&mut write, id, &draft.name).await
        {
            write.abandon().await?;
            return Err(error);
        }
        let kept_secrets: BTreeSet<_> = old.kept_secrets.intersection(kept).collect();
        let update = sqlx::query(
            "UPDATE mcp_configurations SET name = ?, server = ?, auth = ?, enabled = ?, target = ?,
                                           rules = ?, offers = ?, kept_secrets = ?, version = version + 1, updated_at = ?
             WHERE id = ?",
        )
        .bind(&draft.name)
        .bind(json!(draft.server).to_string())
        .bind(json!(draft.auth).to_string())
        .bind(draft.enabled)
        .bind(json!(draft.target).to_string())
        .bind(json!(draft.rules).to_string())
        .bind(json!(draft.offers).to_string())
        .bind(json!(kept_secrets).to_string())
        .bind(write.at().as_millisecond())
        .bind(id.to_string());
        write.execute(update).await?;
        mcp_clients::follow(&mut write, &old, draft, kept).await?;
        if old.draft.server != draft.server || old.draft.auth != draft.auth {
            forget_state(&mut write, id).await?;
        }
        if old.draft.server != draft.server {
            // Another server has other tools.
            let delete = sqlx::query("DELETE FROM mcp_pins WHERE configuration_id = ?");
            write.execute(delete.bind(id.to_string())).await?;
            mcp_allowed::forget(&mut write, id, |_| true).await?;
        }
        // Whoever gives a tool another rule means that, and not what they answered before.
        let (was, is) = (&old.draft.rules, &draft.rules);
        if was != is {
            mcp_allowed::forget(&mut write, id, |tool| was.of(tool) != is.of(tool)).await?;
        }
        let changed = of_write(&mut write, id).await?;
        let details = shape(&changed);
        commit(write, "mcp.changed", &changed, details).await?;
        Ok(changed)
    }

    /// Notes that the user has agreed to the settings of a version.
    ///
    /// # Errors
    /// As [`update_mcp`](Self::update_mcp).
    pub async fn consent_mcp(
        &self,
        id: McpConfigurationId,
        shown: u32,
    ) -> Result<McpConfiguration, StoreError> {
        let doing = "agreeing to an MCP server";
        let (mut write, old) = self.write_mcp(doing, id, shown).await?;
        if old.consented {
            write.abandon().await?;
            return Ok(old);
        }
        let consent = fingerprint(&old.draft.server);
        let update = sqlx::query("UPDATE mcp_configurations SET consent = ? WHERE id = ?")
            .bind(&consent)
            .bind(id.to_string());
        write.execute(update).await?;
        let agreed = of_write(&mut write, id).await?;
        // A choice of this user on this machine: there is nothing to send.
        let details = json!({"server_sha256": consent, "version": shown});
        write
            .commit_note("mcp.consented", "mcp", &id.to_string(), &details)
            .await?;
        Ok(agreed)
    }

    /// A secret is in the keychain now, or no longer. Saying what is known already leaves its trace in the
    /// audit trail too: the secret itself may be another.
    ///
    /// # Errors
    /// [`StoreError::McpNotFound`].
    pub async fn set_mcp_secret(
        &self,
        id: McpConfigurationId,
        name: &str,
        is_there: bool,
    ) -> Result<McpConfiguration, StoreError> {
        self.set_secret(id, (name, is_there), None).await
    }

    /// The sign-in at a server is in the keychain now. Its organization, if it is one of an organization, is told what
    /// may be told of it.
    ///
    /// # Errors
    /// [`StoreError::McpNotFound`].
    pub async fn mcp_signed_in(
        &self,
        id: McpConfigurationId,
        told: &McpGrantFacts,
    ) -> Result<McpConfiguration, StoreError> {
        let secret = (McpConfiguration::SIGN_IN, true);
        self.set_secret(id, secret, Some(told)).await
    }

    async fn set_secret(
        &self,
        id: McpConfigurationId,
        (name, is_there): (&str, bool),
        told: Option<&McpGrantFacts>,
    ) -> Result<McpConfiguration, StoreError> {
        let mut write = self.write("changing an MCP server's secrets").await?;
        let Some(mut changed) = find(&mut write, id).await? else {
            write.abandon().await?;
            return Err(StoreError::McpNotFound(id));
        };
        match is_there {
            true => drop(changed.kept_secrets.insert(name.to_owned())),
            false => drop(changed.kept_secrets.remove(name)),
        }
        changed.updated_at = write.at();
        changed.state = McpState::Untried;
        let update = sqlx::query(
            "UPDATE mcp_configurations SET kept_secrets = ?, updated_at = ? WHERE id = ?",
        )
        .bind(json!(changed.kept_secrets).to_string())
        .bind(changed.updated_at.as_millisecond())
        .bind(id.to_string());
        write.execute(update).await?;
        forget_state(&mut write, id).await?;
        match (name, is_there, told) {
            (McpConfiguration::SIGN_IN, true, Some(told)) => {
                sign_ins::began(&mut write, id, told).await?;
                mcp_clients::used(&mut write, &changed, told).await?;
            }
            (McpConfiguration::SIGN_IN, false, _) => sign_ins::ended(&mut write, id).await?,
            (mcp_clients::SECRET, ..) => mcp_clients::forget(&mut write, id).await?,
            _ => {}
        }
        let action = match (name, is_there) {
            (McpConfiguration::SIGN_IN, true) => "mcp.signed_in",
            (McpConfiguration::SIGN_IN, false) => "mcp.signed_out",
            (_, true) => "mcp.secret_set",
            (_, false) => "mcp.secret_removed",
        };
        commit(write, action, &changed, json!({"secret": name})).await?;
        Ok(changed)
    }

    /// Forgets how a server was doing, the tools that it had, where they were allowed, and where its client was used.
    /// What the tools were when they were accepted stays known, so that they are still compared with that.
    ///
    /// # Errors
    /// [`StoreError::McpNotFound`].
    pub async fn clear_mcp(&self, id: McpConfigurationId) -> Result<McpConfiguration, StoreError> {
        let mut write = self.write("forgetting how an MCP server was doing").await?;
        if find(&mut write, id).await?.is_none() {
            write.abandon().await?;
            return Err(StoreError::McpNotFound(id));
        }
        forget_state(&mut write, id).await?;
        mcp_clients::forget(&mut write, id).await?;
        mcp_allowed::forget(&mut write, id, |_| true).await?;
        let cleared = of_write(&mut write, id).await?;
        // How a server is doing on this machine: there is nothing to send.
        write
            .commit_note("mcp.cleared", "mcp", &id.to_string(), &json!({}))
            .await?;
        Ok(cleared)
    }

    /// Removes a server that still has the version which was looked at.
    ///
    /// # Errors
    /// As [`update_mcp`](Self::update_mcp).
    pub async fn delete_mcp(&self, id: McpConfigurationId, seen: u32) -> Result<(), StoreError> {
        let (mut write, old) = self.write_mcp("removing an MCP server", id, seen).await?;
        let delete = sqlx::query("DELETE FROM mcp_configurations WHERE id = ?");
        write.execute(delete.bind(id.to_string())).await?;
        write
            .commit(Change {
                action: "mcp.deleted",
                subject: Subject::Mcp(id),
                details: json!({"scope": old.scope, "version": old.version}),
                op: Op::Delete,
                payload: json!({"version": old.version}),
            })
            .await
    }

    /// Notes how a server of a version is doing, and the tools that it has if it was asked for them. Nothing is
    /// noted when the server is another one by now. Says how it is now, if it exists.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn set_mcp_state(
        &self,
        id: McpConfigurationId,
        version: u32,
        state: &McpState,
        tools: Option<&[McpTool]>,
    ) -> Result<Option<McpConfiguration>, StoreError> {
        let mut write = self.write("noting how an MCP server is doing").await?;
        write.changes_servers(true);
        let known = find(&mut write, id).await?;
        if known.as_ref().is_none_or(|known| known.version != version) {
            write.abandon().await?;
            return Ok(known);
        }
        let set = sqlx::query(
            "INSERT INTO mcp_states (configuration_id, state, tools, tools_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (configuration_id) DO UPDATE SET
                 state = excluded.state,
                 tools = coalesce(excluded.tools, tools),
                 tools_at = coalesce(excluded.tools_at, tools_at)",
        )
        .bind(id.to_string())
        .bind(json!(state).to_string())
        .bind(tools.map(|tools| json!(tools).to_string()))
        .bind(tools.map(|_| write.at().as_millisecond()));
        write.execute(set).await?;
        let now = find(&mut write, id).await?;
        write.commit_plain().await?;
        Ok(now)
    }

    /// Notes of a call of a tool that it is under way, or what became of one that never left, by the action of the
    /// audit trail.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn note_mcp_call(
        &self,
        id: McpConfigurationId,
        action: &str,
        details: Value,
    ) -> Result<(), StoreError> {
        let mut write = self.write("noting a call of a tool").await?;
        write.changes_servers(false);
        write
            .commit_note(action, "mcp", &id.to_string(), &details)
            .await
    }

    /// The tools that a server had when it was last asked.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn mcp_tools(&self, id: McpConfigurationId) -> Result<McpTools, StoreError> {
        let query = sqlx::query(
            "SELECT tools, tools_at FROM mcp_states WHERE configuration_id = ? AND tools IS NOT NULL",
        );
        match self.row(DOING, query.bind(id.to_string())).await? {
            Some(row) => {
                let columns = Columns::of(&row, DOING);
                Ok(McpTools {
                    tools: columns.json("tools")?,
                    at: Some(columns.moment("tools_at")?),
                })
            }
            None => Ok(McpTools {
                tools: Vec::new(),
                at: None,
            }),
        }
    }

    async fn write_mcp(
        &self,
        doing: &'static str,
        id: McpConfigurationId,
        seen: u32,
    ) -> Result<(Write, McpConfiguration), StoreError> {
        let mut write = self.write(doing).await?;
        let Some(old) = find(&mut write, id).await? else {
            write.abandon().await?;
            return Err(StoreError::McpNotFound(id));
        };
        if old.version != seen {
            write.abandon().await?;
            let found = old.version;
            return Err(StoreError::McpChanged { id, found });
        }
        Ok((write, old))
    }
}

/// Reads the row of a server.
pub(crate) fn one(id: McpConfigurationId) -> Sql<'static> {
    sqlx::query(ONE).bind(id.to_string())
}

pub(crate) async fn find(
    write: &mut Write,
    id: McpConfigurationId,
) -> Result<Option<McpConfiguration>, StoreError> {
    let row = write.row(one(id)).await?;
    row.map(|row| configuration(&row, write.doing()))
        .transpose()
}

async fn of_write(
    write: &mut Write,
    id: McpConfigurationId,
) -> Result<McpConfiguration, StoreError> {
    let row = write.one(one(id)).await?;
    configuration(&row, write.doing())
}

pub(crate) async fn forget_state(
    write: &mut Write,
    id: McpConfigurationId,
) -> Result<(), StoreError> {
    let delete = sqlx::query("DELETE FROM mcp_states WHERE configuration_id = ?");
    write.execute(delete.bind(id.to_string())).await?;
    Ok(())
}

async fn check_name(
    write: &mut Write,
    id: McpConfigurationId,
    name: &str,
) -> Result<(), StoreError> {
    let same = sqlx::query(
        "SELECT id FROM mcp_configurations WHERE scope = 'user' AND name = ? AND id <> ?",
    );
    let same = same.bind(name).bind(id.to_string());
    match write.row(same).await? {
        Some(row) => Err(StoreError::McpExists {
            id: Columns::of(&row, write.doing()).parse("id")?,
        }),
        None => Ok(()),
    }
}

async fn commit(
    write: Write,
    action: &'static str,
    configuration: &McpConfiguration,
    details: Value,
) -> Result<(), StoreError> {
    write
        .commit(Change {
            action,
            subject: Subject::Mcp(configuration.id),
            details,
            op: Op::Upsert,
            payload: json!({"version": configuration.version}),
        })
        .await
}

/// What tells settings of a server from all others: the SHA-256 of their canonical JSON.
fn fingerprint(server: &McpServer) -> String {
    sha256(canonical_json(&json!(server)).as_bytes())
}

/// What the audit trail tells of a server: what is started or asked is what an auditor asks. Arguments and the
/// values of variables and headers may be anything, so that only their shape is told.
pub(crate) fn shape(configuration: &McpConfiguration) -> Value {
    let draft = &configuration.draft;
    let server = match &draft.server {
        McpServer::Stdio {
            command,
            args,
            env,
            secret_env,
        } => json!({
            "args": args.len(),
            "command": command,
            "env": env.keys().chain(secret_env).collect::<Vec<_>>(),
        }),
        McpServer::Http {
            url,
            headers,
            secret_headers,
        }
        | McpServer::Sse {
            url,
            headers,
            secret_headers,
        } => json!({
            "headers": headers.keys().chain(secret_headers).collect::<Vec<_>>(),
            // What is behind the host may be a key.
            "url": url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/"),
        }),
    };
    json!({
        "auth": json!(draft.auth)["type"],
        "enabled": draft.enabled,
        "kept_secrets": configuration.kept_secrets,
        "name": draft.name,
        "offers": draft.offers,
        // Who has let agents do what is the first thing that an auditor asks.
        "rules": draft.rules,
        "scope": configuration.scope,
        "server": server,
        "server_sha256": fingerprint(&draft.server),
        "type": draft.server.kind(),
        "version": configuration.version,
    })
}

pub(crate) fn configuration(
    row: &SqliteRow,
    doing: &'static str,
) -> Result<McpConfiguration, StoreError> {
    let columns = Columns::of(row, doing);
    let server: McpServer = columns.json("server")?;
    let consent: Option<String> = columns.get("consent")?;
    let state: Option<String> = columns.get("state")?;
    let catalog: Option<String> = columns.get("catalog")?;
    Ok(McpConfiguration {
        id: columns.parse("id")?,
        scope: columns.word("scope")?,
        catalog: catalog.map(|_| columns.word("catalog")).transpose()?,
        taken: columns.get("taken")?,
        consented: consent.is_some_and(|consent| consent == fingerprint(&server)),
        draft: McpDraft {
            name: columns.get("name")?,
            server,
            auth: columns.json("auth")?,
            enabled: columns.get("enabled")?,
            target: columns.json("target")?,
            rules: columns.json("rules")?,
            offers: columns.json("offers")?,
        },
        kept_secrets: columns.json("kept_secrets")?,
        // What an earlier program kept of it and this one does not understand can be seen again.
        state: state
            .and_then(|state| serde_json::from_str(&state).ok())
            .unwrap_or_default(),
        // It ends with the engine, which knows of it.
        signing_in: None,
        version: columns.number("version")?,
        created_at: columns.moment("created_at")?,
        updated_at: columns.moment("updated_at")?,
    })
}
