//! What an organization asks its members to agree to, and who does.
//!
//! Texts and agreements are rows of the replica: they are read with a network or without, and changed by edits that
//! are seen at once and wait until the backend has them.

use std::collections::BTreeMap;

use berth_protocol::{
    Code, FieldProblem, MutationId, OrganizationId, Problem, Timestamp, UserId,
    tenant::{
        Consent, ConsentText, EntityKind, Membership, MutationState, NewConsentText, OrgAgreement,
        OrgConsentText, OrgConsents, OrgPerson, Tenant, is_consent_body, is_consent_purpose,
    },
};
use berth_store::{OrganizationRecord, StoreError, TenantEdit};
use serde_json::json;
use uuid::Uuid;

use super::administration::{by_name, is_admin, known, read};
use crate::{error::ApiError, state::State};

const TEXT: EntityKind = EntityKind::ConsentText;
const CONSENT: EntityKind = EntityKind::Consent;

/// A text as the user sees it.
struct Text {
    row: ConsentText,
    waits: bool,
}

/// What somebody has said of a text.
struct Said {
    row: Consent,
    /// The backend has never had it.
    is_new: bool,
    /// The newest change of it that the backend does not have yet.
    change: Option<(MutationId, MutationState)>,
}

/// All texts of an organization and what was said of them, as far as this user sees it.
struct Known {
    you: UserId,
    is_admin: bool,
    texts: Vec<Text>,
    said: Vec<Said>,
    people: BTreeMap<UserId, OrgPerson>,
}

/// The texts, and who agrees to them.
pub async fn list(state: &State, org: OrganizationId) -> Result<OrgConsents, ApiError> {
    let record = known(state, org).await?;
    Ok(Known::of(state, &record).await?.told())
}

/// Publishes a text, as the next version of its purpose.
pub async fn publish(
    state: &State,
    org: OrganizationId,
    wanted: NewConsentText,
) -> Result<OrgConsents, ApiError> {
    let problems = problems(&wanted);
    if let Some(first) = problems.first() {
        let problem = Problem::new(Code::BadRequest, first.to_string());
        return Err(problem.with_fields(problems).into());
    }
    let record = known(state, org).await?;
    if !is_admin(&record) {
        let detail = "only an admin of the organization publishes what its members agree to";
        return Err(ApiError::new(Code::NotAnAdmin, detail));
    }
    let _turn = state.organizations.editing().await;
    let before = Known::of(state, &record).await?;
    let NewConsentText { purpose, body } = wanted;
    let newest = before.newest(&purpose);
    let is_same = |Text { row, .. }: &Text| {
        row.purpose == purpose && row.version == newest && row.body == body
    };
    // Asked again, it is there already: another version would be agreed to anew.
    if before.texts.iter().any(is_same) {
        return Ok(before.told());
    }
    let version = newest.saturating_add(1);
    let add = TenantEdit::Add {
        kind: TEXT,
        id: Uuid::now_v7(),
        fields: json!({"purpose": purpose, "version": version, "body": body}),
    };
    edit(state, record.tenant, add).await?;
    Ok(Known::of(state, &record).await?.told())
}

/// Agrees to a text, for whoever is signed in. Once is enough.
pub async fn agree(
    state: &State,
    org: OrganizationId,
    text: Uuid,
) -> Result<OrgConsents, ApiError> {
    let record = known(state, org).await?;
    let _turn = state.organizations.editing().await;
    let before = Known::of(state, &record).await?;
    before.find(text)?;
    if before.own(text).next().is_some() {
        return Ok(before.told());
    }
    let add = TenantEdit::Add {
        kind: CONSENT,
        id: Uuid::now_v7(),
        fields: json!({"consent_text_id": text, "granted_at": now()}),
    };
    edit(state, record.tenant, add).await?;
    Ok(Known::of(state, &record).await?.told())
}

/// Takes back what whoever is signed in has agreed to. The backend keeps that and until when they did.
pub async fn withdraw(
    state: &State,
    org: OrganizationId,
    text: Uuid,
) -> Result<OrgConsents, ApiError> {
    let record = known(state, org).await?;
    let _turn = state.organizations.editing().await;
    let before = Known::of(state, &record).await?;
    // What was agreed to is taken back although the text itself is gone.
    if before.own(text).next().is_none() {
        before.find(text)?;
    }
    for said in before.own(text) {
        if dropped(state, record.tenant, said).await? {
            continue;
        }
        let change = TenantEdit::Change {
            kind: CONSENT,
            id: said.row.id,
            fields: json!({"withdrawn_at": now()}),
        };
        edit(state, record.tenant, change).await?;
    }
    Ok(Known::of(state, &record).await?.told())
}

/// An agreement that was never sent is dropped: the backend takes none that begins as withdrawn. Gives whether it was.
async fn dropped(state: &State, tenant: Tenant, said: &Said) -> Result<bool, ApiError> {
    let unsent = match &said.change {
        Some((id, MutationState::Pending | MutationState::Parked { .. })) if said.is_new => *id,
        _ => return Ok(false),
    };
    match state.store.discard_change(tenant, unsent).await {
        Ok(()) => {
            state.organizations.edited(tenant.org);
            Ok(true)
        }
        // It was sent meanwhile.
        Err(StoreError::MutationNotFound(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The moment in milliseconds: the backend keeps no nanoseconds, and its row would seem to mean another moment.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

async fn edit(state: &State, tenant: Tenant, edit: TenantEdit) -> Result<(), ApiError> {
    state.store.edit_tenant(tenant, edit).await?;
    state.organizations.edited(tenant.org);
    Ok(())
}

fn problems(wanted: &NewConsentText) -> Vec<FieldProblem> {
    let checks = [
        (
            is_consent_purpose(&wanted.purpose),
            "purpose",
            "Use 1 to 64 small letters, digits, dots, underscores and hyphens.",
        ),
        (
            is_consent_body(&wanted.body),
            "body",
            "Write a text of at most 64 KiB.",
        ),
    ];
    let wrong = checks.into_iter().filter(|(is_right, ..)| !is_right);
    let problems = wrong.map(|(_, field, message)| FieldProblem {
        field: field.to_owned(),
        message: message.to_owned(),
    });
    problems.collect()
}

impl Known {
    async fn of(state: &State, record: &OrganizationRecord) -> Result<Self, ApiError> {
        let (tenant, store) = (record.tenant, &state.store);
        let mut texts = Vec::new();
        for row in store.tenant_rows(tenant, TEXT.as_str()).await? {
            texts.push(Text {
                row: read(&row, "consent text")?,
                waits: !row.edits.is_empty(),
            });
        }
        let mut said = Vec::new();
        for row in store.tenant_rows(tenant, CONSENT.as_str()).await? {
            said.push(Said {
                row: read(&row, "consent")?,
                is_new: row.rev.is_none(),
                change: row.edits.last().map(|it| (it.id, it.state.clone())),
            });
        }
        let mut people = BTreeMap::new();
        for row in store.tenant_rows(tenant, "membership").await? {
            let read: Membership = read(&row, "membership")?;
            let person = OrgPerson {
                user: read.user_id,
                name: read.display_name,
                email: read.email,
                is_you: read.user_id == tenant.user,
            };
            people.insert(person.user, person);
        }
        Ok(Self {
            you: tenant.user,
            is_admin: is_admin(record),
            texts,
            said,
            people,
        })
    }

    /// The newest version of a purpose; 0 where it has no text.
    fn newest(&self, purpose: &str) -> u32 {
        let texts = self.texts.iter().map(|text| &text.row);
        let versions = texts.filter(|row| row.purpose == purpose);
        versions.map(|row| row.version).max().unwrap_or(0)
    }

    fn find(&self, id: Uuid) -> Result<(), ApiError> {
        match self.texts.iter().any(|text| text.row.id == id) {
            true => Ok(()),
            false => Err(StoreError::TenantRowNotFound { kind: TEXT, id }.into()),
        }
    }

    /// Who has said it: what the backend does not have yet is the user's own.
    fn speaker(&self, said: &Said) -> UserId {
        said.row.user_id.unwrap_or(self.you)
    }

    /// What was said of a text and holds.
    fn standing(&self, text: Uuid) -> impl Iterator<Item = &Said> {
        let of_text = move |said: &&Said| said.row.consent_text_id == text;
        let said = self.said.iter().filter(of_text);
        said.filter(|said| said.row.withdrawn_at.is_none())
    }

    /// The same, said by whoever is signed in.
    fn own(&self, text: Uuid) -> impl Iterator<Item = &Said> {
        let said = self.standing(text);
        said.filter(move |said| self.speaker(said) == self.you)
    }

    fn told(&self) -> OrgConsents {
        let texts = self.texts.iter().map(|text| self.text(text));
        let mut texts: Vec<OrgConsentText> = texts
            .filter(|text| text.is_current || !text.agreements.is_empty())
            .collect();
        texts.sort_by(|one, other| {
            let versions = other.version.cmp(&one.version);
            one.purpose.cmp(&other.purpose).then(versions)
        });
        OrgConsents {
            is_admin: self.is_admin,
            texts,
        }
    }

    fn text(&self, Text { row, waits }: &Text) -> OrgConsentText {
        // Whoever has agreed on two machines at once has agreed since the first time.
        let mut since: BTreeMap<UserId, Timestamp> = BTreeMap::new();
        for said in self.standing(row.id) {
            let at = since
                .entry(self.speaker(said))
                .or_insert(said.row.granted_at);
            *at = said.row.granted_at.min(*at);
        }
        let mut agreements: Vec<OrgAgreement> = since
            .iter()
            .map(|(user, at)| OrgAgreement {
                person: self.person(*user),
                at: *at,
            })
            .collect();
        agreements.sort_by_cached_key(|OrgAgreement { person: it, .. }| {
            by_name(&it.name, &it.email, it.user)
        });
        // What is changed here is the user's own.
        let is_changed = |said: &Said| said.row.consent_text_id == row.id && said.change.is_some();
        OrgConsentText {
            id: row.id,
            purpose: row.purpose.clone(),
            version: row.version,
            body: row.body.clone(),
            published_at: row.created_at,
            is_current: row.version == self.newest(&row.purpose),
            waits: *waits || self.said.iter().any(is_changed),
            agreed_at: since.get(&self.you).copied(),
            agreements,
        }
    }

    fn person(&self, user: UserId) -> OrgPerson {
        let known = self.people.get(&user).cloned();
        // Who has left is no row of the replica any more.
        known.unwrap_or_else(|| OrgPerson {
            user,
            name: String::new(),
            email: String::new(),
            is_you: user == self.you,
        })
    }
}

#[cfg(test)]
#[path = "consents_tests.rs"]
mod tests;
