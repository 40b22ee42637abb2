//! Everything that is known of an event, below its row.

use crate::view::prelude::*;
use berth_protocol::Timestamp;

use super::Trail;
use super::origin::origin;
use crate::components::button::{Button, Look};
use crate::components::copy_value::CopyValue;
use crate::logic::org_trail::{SYSTEM, apart, start};
use crate::strings::{fill, org_trail};
use crate::web::clock;
use crate::wire::OrgTrailEntry;

pub(super) fn details(trail: Trail, event: &OrgTrailEntry, id: &str) -> AnyView {
    let apart = event.occurred_at.and_then(|then| apart(then, event.at));
    let apart = apart.map(|text| {
        view! { <p class="org-note" data-testid="org-trail-apart">{text}</p> }
    });
    view! {
        <tr
            id=id
            class="org-trail-details"
            data-testid="org-trail-details"
            data-seq=event.seq.to_string()
        >
            <td colspan="4">
                <dl class="org-trail-facts">{facts(event)}</dl>
                {apart}
                {narrower(trail, event)}
                {origin(trail, event.seq)}
            </td>
        </tr>
    }
    .into_any()
}

fn facts(event: &OrgTrailEntry) -> Vec<AnyView> {
    let t = org_trail();
    let happened = match event.occurred_at {
        Some(at) => moment(at, t.happened_by),
        None => t.by_backend.into_any(),
    };
    let mut facts = vec![
        fact(t.happened, happened),
        fact(t.arrived, moment(event.at, t.arrived_by)),
    ];
    if event.actor != SYSTEM {
        facts.push(fact(t.pseudonym, whole(t.pseudonym, &event.actor)));
    }
    if let Some(device) = &event.device_id {
        facts.push(fact(t.device, from(event, device)));
    }
    if let Some(session) = &event.session_id {
        facts.push(fact(t.session, whole(t.session, session)));
    }
    facts.push(fact(t.kind, event.subject_kind.clone().into_any()));
    facts.push(fact(t.subject, whole(t.subject, &event.subject_id)));
    if !event.details.is_empty() {
        let more = event.details.iter();
        let more: Vec<_> = more.map(|(name, fact)| format!("{name} {fact}")).collect();
        facts.push(fact(t.details, more.join(" · ").into_any()));
    }
    facts.push(fact(
        t.hash,
        copied(t.hash, &event.hash, start(&event.hash, 8)),
    ));
    facts
}

fn fact(name: &'static str, value: AnyView) -> AnyView {
    view! {
        <dt>{name}</dt>
        <dd>{value}</dd>
    }
    .into_any()
}

/// A moment to the second, and by whose clock it is.
fn moment(at: Timestamp, by: &'static str) -> AnyView {
    view! {
        <time datetime=clock::iso(at)>{clock::exact(at)}</time>
        <span class="org-trail-by">{by}</span>
    }
    .into_any()
}

/// The device, and what tells it from others.
fn from(event: &OrgTrailEntry, device: &str) -> AnyView {
    let here = event.is_here.then(|| org_trail().device_here.to_owned());
    let seq = event.device_seq.map(|seq| seq.to_string());
    let seq = seq.map(|seq| fill(org_trail().device_seq, &[&seq]));
    let notes: Vec<String> = here.into_iter().chain(seq).collect();
    view! {
        {whole(org_trail().device, device)}
        <span class="org-trail-by">{notes.join(", ")}</span>
    }
    .into_any()
}

fn whole(label: &'static str, value: &str) -> AnyView {
    copied(label, value, value.to_owned())
}

fn copied(label: &'static str, value: &str, shown: String) -> AnyView {
    let value = Signal::stored(value.to_owned());
    view! { <CopyValue label=label value=value shown=Signal::stored(shown)/> }.into_any()
}

/// Buttons that look only for what this event belongs to.
fn narrower(trail: Trail, event: &OrgTrailEntry) -> AnyView {
    let session = event.session_id.clone().map(|session| {
        let only = Callback::new(move |()| {
            trail.filter.only_session(&session);
            trail.load(None);
        });
        view! {
            <Button
                label=org_trail().only_session
                look=Look::Quiet
                testid="only-org-trail-session"
                on_click=only
            />
        }
    });
    let kind = event.subject_kind.clone();
    let only = Callback::new(move |()| {
        trail.filter.only_kind(&kind);
        trail.load(None);
    });
    view! {
        <div class="org-actions">
            {session}
            <Button label=org_trail().only_kind look=Look::Quiet testid="only-org-trail-kind" on_click=only/>
        </div>
    }
    .into_any()
}
