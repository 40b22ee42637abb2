//! Requests to erase what an organization knows of somebody.
//!
//! They are in no replica, so the backend is asked at every call; it says who sees which, and who may ask and perform.

use std::collections::BTreeMap;

use berth_protocol::{
    Code, OrganizationId, UserId,
    tenant::{NewErasure, OrgErasure, OrgErasureAsked, OrgErasures, OrgPerson},
};
use berth_tenant::sync::{ErasureRow, PersonRow};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    administration::{Seen, act, by_name, follow, is_admin, known, note},
    authorized, remote,
};
use crate::{error::ApiError, state::State};

/// The requests that whoever is signed in may see, and for whom one can be asked.
pub async fn list(state: &State, org: OrganizationId) -> Result<OrgErasures, ApiError> {
    let record = known(state, org).await?;
    let (connected, token) = authorized(state).await?;
    let rows = connected.remote.erasures(&token, org).await;
    let rows = rows.map_err(|error| remote(&error))?;
    let people = connected.remote.people(&token, org).await;
    let people = people.map_err(|error| remote(&error))?;
    Ok(told(&rows, &people, record.tenant.user, is_admin(&record)))
}

/// Asks that what the organization knows of somebody be erased. One that is open already is the answer again.
pub async fn ask(
    state: &State,
    org: OrganizationId,
    wanted: NewErasure,
) -> Result<OrgErasureAsked, ApiError> {
    known(state, org).await?;
    let arguments = json!({"org": org, "person": wanted.user});
    let id: Uuid = act(state, org, "request_erasure", &arguments).await?;
    note_of(state, org, "org.erasure_requested", id).await?;
    Ok(OrgErasureAsked { id })
}

/// Performs a request. One that was performed before is left as it is.
pub async fn perform(state: &State, org: OrganizationId, id: Uuid) -> Result<(), ApiError> {
    let tenant = known(state, org).await?.tenant;
    let (connected, token) = authorized(state).await?;
    // The backend goes by the request alone, which may be one of another organization.
    let row = connected.remote.erasure(&token, org, id).await;
    let row = row.map_err(|error| remote(&error))?.ok_or_else(|| {
        let detail = format!("organization {org} has no request {id} that you may see");
        ApiError::new(Code::ErasureNotFound, detail)
    })?;
    let _: Value = act(state, org, "perform_erasure", &json!({"request": id})).await?;
    // What another admin has done is not noted as done here.
    if row.performed_at.is_none() {
        note_of(state, org, "org.erasure_performed", id).await?;
    }
    if let Some(user) = row.user_id {
        follow(state, tenant, Seen::NoMember(user)).await;
    }
    Ok(())
}

/// The trail of this machine names the request and nobody: it is not what is erased.
async fn note_of(
    state: &State,
    org: OrganizationId,
    action: &str,
    id: Uuid,
) -> Result<(), ApiError> {
    note(state, org, action, json!({"request_id": id})).await
}

fn told(rows: &[ErasureRow], people: &[PersonRow], you: UserId, is_admin: bool) -> OrgErasures {
    let by_user: BTreeMap<UserId, &PersonRow> =
        people.iter().map(|row| (row.user_id, row)).collect();
    let person = |user: UserId| {
        let row = by_user.get(&user);
        OrgPerson {
            user,
            name: row.map(|row| row.display_name.clone()).unwrap_or_default(),
            email: row.map(|row| row.email.clone()).unwrap_or_default(),
            is_you: user == you,
        }
    };
    let is_open = |user: UserId| rows.iter().any(|row| row.user_id == Some(user));
    // Of whoever has left without a name and an address nothing is left to be told by.
    let is_known = |row: &&PersonRow| {
        row.deleted_at.is_none() || !row.display_name.is_empty() || !row.email.is_empty()
    };
    let may_ask = |row: &&PersonRow| is_admin || row.user_id == you;
    let mut askable: Vec<OrgPerson> = people
        .iter()
        .filter(is_known)
        .filter(may_ask)
        .filter(|row| !is_open(row.user_id))
        .map(|row| person(row.user_id))
        .collect();
    askable.sort_by_cached_key(|it| by_name(&it.name, &it.email, it.user));
    let requests = rows.iter().map(|row| OrgErasure {
        id: row.id,
        person: row.user_id.map(person),
        requested_by: row.requested_by.map(person),
        requested_at: row.requested_at,
        performed_at: row.performed_at,
    });
    OrgErasures {
        is_admin,
        requests: requests.collect(),
        people: askable,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::from_value;

    use super::*;

    const YOU: &str = "019a0000-0000-7000-8000-000000000001";
    const UNA: &str = "019a0000-0000-7000-8000-000000000002";
    const LEFT: &str = "019a0000-0000-7000-8000-000000000003";
    const ERASED: &str = "019a0000-0000-7000-8000-000000000004";
    const AT: &str = "2026-11-28T12:00:00.123456+00:00";

    fn people() -> Vec<PersonRow> {
        let person = |user: &str, name: &str, left: Option<&str>| json!({"user_id": user, "display_name": name, "email": "", "deleted_at": left});
        let rows = [
            person(YOU, "Zoe", None),
            person(UNA, "Una", None),
            person(LEFT, "Lee", Some(AT)),
            person(ERASED, "", Some(AT)),
        ];
        from_value(json!(rows)).unwrap()
    }

    fn told_of(user: Option<&str>, is_admin: bool) -> OrgErasures {
        let row = json!({
            "id": ERASED, "user_id": user, "requested_by": YOU, "requested_at": AT, "performed_at": null,
        });
        let rows = [from_value(row).unwrap()];
        told(&rows, &people(), YOU.parse().unwrap(), is_admin)
    }

    fn names(told: &OrgErasures) -> Vec<&str> {
        told.people.iter().map(|it| it.name.as_str()).collect()
    }

    #[test]
    fn admins_ask_for_everybody_who_is_known_and_has_no_open_request_and_others_for_themselves() {
        assert_eq!(names(&told_of(Some(UNA), true)), ["Lee", "Zoe"]);
        assert_eq!(names(&told_of(None, true)), ["Lee", "Una", "Zoe"]);
        assert_eq!(names(&told_of(Some(UNA), false)), ["Zoe"]);
        assert!(names(&told_of(Some(YOU), false)).is_empty());
    }

    #[test]
    fn a_request_names_whom_it_is_about_and_who_has_asked() {
        let told = told_of(Some(UNA), true);
        let named = |person: &Option<OrgPerson>| {
            let named = person.as_ref().map(|it| (it.name.clone(), it.is_you));
            named.unwrap_or_default()
        };
        assert_eq!(named(&told.requests[0].person), ("Una".to_owned(), false));
        assert_eq!(
            named(&told.requests[0].requested_by),
            ("Zoe".to_owned(), true)
        );
        assert_eq!(told_of(None, true).requests[0].person, None);
    }
}
