//! Prompts that are rows of the active organization: looked up, and changed by an edit that is seen at once and waits
//! until the organization's backend has it.

use berth_protocol::{
    Code, Event, PromptDraft, PromptId, PromptMove, PromptOrder, PromptScope, SystemPrompt,
    tenant::{EntityKind, OrganizationRole, Tenant},
};
use berth_store::{StoreError, TenantEdit, placed};
use serde_json::{Map, Value, json};
use tokio::sync::MutexGuard;
use uuid::Uuid;

use super::{MOST, changed, conflict};
use crate::{error::ApiError, organizations, state::State};

const PROMPT: EntityKind = EntityKind::Prompt;

/// Whoever looks at a prompt and then edits it: nobody else does meanwhile.
struct Editing<'a> {
    state: &'a State,
    tenant: Tenant,
    _turn: MutexGuard<'a, ()>,
}

/// A prompt of the active organization, if it has one of this name.
pub async fn find(state: &State, id: PromptId) -> Result<Option<SystemPrompt>, ApiError> {
    let Some(tenant) = state.organizations.active() else {
        return Ok(None);
    };
    let row = state
        .store
        .tenant_row(tenant, PROMPT.as_str(), id.0)
        .await?;
    row.as_ref().map(organizations::system_prompt).transpose()
}

/// What the user may do in the active organization; nothing while none is active.
pub async fn role(state: &State) -> Result<Option<OrganizationRole>, ApiError> {
    let Some(tenant) = state.organizations.active() else {
        return Ok(None);
    };
    let record = state.store.organization(tenant).await?;
    Ok(record.map(|record| record.role))
}

/// Adds a prompt.
pub async fn create(state: &State, draft: &PromptDraft) -> Result<SystemPrompt, ApiError> {
    let editing = Editing::begin(state).await?;
    let known = editing.order(draft.scope).await?.len();
    if u64::try_from(known).unwrap_or(u64::MAX) >= MOST {
        let detail = format!("there are {known} prompts already, and there can be no more");
        return Err(ApiError::new(Code::PromptInvalid, detail));
    }
    let id = Uuid::now_v7();
    let add = TenantEdit::Add {
        kind: PROMPT,
        id,
        fields: json!(draft),
    };
    editing.apply(vec![add]).await?;
    Ok(changed(state, editing.now(PromptId(id)).await?))
}

/// Changes the fields of a prompt that are others in the draft. Whoever edited an old version is told both.
pub async fn save(
    state: &State,
    id: PromptId,
    version: u32,
    draft: PromptDraft,
) -> Result<SystemPrompt, ApiError> {
    let editing = Editing::begin(state).await?;
    let old = editing.now(id).await?;
    if old.version != version {
        return Err(conflict(old, draft, version).await?);
    }
    let fields = differing(&old.draft(), &draft);
    if fields.is_empty() {
        return Ok(old);
    }
    editing.apply(vec![change(id, fields)]).await?;
    Ok(changed(state, editing.now(id).await?))
}

/// Removes a prompt that still has the version which was looked at.
pub async fn delete(state: &State, id: PromptId, version: u32) -> Result<(), ApiError> {
    let editing = Editing::begin(state).await?;
    editing.seen(id, version).await?;
    let delete = TenantEdit::Delete {
        kind: PROMPT,
        id: id.0,
    };
    editing.apply(vec![delete]).await?;
    state.publish(Event::PromptRemoved { id });
    Ok(())
}

/// Takes a prompt to another place among those of its scope.
pub async fn reorder(state: &State, id: PromptId, to: PromptMove) -> Result<PromptOrder, ApiError> {
    let editing = Editing::begin(state).await?;
    let moved = editing.seen(id, to.version).await?;
    let scope = moved.scope;
    let before = editing.order(scope).await?;
    let mut order = before.clone();
    order.retain(|prompt| prompt.id != id);
    let place = match to.before {
        None => Some(order.len()),
        Some(next) if next == id => before.iter().position(|prompt| prompt.id == id),
        Some(next) => order.iter().position(|prompt| prompt.id == next),
    };
    let place = place.ok_or_else(|| StoreError::PromptNotFound(to.before.unwrap_or(id)))?;
    order.insert(place, moved);
    let ids = |order: &[SystemPrompt]| order.iter().map(|prompt| prompt.id).collect::<Vec<_>>();
    if ids(&order) == ids(&before) {
        return Ok(PromptOrder { prompts: before });
    }
    let edits = placed(&order, place)
        .into_iter()
        .filter_map(|(at, priority)| {
            let fields = Map::from_iter([("priority".to_owned(), Value::from(priority))]);
            Some(change(order.get(at)?.id, fields))
        });
    editing.apply(edits.collect()).await?;
    let prompts = editing.order(scope).await?;
    for prompt in prompts.iter().filter(|prompt| !before.contains(prompt)) {
        changed(state, prompt.clone());
    }
    Ok(PromptOrder { prompts })
}

impl<'a> Editing<'a> {
    async fn begin(state: &'a State) -> Result<Self, ApiError> {
        let turn = state.organizations.editing().await;
        let tenant = state.organizations.active().ok_or_else(|| {
            ApiError::new(
                Code::PromptScopeDenied,
                "no organization is active any more",
            )
        })?;
        Ok(Self {
            state,
            tenant,
            _turn: turn,
        })
    }

    async fn now(&self, id: PromptId) -> Result<SystemPrompt, ApiError> {
        let found = find(self.state, id).await?;
        found.ok_or_else(|| StoreError::PromptNotFound(id).into())
    }

    /// The prompt, if it still has this version.
    async fn seen(&self, id: PromptId, version: u32) -> Result<SystemPrompt, ApiError> {
        let now = self.now(id).await?;
        let found = now.version;
        match found == version {
            true => Ok(now),
            false => Err(StoreError::PromptChanged { id, found }.into()),
        }
    }

    /// The prompts of a scope as they are put together.
    async fn order(&self, scope: PromptScope) -> Result<Vec<SystemPrompt>, ApiError> {
        let shared = organizations::shared(self.state).await?;
        let mut order = shared.map(|shared| shared.prompts).unwrap_or_default();
        order.retain(|prompt| prompt.scope == scope);
        order.sort_by(|one, other| {
            let of = |it: &SystemPrompt| (it.priority, it.id);
            let names = one.name.cmp(&other.name);
            let (one, other) = (of(one), of(other));
            one.0.cmp(&other.0).then(names).then(one.1.cmp(&other.1))
        });
        Ok(order)
    }

    async fn apply(&self, edits: Vec<TenantEdit>) -> Result<(), ApiError> {
        self.state.store.edit_tenant_all(self.tenant, edits).await?;
        self.state.organizations.edited(self.tenant.org);
        Ok(())
    }
}

fn change(id: PromptId, fields: Map<String, Value>) -> TenantEdit {
    TenantEdit::Change {
        kind: PROMPT,
        id: id.0,
        fields: Value::Object(fields),
    }
}

/// The fields of a draft that are others than before, by the names that they have in a row.
fn differing(old: &PromptDraft, new: &PromptDraft) -> Map<String, Value> {
    let (Value::Object(old), Value::Object(mut new)) = (json!(old), json!(new)) else {
        return Map::new();
    };
    new.retain(|field, value| old.get(field) != Some(value));
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_has_the_fields_that_are_others_and_no_more() {
        let old = PromptDraft {
            scope: PromptScope::Organization,
            name: "rules".to_owned(),
            ..PromptDraft::default()
        };
        assert!(differing(&old, &old).is_empty());
        let new = PromptDraft {
            content: "words".to_owned(),
            locked: true,
            ..old.clone()
        };
        let fields = differing(&old, &new);
        assert_eq!(
            Value::Object(fields),
            json!({"content": "words", "locked": true})
        );
    }

    #[test]
    fn whatever_is_said_of_a_prompt_can_be_written_into_a_row() {
        let Value::Object(fields) = json!(PromptDraft::default()) else {
            panic!("a draft is an object");
        };
        let fixed = PROMPT.fixed_fields().unwrap_or_default();
        for field in fields.keys() {
            let field = field.as_str();
            assert!(
                fixed.contains(&field) || PROMPT.writable_fields().contains(&field),
                "{field}"
            );
        }
    }
}
