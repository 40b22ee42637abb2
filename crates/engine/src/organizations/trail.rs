//! The audit trail of an organization: its admins read it, have it verified, and take it with them as a file that
//! proves itself.
//!
//! The backend decides who is an admin, at every call. What it gives is hashed here anew, and the end of the chain is
//! kept, so that a backend that has written its trail anew is found out.

use std::{collections::BTreeMap, io, sync::Arc};

use berth_protocol::{
    AuditOrder, Code, OrganizationId, Secret, Timestamp,
    tenant::{
        OrgTrailEvent, OrgTrailKept, OrgTrailOrigin, OrgTrailPage, OrgTrailPeople, OrgTrailPerson,
        OrgTrailVerification,
    },
};
use berth_tenant::sync::{RemoteError, TrailFilter, TrailManifest};
use berth_trail::{Chain, Event, OrgEvent, Sealed, Sealer};
use bytes::Bytes;
use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Connected, authorized, remote};
use crate::{error::ApiError, state::State};

/// Most events on a page.
const PAGE: u32 = 500;

/// Events of an export that are asked for at once; fewer where their answer is too long.
const PART: u32 = 400;

/// The setting with the end of an organization's chain when it was last verified.
const KEPT: &str = "tenant.audit_head.";

/// How long no backend retires an event, in milliseconds: the 30 days that are the least an organization can choose.
/// Organizations that keep longer are no reason to choose more: how long they do is what the backend says.
const LEAST_RETENTION: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Somebody whom the trail is asked about.
#[derive(Clone, Debug)]
pub enum Person {
    /// By what stands for them in it.
    Pseudonym(String),
    /// By who they are.
    User(Uuid),
}

/// Which page.
pub struct Wanted {
    pub filter: TrailFilter,
    pub person: Option<Person>,
    pub order: AuditOrder,
    pub after: Option<i64>,
    pub limit: u32,
}

/// The end of a chain as it was.
#[derive(Serialize, Deserialize)]
struct Kept {
    seq: i64,
    hash: String,
    /// When the event arrived, by the backend's clock, in milliseconds since 1970; absent in what older versions have
    /// kept.
    #[serde(default)]
    at: Option<i64>,
}

impl Kept {
    /// It is too young to have been retired. A month is retired as a whole and a while after it has ended, so clocks
    /// that differ a little do no harm.
    fn is_young(&self, now: i64) -> bool {
        self.at
            .is_some_and(|at| now.saturating_sub(at) < LEAST_RETENTION)
    }
}

/// A page of the trail, with the names of people as far as they are known.
pub async fn page(
    state: &State,
    org: OrganizationId,
    wanted: Wanted,
) -> Result<OrgTrailPage, ApiError> {
    let (connected, token) = authorized(state).await?;
    // It also says who is no admin: the table gives them nothing, without a word.
    let people = connected.remote.trail_people(&token, org).await;
    let people = people.map_err(|error| remote(&error))?;
    let Some(filter) = of_person(wanted.filter, wanted.person, &people) else {
        return Ok(OrgTrailPage {
            events: Vec::new(),
            next: None,
        });
    };
    let limit = wanted.limit.clamp(1, PAGE);
    let rows = connected
        .remote
        .trail(&token, org, &filter, wanted.order, wanted.after, limit + 1);
    let mut rows = rows.await.map_err(|error| remote(&error))?;
    let next = match rows.len() > limit as usize {
        true => {
            rows.truncate(limit as usize);
            rows.last().map(|event| event.seq)
        }
        false => None,
    };
    let here = state.store.installation().await?;
    let names: BTreeMap<&str, &str> = people
        .iter()
        .filter_map(|person| Some((person.pseudonym.as_str(), person.name()?)))
        .collect();
    let events = rows.into_iter().map(|event| shown(event, &names, &here));
    Ok(OrgTrailPage {
        events: events.collect(),
        next,
    })
}

/// The filter with the person in it; nothing for somebody of whom the trail does not speak.
fn of_person(
    mut filter: TrailFilter,
    person: Option<Person>,
    people: &[OrgTrailPerson],
) -> Option<TrailFilter> {
    filter.actor = match person {
        None => None,
        Some(Person::Pseudonym(pseudonym)) => Some(pseudonym),
        Some(Person::User(user)) => {
            let found = people.iter().find(|person| person.user_id.0 == user)?;
            Some(found.pseudonym.clone())
        }
    };
    Some(filter)
}

fn shown(event: OrgEvent, names: &BTreeMap<&str, &str>, here: &str) -> OrgTrailEvent {
    let name = |pseudonym: &str| names.get(pseudonym).map(|name| (*name).to_owned());
    let moment = |at: i64| Timestamp::from_millisecond(at).ok();
    let uuid = |text: Option<&String>| text.and_then(|text| Uuid::parse_str(text).ok());
    let (actor_name, subject_name) = (name(&event.actor), name(&event.subject_id));
    let (device_id, session_id) = (
        uuid(event.device_id.as_ref()),
        uuid(event.session_id.as_ref()),
    );
    let is_whole = event.is_whole();
    let is_here = event.device_id.as_deref() == Some(here);
    OrgTrailEvent {
        seq: event.seq,
        // The backend's own clock is within what can be shown.
        at: moment(event.at).unwrap_or(Timestamp::UNIX_EPOCH),
        occurred_at: event.occurred_at.and_then(moment),
        actor: event.actor,
        actor_name,
        device_id,
        device_seq: event.device_seq,
        is_here,
        action: event.action,
        subject_kind: event.subject_kind,
        subject_id: event.subject_id,
        subject_name,
        session_id,
        details: serde_json::from_str(&event.details).unwrap_or(Value::Null),
        prev_hash: event.prev_hash,
        hash: event.hash,
        is_whole,
    }
}

/// Those whom the trail speaks of and who were not erased.
pub async fn people(state: &State, org: OrganizationId) -> Result<OrgTrailPeople, ApiError> {
    let (connected, token) = authorized(state).await?;
    let people = connected.remote.trail_people(&token, org).await;
    Ok(OrgTrailPeople {
        people: people.map_err(|error| remote(&error))?,
    })
}

/// Where an event came from; empty where that is not known or was erased.
pub async fn origin(
    state: &State,
    org: OrganizationId,
    seq: i64,
) -> Result<OrgTrailOrigin, ApiError> {
    let (connected, token) = authorized(state).await?;
    let origin = connected.remote.trail_origin(&token, org, seq).await;
    Ok(origin.map_err(|error| remote(&error))?.unwrap_or_default())
}

/// Has the backend check the chain, and looks whether it still goes through what was kept of it here.
pub async fn verify(state: &State, org: OrganizationId) -> Result<OrgTrailVerification, ApiError> {
    let (connected, token) = authorized(state).await?;
    let setting = format!("{KEPT}{org}");
    // Before the verdict, which may not end before what another one has kept meanwhile.
    let before = state.store.setting(&setting).await?;
    let before = before.and_then(|kept| serde_json::from_str::<Kept>(&kept).ok());
    let verdict = connected.remote.trail_verdict(&token, org).await;
    let verdict = verdict.map_err(|error| remote(&error))?;
    let kept = match &before {
        None => None,
        Some(kept) => compared(&connected, &token, org, kept, verdict.checkpoint).await?,
    };
    let (mut valid, mut broken_at) = match &kept {
        Some(kept) if !kept.is_same => (false, verdict.broken_at.or(Some(kept.seq))),
        _ => (verdict.valid, verdict.broken_at),
    };
    // A chain that ends before what was kept of it was cut, whatever its backend says.
    let end = verdict.last.or(verdict.checkpoint);
    if let (true, Some(before)) = (valid, &before)
        && end.is_none_or(|end| end < before.seq)
    {
        (valid, broken_at) = (false, Some(end.unwrap_or(0).saturating_add(1)));
    }
    if let (true, Some(seq), Some(hash)) = (valid, verdict.last, &verdict.head) {
        match whole(&connected, &token, org, seq).await? {
            Some(last) if last.hash == *hash => {
                let at = Some(last.at);
                let hash = last.hash;
                let end = json!(Kept { seq, hash, at }).to_string();
                state.store.set_setting(&setting, &end).await?;
            }
            // What it says of the end is not what it gives.
            _ => (valid, broken_at) = (false, Some(seq)),
        }
    }
    Ok(OrgTrailVerification {
        valid,
        checked: verdict.checked,
        first: verdict.first,
        last: verdict.last,
        broken_at,
        checkpoint: verdict.checkpoint,
        head: verdict.head,
        kept,
    })
}

/// How the backend stands to what was kept; nothing where that was retired in due time, for it is not given any more.
async fn compared(
    connected: &Connected,
    token: &Secret,
    org: OrganizationId,
    kept: &Kept,
    checkpoint: Option<i64>,
) -> Result<Option<OrgTrailKept>, ApiError> {
    let seq = kept.seq;
    if checkpoint.is_some_and(|until| seq <= until) {
        // Else a backend could have a chain that it has written anew begin behind whatever somebody has kept.
        let is_retired = kept.is_young(Timestamp::now().as_millisecond());
        return Ok(is_retired.then_some(OrgTrailKept {
            seq,
            is_same: false,
            is_retired,
        }));
    }
    let found = whole(connected, token, org, seq).await?;
    Ok(Some(OrgTrailKept {
        seq,
        is_same: found.is_some_and(|event| event.hash == kept.hash),
        is_retired: false,
    }))
}

/// An event, if the backend has it and it is as it was hashed.
async fn whole(
    connected: &Connected,
    token: &Secret,
    org: OrganizationId,
    seq: i64,
) -> Result<Option<OrgEvent>, ApiError> {
    let all = TrailFilter::default();
    let (after, until) = (seq.saturating_sub(1), Some(seq));
    let found = connected
        .remote
        .trail_part(token, org, &all, after, until, 1)
        .await
        .map_err(|error| remote(&error))?;
    let found = found
        .into_iter()
        .find(|event| event.seq == seq && event.is_whole());
    if found.is_none() {
        // Whoever is no admin any more is given no events and no error; this refuses them.
        let asked = connected.remote.trail_verdict(token, org).await;
        asked.map_err(|error| remote(&error))?;
    }
    Ok(found)
}

/// An export that goes on.
struct Export {
    state: Arc<State>,
    org: OrganizationId,
    filter: TrailFilter,
    told: TrailManifest,
    sealer: Sealer,
    after: i64,
    size: u32,
}

/// The events that a filter lets through, up to now, then the manifest. The backend and this machine note it.
///
/// Whoever takes it decides how fast: no more than one part is in memory. Without its last line it proves nothing, so
/// that an export that breaks off cannot be taken for a whole one.
pub async fn export(
    state: Arc<State>,
    org: OrganizationId,
    filter: TrailFilter,
    person: Option<Person>,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + 'static, ApiError> {
    let (connected, token) = authorized(&state).await?;
    let people = match &person {
        Some(Person::User(_)) => connected.remote.trail_people(&token, org).await,
        _ => Ok(Vec::new()),
    };
    let people = people.map_err(|error| remote(&error))?;
    let filter = of_person(filter, person, &people).ok_or_else(|| {
        ApiError::new(Code::BadRequest, "the trail does not speak of this person")
    })?;
    let told = connected.remote.trail_export(&token, org, &filter).await;
    let told = told.map_err(|error| remote(&error))?;
    let details = json!({"count": told.count, "until_seq": told.until_seq});
    let noted = state
        .store
        .note(
            "org.audit_exported",
            "organization",
            &org.to_string(),
            details,
        )
        .await;
    noted?;
    let export = Export {
        state,
        org,
        filter,
        told,
        sealer: Sealer::new(),
        after: 0,
        size: PART,
    };
    Ok(stream::try_unfold(Some(export), |export| async move {
        match export {
            Some(export) => export.part().await.map(Some),
            None => Ok(None),
        }
    }))
}

impl Export {
    /// The next events, or the manifest behind the last one.
    async fn part(mut self) -> io::Result<(Bytes, Option<Self>)> {
        let events = self
            .events()
            .await
            .map_err(|error| io::Error::other(*error.0))?;
        let Some(last) = events.last() else {
            return Ok((self.manifest()?, None));
        };
        self.after = last.seq;
        let lines: String = events
            .into_iter()
            .map(|event| self.sealer.event(&Event::Organization(Box::new(event))))
            .collect();
        Ok((lines.into(), Some(self)))
    }

    async fn events(&mut self) -> Result<Vec<OrgEvent>, ApiError> {
        loop {
            // A token may end before a long export does.
            let (connected, token) = authorized(&self.state).await?;
            let part = connected.remote.trail_part(
                &token,
                self.org,
                &self.filter,
                self.after,
                self.told.until_seq,
                self.size,
            );
            match part.await {
                Err(RemoteError::TooLarge { .. }) if self.size > 1 => self.size /= 2,
                part => return part.map_err(|error| remote(&error)),
            }
        }
    }

    fn manifest(self) -> io::Result<Bytes> {
        let (count, last) = (self.sealer.count(), self.sealer.last_seq());
        if (count, last) != (self.told.count, self.told.last_seq) {
            let said = self.told.count;
            return Err(io::Error::other(format!(
                "the backend has given {count} of {said} events"
            )));
        }
        let sealed = Sealed {
            chain: Chain::Organization,
            org_id: Some(self.org.to_string()),
            filter: self.filter.json(),
            until_seq: self.told.until_seq,
            head_hash: self.told.head_hash,
            exported_at: self.told.exported_at,
        };
        Ok(self.sealer.manifest(sealed).into())
    }
}

#[cfg(test)]
#[path = "trail_tests.rs"]
mod tests;
