//! Events of the audit trail, the newest first, with older ones on demand.

use crate::view::{keyed, prelude::*};

use crate::components::button::Button;
use crate::components::notice::{Failure, Skeleton};
use crate::state::{ShownTrail, app, memo};
use crate::strings::audit;
use crate::wire::AuditEntry;

/// The list; `class` is the list's, `row` draws an event.
#[component]
pub fn TrailList(
    shown: ShownTrail,
    class: &'static str,
    row: fn(&AuditEntry) -> AnyView,
) -> impl IntoView {
    let app = app();
    let load = move |after| Callback::new(move |()| shown.load(app, after));
    let known = memo(move || shown.trail.with(Option::is_some));
    let older = memo(move || {
        shown
            .trail
            .with(|trail| trail.as_ref().and_then(|t| t.older()))
    });
    let entries = move || {
        shown.trail.with(|trail| {
            trail
                .as_ref()
                .map(|t| t.entries().to_vec())
                .unwrap_or_default()
        })
    };
    view! {
        {move || match shown.failure.get() {
            Some(error) => {
                view! {
                    <Failure
                        title=audit().audit_failed
                        text=error.text()
                        hint=error.hint().unwrap_or_default()
                        on_retry=load(None)
                    />
                }
                    .into_any()
            }
            None if !known.get() => view! { <Skeleton rows=6/> }.into_any(),
            None => ().into_any(),
        }}
        <ol class=class>{keyed(entries, |entry| entry.seq, move |entry| row(&entry))}</ol>
        {move || {
            older.get().map(|after| {
                view! { <Button label=audit().show_older busy=shown.busy on_click=load(Some(after))/> }
            })
        }}
    }
    .into_any()
}
