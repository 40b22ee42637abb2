//! What happened in a session, the newest first.

use crate::view::prelude::*;
use berth_protocol::SessionId;

use crate::components::trail_list::TrailList;
use crate::components::when::When;
use crate::logic::activity;
use crate::state::ShownTrail;
use crate::strings::audit;
use crate::wire::AuditEntry;

/// Events that are fetched at once.
const PAGE: u32 = 12;

#[component]
pub fn Activity(id: SessionId) -> impl IntoView {
    let shown = ShownTrail::follow(Some(id), PAGE);
    view! {
        <section class="facts" data-testid="activity">
            <h3>{audit().activity}</h3>
            <TrailList shown=shown class="activity" row=row/>
        </section>
    }
    .into_any()
}

fn row(entry: &AuditEntry) -> AnyView {
    let words = activity::words(entry);
    view! { <li data-testid="activity-row"><span>{words}</span><When at=entry.at/></li> }.into_any()
}
