//! The audit trail of an organization, as its backend gives it to admins.

use berth_protocol::{
    AuditOrder, OrganizationId, Secret, Timestamp,
    tenant::{OrgTrailOrigin, OrgTrailPerson},
};
use berth_trail::{OrgEvent, milliseconds};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Remote, RemoteError};

/// Which events of a trail; all of them where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailFilter {
    /// Those that arrived at this moment or later.
    pub from: Option<Timestamp>,
    /// Those that arrived before this moment.
    pub until: Option<Timestamp>,
    /// Those with one of these actions: lower-case letters, digits, `_` and `.`.
    pub actions: Vec<String>,
    /// Those of this pseudonym.
    pub actor: Option<String>,
    /// Those of this session.
    pub session: Option<Uuid>,
    /// Those that happened to this kind of thing.
    pub subject_kind: Option<String>,
}

/// What the backend says of the events of an export that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TrailManifest {
    /// How many there are.
    pub count: u64,
    /// The last of them.
    pub last_seq: Option<i64>,
    /// Its hash.
    pub last_hash: Option<String>,
    /// The last event that there was.
    pub until_seq: Option<i64>,
    /// Its hash.
    pub head_hash: Option<String>,
    /// When it began, by the backend's clock.
    pub exported_at: String,
}

/// What the backend says of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TrailVerdict {
    /// Everything is as it must be.
    pub valid: bool,
    /// Number of events that were checked.
    pub checked: u64,
    /// The first of them.
    pub first: Option<i64>,
    /// The last of them.
    pub last: Option<i64>,
    /// The first event that is not as it must be.
    pub broken_at: Option<i64>,
    /// The last event before the newest checkpoint.
    pub checkpoint: Option<i64>,
    /// Hash of the last event.
    pub head: Option<String>,
}

/// An event as a row of the backend.
#[derive(Deserialize)]
struct Row {
    org_id: OrganizationId,
    seq: i64,
    id: String,
    recorded_at: String,
    occurred_at: Option<String>,
    actor: String,
    device_id: Option<String>,
    device_seq: Option<i64>,
    device_hash: Option<String>,
    action: String,
    subject_kind: String,
    subject_id: String,
    session_id: Option<String>,
    details: String,
    origin: Option<String>,
    prev_hash: String,
    hash: String,
}

impl TrailFilter {
    /// As `audit_page` and `audit_export` take it; empty for all events.
    pub fn json(&self) -> Map<String, Value> {
        let mut filter = Map::new();
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                filter.insert(name.to_owned(), value);
            }
        };
        add("from", self.from.map(|it| json!(it)));
        add("until", self.until.map(|it| json!(it)));
        add("actor", self.actor.as_ref().map(|it| json!(it)));
        add("session_id", self.session.map(|it| json!(it)));
        add(
            "subject_kind",
            self.subject_kind.as_ref().map(|it| json!(it)),
        );
        let actions = (!self.actions.is_empty()).then(|| json!(self.actions));
        add("actions", actions);
        filter
    }

    /// As the conditions of a query on the table.
    fn conditions(&self) -> Vec<(&'static str, String)> {
        let mut conditions = Vec::new();
        if let Some(from) = self.from {
            conditions.push(("recorded_at", format!("gte.{from}")));
        }
        if let Some(until) = self.until {
            conditions.push(("recorded_at", format!("lt.{until}")));
        }
        if let Some(actor) = &self.actor {
            conditions.push(("actor", format!("eq.{actor}")));
        }
        if let Some(session) = self.session {
            conditions.push(("session_id", format!("eq.{session}")));
        }
        if let Some(kind) = &self.subject_kind {
            conditions.push(("subject_kind", format!("eq.{kind}")));
        }
        if !self.actions.is_empty() {
            // In quotes a comma or a bracket in a word is nothing but that.
            let quoted = self.actions.iter().map(|action| {
                let escaped = action.replace('\\', r"\\").replace('"', r#"\""#);
                format!("\"{escaped}\"")
            });
            let quoted = quoted.collect::<Vec<_>>().join(",");
            conditions.push(("action", format!("in.({quoted})")));
        }
        conditions
    }
}

impl Remote {
    /// A page of an organization's trail in either order: those behind the event with the number `after`, at most
    /// `limit`. Whoever is no admin is given none, without an error.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn trail(
        &self,
        token: &Secret,
        org: OrganizationId,
        filter: &TrailFilter,
        order: AuditOrder,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<OrgEvent>, RemoteError> {
        const TABLE: &str = "audit_logs";
        let (direction, behind) = match order {
            AuditOrder::Oldest => ("seq.asc", "gt"),
            AuditOrder::Newest => ("seq.desc", "lt"),
        };
        let mut url = self.url(TABLE, TABLE)?;
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("org_id", &format!("eq.{org}"))
                .append_pair("order", direction)
                .append_pair("limit", &limit.to_string());
            if let Some(after) = after {
                query.append_pair("seq", &format!("{behind}.{after}"));
            }
            for (name, condition) in filter.conditions() {
                query.append_pair(name, &condition);
            }
        }
        let rows: Vec<Row> = self.answer(TABLE, token, self.http.get(url)).await?;
        events(TABLE, org, order, after, rows)
    }

    /// The next events of an export, the oldest first.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn trail_part(
        &self,
        token: &Secret,
        org: OrganizationId,
        filter: &TrailFilter,
        after: i64,
        until: Option<i64>,
        size: u32,
    ) -> Result<Vec<OrgEvent>, RemoteError> {
        const FUNCTION: &str = "audit_page";
        let arguments = json!({
            "org": org, "filter": filter.json(), "after": after, "until_seq": until, "size": size,
        });
        let rows = self.call(FUNCTION, token, &arguments).await?;
        events(FUNCTION, org, AuditOrder::Oldest, Some(after), rows)
    }

    /// Begins an export, which the backend notes.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn trail_export(
        &self,
        token: &Secret,
        org: OrganizationId,
        filter: &TrailFilter,
    ) -> Result<TrailManifest, RemoteError> {
        let arguments = json!({"org": org, "filter": filter.json()});
        self.call("audit_export", token, &arguments).await
    }

    /// Has the backend check the chain.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn trail_verdict(
        &self,
        token: &Secret,
        org: OrganizationId,
    ) -> Result<TrailVerdict, RemoteError> {
        self.call("audit_verify", token, &json!({"org": org})).await
    }

    /// Who the pseudonyms of a trail are, as far as they were not erased.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn trail_people(
        &self,
        token: &Secret,
        org: OrganizationId,
    ) -> Result<Vec<OrgTrailPerson>, RemoteError> {
        self.call("audit_people", token, &json!({"org": org})).await
    }

    /// Where an event came from, as far as that was not erased.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn trail_origin(
        &self,
        token: &Secret,
        org: OrganizationId,
        seq: i64,
    ) -> Result<Option<OrgTrailOrigin>, RemoteError> {
        let arguments = json!({"org": org, "event_seq": seq});
        let rows: Vec<OrgTrailOrigin> = self.call("audit_origin", token, &arguments).await?;
        Ok(rows.into_iter().next())
    }
}

/// Believes rows as far as it is possible: they are of this organization, and each is behind the one before it, or
/// paging would go on for ever.
fn events(
    function: &'static str,
    org: OrganizationId,
    order: AuditOrder,
    after: Option<i64>,
    rows: Vec<Row>,
) -> Result<Vec<OrgEvent>, RemoteError> {
    let wrong = |why: &str| RemoteError::NotUnderstood {
        function,
        why: why.to_owned(),
    };
    let mut last = after;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        if row.org_id != org {
            return Err(wrong("an event is another organization's"));
        }
        let is_behind = last.is_none_or(|last| match order {
            AuditOrder::Oldest => row.seq > last,
            AuditOrder::Newest => row.seq < last,
        });
        if !is_behind {
            return Err(wrong("the events are not in their order"));
        }
        last = Some(row.seq);
        events.push(event(row).ok_or_else(|| wrong("a moment is none"))?);
    }
    Ok(events)
}

/// The row with its moments as they are hashed.
fn event(row: Row) -> Option<OrgEvent> {
    let occurred_at = match row.occurred_at {
        Some(text) => Some(milliseconds(&text)?),
        None => None,
    };
    Some(OrgEvent {
        org_id: row.org_id.to_string(),
        seq: row.seq,
        id: row.id,
        at: milliseconds(&row.recorded_at)?,
        occurred_at,
        actor: row.actor,
        device_id: row.device_id,
        device_seq: row.device_seq,
        device_hash: row.device_hash,
        action: row.action,
        subject_kind: row.subject_kind,
        subject_id: row.subject_id,
        session_id: row.session_id,
        details: row.details,
        origin: row.origin,
        prev_hash: row.prev_hash,
        hash: row.hash,
    })
}
