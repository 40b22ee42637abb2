//! An event in the table: what, who and when on one line, and everything else below it on demand.

use std::rc::Rc;

use crate::view::prelude::*;

use super::Trail;
use super::details::details;
use crate::components::icon::{icon, icon_name};
use crate::components::when::When;
use crate::logic::org_trail::{end, who};
use crate::strings::{fill, org_trail};
use crate::wire::OrgTrailEntry;

pub(super) fn row(trail: Trail, event: &Rc<OrgTrailEntry>) -> AnyView {
    let is_open = RwSignal::new(false);
    let seq = event.seq.to_string();
    let who = who(&event.actor, event.actor_name.as_deref());
    let on = match &event.subject_name {
        Some(name) => name.clone(),
        None => format!("{} {}", event.subject_kind, end(&event.subject_id)),
    };
    let changed = (!event.is_whole).then(|| {
        view! {
            <strong class="org-trail-changed">{org_trail().changed}</strong>
        }
    });
    let name = fill(org_trail().more, &[&event.action, &seq]);
    let id = format!("org-trail-event-{seq}");
    let controlled = id.clone();
    let shown = event.clone();
    view! {
        <tr
            class="org-trail-line"
            class:is-broken=!event.is_whole
            data-testid="org-trail-row"
            data-seq=seq
        >
            <td class="org-trail-seq">{event.seq}</td>
            <td>
                <button
                    type="button"
                    class="org-trail-what"
                    aria-label=name
                    aria-expanded=move || is_open.get().to_string()
                    aria-controls=move || is_open.get().then(|| controlled.clone())
                    data-testid="org-trail-more"
                    on:click=move |_| is_open.update(|open| *open = !*open)
                >
                    {icon(icon_name!("chevron-right"))}
                    <span>{event.action.clone()}</span>
                </button>
                <span class="org-trail-on">{on}</span>
                {changed}
            </td>
            <td data-testid="org-trail-who">{who}</td>
            <td><When at=event.at/></td>
        </tr>
        <Show when=move || is_open.get()>{details(trail, &shown, &id)}</Show>
    }
    .into_any()
}
