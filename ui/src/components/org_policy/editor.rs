//! The form of a policy, and what becomes of one that came too late.

use crate::view::prelude::*;
use berth_protocol::tenant::{OrgPolicy, OrgPolicyEdit, OrgPolicyState, PolicyDraft};

use super::agents::agents;
use super::draft::Draft;
use super::rules::rules;
use crate::components::button::{Button, Look};
use crate::components::field::{SelectField, TextField, focus_first_wrong};
use crate::components::notice::InlineFailure;
use crate::components::org_form::{form, keep_focus, keep_focus_on};
use crate::logic::org_policy::{Wrong, ceilings, isolations, sanitizing};
use crate::state::{OrgSettings, app, effect, memo, run};
use crate::strings::{fill, org_settings};
use crate::web::org_settings::NotSet;

/// A policy and its version.
pub type Version = (u32, PolicyDraft);

/// The version in an answer, where it has one.
pub fn version_of(policy: OrgPolicy) -> Option<Version> {
    match policy.policy {
        OrgPolicyState::Known { version, says } => Some((version, says)),
        OrgPolicyState::Absent | OrgPolicyState::Unreadable { .. } => None,
    }
}

/// The form of this version. `newest` is followed; `base` is set to begin anew with another one.
pub fn editor(
    settings: OrgSettings,
    newest: Memo<Option<Version>>,
    base: RwSignal<Option<Version>>,
    (version, says): Version,
) -> AnyView {
    let app = app();
    let draft = Draft::new(&says);
    // The version over which it is set.
    let over = RwSignal::new(version);
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let begun = StoredValue::new(says);
    let is_changed = memo(move || {
        let made = draft.form.with(|form| form.draft());
        begun.with_value(|begun| made.as_ref() != Some(begun))
    });
    // A version that somebody else has set, and that the user has not decided about.
    let late = memo(move || newest.get().filter(|(number, _)| *number > over.get()));
    effect(move || {
        if let Some(newest) = late.get()
            && !is_changed.get()
        {
            base.set(Some(newest));
        }
    });
    let refused = RwSignal::new(None::<Version>);
    let conflict = memo(move || match (refused.get(), late.get()) {
        (None, None) => None,
        (Some(one), Some(other)) if other.0 > one.0 => Some(other),
        (one, other) => one.or(other),
    });
    let theirs = Callback::new(move |()| {
        if let Some(newest) = conflict.get_untracked() {
            base.set(Some(newest));
            keep_focus_on("save-org-policy");
        }
    });
    let mine = Callback::new(move |()| {
        if let Some((number, _)) = conflict.get_untracked() {
            over.set(number);
            refused.set(None);
            keep_focus_on("save-org-policy");
        }
    });
    let save = Callback::new(move |()| {
        failure.set(None);
        let Some(policy) = draft.form.with_untracked(|form| form.draft()) else {
            return focus_first_wrong("[data-testid=org-policy-form]");
        };
        let edit = OrgPolicyEdit {
            version: over.get_untracked(),
            policy,
        };
        run(busy, async move {
            match app.api().set_org_policy(settings.org, &edit).await {
                Ok(set) => {
                    settings.take_policy(set.clone());
                    let Some((number, says)) = version_of(set) else {
                        return;
                    };
                    app.ui
                        .say(fill(org_settings().policy_set, &[&number.to_string()]));
                    base.set(Some((number, says)));
                    keep_focus_on("save-org-policy");
                }
                Err(NotSet::Late(newest)) => match version_of(newest) {
                    Some(newest) => {
                        refused.set(Some(newest));
                        keep_focus_on("policy-theirs");
                    }
                    None => {
                        settings.fetch();
                        keep_focus("#org-policy-title".to_owned());
                    }
                },
                Err(NotSet::Failed(error)) => {
                    failure.set(Some(error));
                    keep_focus_on("save-org-policy");
                }
            }
        });
    });
    let undo = Callback::new(move |()| {
        base.update(|_| {});
        keep_focus_on("save-org-policy");
    });
    let retention = Signal::derive(move || {
        let is_wrong = draft.is_wrong(Wrong::Retention);
        is_wrong.then(|| org_settings().retention_wrong.to_owned())
    });
    let select = move |signal: RwSignal<String>| Callback::new(move |word| signal.set(word));
    let fields = view! {
        {agents(app, draft)}
        <div class="fields">
            <SelectField
                label=org_settings().ceiling
                value=draft.ceiling
                options=Signal::stored(ceilings())
                on_select=select(draft.ceiling)
                testid="policy-ceiling"
            />
            <SelectField
                label=org_settings().sanitize
                value=draft.sanitize
                options=Signal::stored(sanitizing())
                on_select=select(draft.sanitize)
                testid="policy-sanitize"
            />
            <SelectField
                label=org_settings().isolation
                value=draft.isolation
                options=Signal::stored(isolations())
                on_select=select(draft.isolation)
                hint=org_settings().isolation_hint
                testid="policy-isolation"
            />
            <TextField
                label=org_settings().retention
                value=draft.retention
                hint=org_settings().retention_hint
                problem=retention
                testid="policy-retention"
            />
        </div>
        {rules(draft)}
        {move || {
            conflict
                .get()
                .map(|(number, _)| {
                    let title = fill(org_settings().conflict, &[&number.to_string()]);
                    view! {
                        <div data-testid="policy-conflict">
                            <InlineFailure text=title hint=org_settings().conflict_text>
                                <div class="org-actions">
                                    <Button
                                        label=org_settings().conflict_theirs
                                        testid="policy-theirs"
                                        on_click=theirs
                                    />
                                    <Button
                                        label=org_settings().conflict_mine
                                        look=Look::Quiet
                                        testid="policy-mine"
                                        on_click=mine
                                    />
                                </div>
                            </InlineFailure>
                        </div>
                    }
                })
        }}
    };
    let has_conflict = memo(move || conflict.with(Option::is_some));
    let actions = view! {
        <Button
            label=org_settings().policy_save
            look=Look::Primary
            busy=busy
            disabled=has_conflict
            testid="save-org-policy"
            on_click=save
        />
        <Show when=move || is_changed.get()>
            <Button
                label=org_settings().policy_undo
                look=Look::Quiet
                testid="undo-org-policy"
                on_click=undo
            />
        </Show>
    };
    view! {
        <p data-testid="policy-version">{fill(org_settings().policy_version, &[&version.to_string()])}</p>
        {form("org-policy-form", fields, failure, actions, save)}
    }
    .into_any()
}
