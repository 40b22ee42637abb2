//! `/org/organizations/{id}/audit`: the trail of an organization, for its admins.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State as Shared,
    http::header,
    response::{IntoResponse, Response},
};
use berth_protocol::{
    AuditOrder, Code, OrganizationId, Timestamp,
    tenant::{OrgTrailOrigin, OrgTrailPage, OrgTrailPeople, OrgTrailVerification},
};
use berth_tenant::sync::TrailFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    Problems,
    extract::{Json, Path, Query},
    org::carried_through,
};
use crate::{
    error::ApiError,
    organizations::trail::{self, Person, Wanted},
    state::State,
};

/// Media type of an export: one JSON value on each line.
pub const NDJSON: &str = "application/x-ndjson";

/// Events on a page when the client does not say.
const EVENTS: u32 = 100;

/// Most actions that one question names.
const ACTIONS: usize = 50;

/// Longest word in a question, in characters: that of an action in the backend.
const WORD: usize = 64;

/// Which page of the events, as query parameters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Only events behind the one with this `seq`, in that order: `next` of the page before.
    after: Option<i64>,
    /// Most events on the page, up to 500; 100 when absent.
    limit: Option<u32>,
    /// In which order; the newest first when absent.
    #[param(inline)]
    order: Option<AuditOrder>,
}

/// What of the trail is looked for or exported, as query parameters; all of it without any.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilterParams {
    /// Only these actions, such as `session.created,session.ended`.
    action: Option<String>,
    /// Only what this person did: a user's id, a pseudonym, or `system`.
    person: Option<String>,
    /// Only what arrived at this moment or later.
    from: Option<Timestamp>,
    /// Only what arrived before this moment.
    until: Option<Timestamp>,
    /// Only events of this session, by its id.
    session_id: Option<Uuid>,
    /// Only what happened to this kind of thing, such as `session` or `membership`.
    subject_kind: Option<String>,
}

impl FilterParams {
    fn filter(self) -> Result<(TrailFilter, Option<Person>), ApiError> {
        let actions = match self.action {
            None => Vec::new(),
            Some(all) => {
                let actions = all.split(',').map(|action| word("action", action));
                actions.collect::<Result<Vec<_>, _>>()?
            }
        };
        if actions.len() > ACTIONS {
            let detail = format!("at most {ACTIONS} actions can be asked for at once");
            return Err(ApiError::new(Code::BadRequest, detail));
        }
        let person = match self.person {
            None => None,
            Some(person) => Some(match Uuid::parse_str(&person) {
                Ok(user) => Person::User(user),
                Err(_) => Person::Pseudonym(word("person", &person)?),
            }),
        };
        let subject_kind = self.subject_kind.map(|kind| word("subject_kind", &kind));
        let filter = TrailFilter {
            from: self.from,
            until: self.until,
            actions,
            actor: None,
            session: self.session_id,
            subject_kind: subject_kind.transpose()?,
        };
        Ok((filter, person))
    }
}

/// A word as the backend's trail has them: nothing in it means anything in a query.
fn word(what: &str, text: &str) -> Result<String, ApiError> {
    let is_of_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_word = (1..=WORD).contains(&text.len())
        && text
            .bytes()
            .all(|byte| is_of_word(byte) || matches!(byte, b'_' | b'.'));
    if !is_word {
        let detail = format!("{what}: a word has 1 to {WORD} of a-z, 0-9, '_' and '.'");
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    Ok(text.to_owned())
}

/// The trail of an organization, in pages, with the names of people as far as they are known. Only for its admins.
#[utoipa::path(get, path = "/org/organizations/{id}/audit", tag = "org",
    params(("id" = OrganizationId, Path), PageParams, FilterParams), responses((status = 200, body = OrgTrailPage), Problems))]
pub async fn page(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
    Query(wanted): Query<PageParams>,
    Query(of): Query<FilterParams>,
) -> Result<Json<OrgTrailPage>, ApiError> {
    let (order, after) = (wanted.order.unwrap_or(AuditOrder::Newest), wanted.after);
    let limit = wanted.limit.unwrap_or(EVENTS);
    let (filter, person) = of.filter()?;
    let wanted = Wanted {
        filter,
        person,
        order,
        after,
        limit,
    };
    trail::page(&state, id, wanted).await.map(Json)
}

/// Those whom the trail speaks of, as far as they were not erased. Only for admins.
#[utoipa::path(get, path = "/org/organizations/{id}/audit/people", tag = "org",
    params(("id" = OrganizationId, Path)), responses((status = 200, body = OrgTrailPeople), Problems))]
pub async fn people(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
) -> Result<Json<OrgTrailPeople>, ApiError> {
    trail::people(&state, id).await.map(Json)
}

/// Where an event came from; empty where that is not known or was erased. Only for admins.
#[utoipa::path(get, path = "/org/organizations/{id}/audit/{seq}/origin", tag = "org",
    params(("id" = OrganizationId, Path), ("seq" = i64, Path)),
    responses((status = 200, body = OrgTrailOrigin), Problems))]
pub async fn origin(
    Shared(state): Shared<Arc<State>>,
    Path((id, seq)): Path<(OrganizationId, i64)>,
) -> Result<Json<OrgTrailOrigin>, ApiError> {
    trail::origin(&state, id, seq).await.map(Json)
}

/// Has the backend check the chain of an organization's trail, and looks whether it still goes through what this
/// machine has kept of it. Only for admins.
#[utoipa::path(post, path = "/org/organizations/{id}/audit/verify", tag = "org",
    params(("id" = OrganizationId, Path)), responses((status = 200, body = OrgTrailVerification), Problems))]
pub async fn verify(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
) -> Result<Json<OrgTrailVerification>, ApiError> {
    carried_through(state.stopping.clone(), async move {
        trail::verify(&state, id).await
    })
    .await
    .map(Json)
}

/// The trail of an organization as a file that proves itself (`berth audit verify --file`): an event on each line, as
/// it was hashed, and on the last line the manifest with their number, the first and the last of them and SHA-256 of
/// all lines before it. One that breaks off has no manifest. Only for admins; the backend and this machine note it.
#[utoipa::path(get, path = "/org/organizations/{id}/audit/export", tag = "org",
    params(("id" = OrganizationId, Path), FilterParams),
    responses((status = 200, content_type = "application/x-ndjson", body = String), Problems))]
pub async fn export(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
    Query(wanted): Query<FilterParams>,
) -> Result<Response, ApiError> {
    let (filter, person) = wanted.filter()?;
    let lines = carried_through(state.stopping.clone(), async move {
        trail::export(state, id, filter, person).await
    });
    let name = format!("attachment; filename=\"berth-audit-{id}.ndjson\"");
    let headers = [
        (header::CONTENT_TYPE, NDJSON.to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(lines.await?)).into_response())
}
