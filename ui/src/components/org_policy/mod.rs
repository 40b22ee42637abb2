//! What binds the sessions of an organization's users: the form of it for admins, and its words for everybody else.

mod agents;
mod draft;
mod editor;
mod rules;

use crate::view::prelude::*;
use berth_protocol::tenant::{OrgPolicyState, PolicyDraft};

use crate::components::icon::icon_name;
use crate::components::notice::{Empty, InlineFailure, Skeleton};
use crate::components::org_form::unfetched;
use crate::logic::org_policy::{facts, rule_text};
use crate::state::{OrgSettings, app, effect, memo};
use crate::strings::{fill, org_settings};
use crate::web::error::ApiError;
use agents::agent_name;
use editor::{Version, editor, version_of};

/// What is shown of it.
#[derive(Clone, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    Absent,
    Unreadable(String),
    /// Its words.
    Words(u32, PolicyDraft),
    /// Its form.
    Form,
}

#[component]
pub fn OrgPolicySection(settings: OrgSettings) -> impl IntoView {
    let newest = memo(move || settings.policy()?.ok().and_then(version_of));
    // What the form begins with. It begins anew whenever this is set.
    let base = RwSignal::new(None::<Version>);
    effect(move || {
        let newest = newest.get();
        if newest.is_some() && base.with_untracked(Option::is_none) {
            base.set(newest);
        }
    });
    let face = memo(move || match settings.policy() {
        None => Face::Loading,
        Some(Err(error)) => Face::Failed(error),
        Some(Ok(known)) => match known.policy {
            OrgPolicyState::Absent => Face::Absent,
            OrgPolicyState::Unreadable { reason } => Face::Unreadable(reason),
            OrgPolicyState::Known { .. } if known.is_admin => Face::Form,
            OrgPolicyState::Known { version, says } => Face::Words(version, says),
        },
    });
    view! {
        <section aria-labelledby="org-policy-title" data-testid="org-policy">
            <div>
                <h3 id="org-policy-title" tabindex="-1">{org_settings().policy}</h3>
                <p>{org_settings().policy_text}</p>
            </div>
            {move || match face.get() {
                Face::Loading => view! { <Skeleton rows=4/> }.into_any(),
                Face::Failed(error) => {
                    unfetched(org_settings().failed, &error, Callback::new(move |()| settings.fetch()))
                }
                Face::Absent => {
                    view! {
                        <Empty
                            name=icon_name!("shield")
                            title=org_settings().policy_absent
                            text=org_settings().policy_absent_text
                        />
                    }
                        .into_any()
                }
                Face::Unreadable(reason) => {
                    let hint = fill(org_settings().policy_unreadable_text, &[&reason]);
                    view! {
                        <div data-testid="policy-unreadable">
                            <InlineFailure text=org_settings().policy_unreadable hint=hint/>
                        </div>
                    }
                        .into_any()
                }
                Face::Words(version, says) => words(version, &says),
                Face::Form => {
                    let of = move || {
                        base.get().map(|of| leptos::prelude::untrack(|| editor(settings, newest, base, of)))
                    };
                    of.into_any()
                }
            }}
        </section>
    }
    .into_any()
}

/// What a policy says, to be read.
fn words(version: u32, says: &PolicyDraft) -> AnyView {
    let app = app();
    let facts = facts(says, |id| agent_name(app, id)).into_iter();
    let facts = facts.map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> });
    let rules = says
        .tool_rules
        .iter()
        .map(|rule| view! { <li>{rule_text(rule)}</li> });
    let rules = (!says.tool_rules.is_empty()).then(|| {
        view! {
            <h4>{org_settings().rules}</h4>
            <p>{org_settings().rules_text}</p>
            <ol class="org-rule-words" data-testid="policy-rules">{rules.collect_view()}</ol>
        }
    });
    view! {
        <p data-testid="policy-version">{fill(org_settings().policy_version, &[&version.to_string()])}</p>
        <dl class="org-policy-words" data-testid="policy-words">{facts.collect_view()}</dl>
        {rules}
    }
    .into_any()
}
