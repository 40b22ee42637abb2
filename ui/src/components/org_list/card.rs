//! The card of an organization.

use crate::view::prelude::*;
use berth_protocol::OrganizationId;
use berth_protocol::tenant::OrgEntry;

use super::{Switch, choice};
use crate::components::icon::{icon, icon_name};
use crate::components::when::When;
use crate::logic::org_members::role_name;
use crate::logic::organization::{counts, fresh_at, since, standing, told};
use crate::state::memo;
use crate::strings::{fill, org, org_settings};

#[component]
pub fn OrgCard(id: OrganizationId, switch: Switch) -> impl IntoView {
    let entry = memo(move || switch.known.entry(id));
    let is_active = memo(move || switch.active() == Some(id));
    let name = move || entry.get().map(|entry| entry.name);
    let heading = format!("org-{id}");
    view! {
        <article
            class="org-card"
            aria-labelledby=heading.clone()
            class:is-active=is_active
            data-testid="org-card"
            data-org=id.to_string()
            data-name=name
        >
            <header class="org-head">
                <h3 id=heading tabindex="-1">{name}</h3>
                {move || entry.get().map(|entry| view! { <span class="badge">{role_name(entry.role)}</span> })}
                <span class="grow"></span>
                {chip(entry)}
            </header>
            <p class="org-note" role="status" data-testid="org-told">
                {move || entry.get().map(|entry| told(entry.sync.as_ref()))}
            </p>
            {move || entry.get().map(|entry| times(&entry))}
            {move || entry.get().map(|entry| waiting(&entry))}
            <div class="org-card-foot">
                {choice(switch, is_active, Some(id), org().switch)}
                {opener(switch, id)}
            </div>
        </article>
    }
    .into_any()
}

/// The button that shows the organization's settings.
fn opener(switch: Switch, id: OrganizationId) -> AnyView {
    let name = memo(move || switch.known.entry(id).map(|entry| entry.name));
    let named = move || fill(org_settings().title, &[&name.get().unwrap_or_default()]);
    view! {
        <div class="org-actions">
            <button
                type="button"
                class="button button-quiet"
                aria-label=named
                aria-expanded=move || (switch.opened.get() == Some(id)).to_string()
                data-testid="open-org-settings"
                on:click=move |_| switch.open(id)
            >
                {icon(icon_name!("settings"))}
                <span>{org_settings().open}</span>
            </button>
        </div>
    }
    .into_any()
}

/// The word for how its sync stands, with a sign beside it.
fn chip(entry: Memo<Option<OrgEntry>>) -> AnyView {
    let now =
        memo(move || entry.with(|entry| entry.as_ref().map(|entry| standing(entry.sync.as_ref()))));
    view! {
        {move || {
            now.get()
                .map(|now| {
                    let tone = now.tone.class();
                    view! {
                        <span class=format!("chip {tone}") data-testid="org-sync" data-state=now.name>
                            <span class=format!("dot {tone}") aria-hidden="true"></span>
                            {now.word}
                        </span>
                    }
                })
        }}
    }
    .into_any()
}

/// Since when it is as it is, and when it was fresh.
fn times(entry: &OrgEntry) -> Option<AnyView> {
    let sync = entry.sync.as_ref()?;
    let late =
        since(sync).map(|at| view! { <span>{org().sync_since}" "<When at=at long=true/></span> });
    let fresh = fresh_at(sync)
        .map(|at| view! { <span>{org().sync_fresh_at}" "<When at=at long=true/></span> });
    Some(view! { <p class="org-facts" data-testid="org-times">{late}{fresh}</p> }.into_any())
}

/// What has not arrived.
fn waiting(entry: &OrgEntry) -> Option<AnyView> {
    let counts = counts(entry.sync.as_ref()?);
    if counts.is_empty() {
        return None;
    }
    let rows = counts.into_iter().map(|text| view! { <li>{text}</li> });
    Some(
        view! { <ul class="org-counts" data-testid="org-counts">{rows.collect_view()}</ul> }
            .into_any(),
    )
}
