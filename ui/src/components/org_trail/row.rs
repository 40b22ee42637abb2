//! An event in the table.

use crate::view::prelude::*;

use super::filter::SYSTEM;
use crate::components::copy_value::CopyValue;
use crate::components::when::When;
use crate::strings::{fill, org_trail, t};
use crate::wire::OrgTrailEntry;

pub fn row(event: &OrgTrailEntry) -> AnyView {
    let who = match (&event.actor_name, event.actor.as_str()) {
        (Some(name), _) => name.clone(),
        (None, SYSTEM) => org_trail().system.to_owned(),
        (None, pseudonym) => fill(org_trail().unknown, &[&start(pseudonym, 10)]),
    };
    let on = match &event.subject_name {
        Some(name) => name.clone(),
        None => end(&event.subject_id),
    };
    let details: Vec<_> = event
        .details
        .iter()
        .map(|(name, fact)| format!("{name} {fact}"))
        .collect();
    let hash = event.hash.clone();
    let changed = (!event.is_whole).then(|| {
        view! {
            <strong class="org-trail-changed">{org_trail().changed}</strong>
        }
    });
    view! {
        <tr class:is-broken=!event.is_whole data-testid="org-trail-row" data-seq=event.seq.to_string()>
            <td class="org-trail-seq">{event.seq}</td>
            <td><When at=event.at/></td>
            <td data-testid="org-trail-who">{who}</td>
            <td class="org-trail-what">{event.action.clone()}{changed}</td>
            <td>{event.subject_kind.clone()} " " {on}</td>
            <td class="org-trail-details">{details.join(" · ")}</td>
            <td>
                <CopyValue label=t().hash value=Signal::stored(hash.clone()) shown=Signal::stored(start(&hash, 8))/>
            </td>
        </tr>
    }
    .into_any()
}

fn start(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

/// An identifier is known by its end.
fn end(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(8);
    text.chars().skip(skip).collect()
}
