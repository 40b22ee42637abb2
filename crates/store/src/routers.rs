//! Routers: settings under a name. The keys of their providers are in the keychain; the store knows
//! only whose are there.

use berth_protocol::{Router, RouterDraft, RouterId};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::{
    Op, Store, StoreError,
    columns::Columns,
    write::{Change, Subject, Write},
};

const DOING: &str = "reading the routers";

impl Store {
    /// Adds a router, without keys.
    ///
    /// # Errors
    /// [`StoreError::RouterExists`] when another has the name.
    pub async fn create_router(&self, draft: &RouterDraft) -> Result<Router, StoreError> {
        let mut write = self.write("adding a router").await?;
        let id = RouterId(Uuid::now_v7());
        let at = write.at();
        if let Err(error) = check_name(&mut write, id, &draft.name).await {
            write.abandon().await?;
            return Err(error);
        }
        let router = Router {
            id,
            name: draft.name.clone(),
            version: 1,
            settings: draft.settings.clone(),
            keys: Vec::new(),
            created_at: at,
            updated_at: at,
        };
        let insert = sqlx::query(
            "INSERT INTO routers (id, name, version, settings, keys, created_at, updated_at)
             VALUES (?, ?, 1, ?, '[]', ?, ?)",
        )
        .bind(id.to_string())
        .bind(&draft.name)
        .bind(json!(draft.settings).to_string())
        .bind(at.as_millisecond())
        .bind(at.as_millisecond());
        write.execute(insert).await?;
        let details = shape(&router);
        commit(write, "router.created", &router, details).await?;
        Ok(router)
    }

    /// All routers, by name.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn routers(&self) -> Result<Vec<Router>, StoreError> {
        let query = sqlx::query("SELECT * FROM routers ORDER BY name, id");
        let rows = self.rows(DOING, query).await?;
        rows.iter().map(|row| router(row, DOING)).collect()
    }

    /// One router, if it exists.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn router(&self, id: RouterId) -> Result<Option<Router>, StoreError> {
        let query = sqlx::query("SELECT * FROM routers WHERE id = ?").bind(id.to_string());
        let row = self.row(DOING, query).await?;
        row.map(|row| router(&row, DOING)).transpose()
    }

    /// Gives a router another name and other settings; its version grows.
    ///
    /// # Errors
    /// [`StoreError::RouterNotFound`], [`StoreError::RouterExists`].
    pub async fn update_router(
        &self,
        id: RouterId,
        draft: &RouterDraft,
    ) -> Result<Router, StoreError> {
        let mut write = self.write("changing a router").await?;
        if let Err(error) = check_name(&mut write, id, &draft.name).await {
            write.abandon().await?;
            return Err(error);
        }
        let at = write.at().as_millisecond();
        let update = sqlx::query(
            "UPDATE routers SET name = ?, settings = ?, version = version + 1, updated_at = ?
             WHERE id = ? RETURNING *",
        )
        .bind(&draft.name)
        .bind(json!(draft.settings).to_string())
        .bind(at)
        .bind(id.to_string());
        let Some(row) = write.row(update).await? else {
            write.abandon().await?;
            return Err(StoreError::RouterNotFound(id));
        };
        let router = router(&row, write.doing())?;
        let details = shape(&router);
        commit(write, "router.changed", &router, details).await?;
        Ok(router)
    }

    /// The key of a provider is in the keychain now, or no longer. Saying what is known already
    /// leaves its trace in the audit trail too: the key itself may be another.
    ///
    /// # Errors
    /// [`StoreError::RouterNotFound`].
    pub async fn set_router_key(
        &self,
        id: RouterId,
        provider: &str,
        is_there: bool,
    ) -> Result<Router, StoreError> {
        let mut write = self.write("changing a router's keys").await?;
        let query = sqlx::query("SELECT * FROM routers WHERE id = ?").bind(id.to_string());
        let Some(row) = write.row(query).await? else {
            write.abandon().await?;
            return Err(StoreError::RouterNotFound(id));
        };
        let mut router = router(&row, write.doing())?;
        router.keys.retain(|name| name != provider);
        if is_there {
            router.keys.push(provider.to_owned());
            router.keys.sort_unstable();
        }
        router.updated_at = write.at();
        let update = sqlx::query("UPDATE routers SET keys = ?, updated_at = ? WHERE id = ?")
            .bind(json!(router.keys).to_string())
            .bind(router.updated_at.as_millisecond())
            .bind(id.to_string());
        write.execute(update).await?;
        let action = match is_there {
            true => "router.key_set",
            false => "router.key_removed",
        };
        commit(write, action, &router, json!({"provider": provider})).await?;
        Ok(router)
    }

    /// Removes a router.
    ///
    /// # Errors
    /// [`StoreError::RouterNotFound`]; [`StoreError::RouterInUse`] while a session runs through it.
    pub async fn delete_router(&self, id: RouterId) -> Result<(), StoreError> {
        let mut write = self.write("removing a router").await?;
        let live = sqlx::query(
            "SELECT COUNT(*) AS sessions FROM sessions WHERE router = ? AND phase = 'live'",
        );
        let live = write.one(live.bind(id.to_string())).await?;
        let count: u64 = Columns::of(&live, write.doing()).number("sessions")?;
        if count > 0 {
            write.abandon().await?;
            return Err(StoreError::RouterInUse { id, count });
        }
        let delete = sqlx::query("DELETE FROM routers WHERE id = ?").bind(id.to_string());
        if write.execute(delete).await? == 0 {
            write.abandon().await?;
            return Err(StoreError::RouterNotFound(id));
        }
        write
            .commit(Change {
                action: "router.deleted",
                subject: Subject::Router(id),
                details: json!({}),
                op: Op::Delete,
                payload: json!({}),
            })
            .await
    }
}

async fn check_name(write: &mut Write, id: RouterId, name: &str) -> Result<(), StoreError> {
    let same = sqlx::query("SELECT id FROM routers WHERE name = ? AND id <> ?");
    match write.row(same.bind(name).bind(id.to_string())).await? {
        Some(row) => Err(StoreError::RouterExists {
            id: Columns::of(&row, write.doing()).parse("id")?,
        }),
        None => Ok(()),
    }
}

async fn commit(
    write: Write,
    action: &'static str,
    router: &Router,
    details: Value,
) -> Result<(), StoreError> {
    write
        .commit(Change {
            action,
            subject: Subject::Router(router.id),
            details,
            op: Op::Upsert,
            payload: json!({"version": router.version}),
        })
        .await
}

/// What the audit trail tells of settings: where requests can go is what an auditor asks.
fn shape(router: &Router) -> Value {
    let providers = router.settings.providers.iter();
    let providers: Vec<_> = providers
        .map(|provider| json!({"base_url": provider.base_url, "name": provider.name}))
        .collect();
    json!({
        "kind": router.settings.kind,
        "name_chars": router.name.chars().count(),
        "providers": providers,
        "version": router.version,
    })
}

fn router(row: &SqliteRow, doing: &'static str) -> Result<Router, StoreError> {
    let columns = Columns::of(row, doing);
    Ok(Router {
        id: columns.parse("id")?,
        name: columns.get("name")?,
        version: columns.number("version")?,
        settings: columns.json("settings")?,
        keys: columns.json("keys")?,
        created_at: columns.moment("created_at")?,
        updated_at: columns.moment("updated_at")?,
    })
}
