//! Where an event came from. It is about a person, so it is asked for event by event, and nothing of it stays once the
//! details of the event are closed.

use crate::view::prelude::*;
use berth_protocol::tenant::OrgTrailOrigin;

use super::Trail;
use crate::components::button::Button;
use crate::components::notice::Skeleton;
use crate::components::org_form::{failed, keep_focus};
use crate::state::run;
use crate::strings::org_trail;
use crate::web::error::ApiError;

/// The button that asks for it, and what was answered.
pub(super) fn origin(trail: Trail, seq: i64) -> AnyView {
    let busy = RwSignal::new(false);
    let told = RwSignal::new(None::<OrgTrailOrigin>);
    let failure = RwSignal::new(None::<ApiError>);
    let ask = Callback::new(move |()| {
        let Some(org) = trail.org.get_untracked() else {
            return;
        };
        told.set(None);
        failure.set(None);
        run(busy, async move {
            match trail.app.api().org_trail_origin(org, seq).await {
                Ok(origin) => told.set(Some(origin)),
                Err(error) => failure.set(Some(error)),
            }
            keep_focus(format!(
                "[data-testid=org-trail-details][data-seq='{seq}'] [data-testid=ask-org-trail-origin]"
            ));
        });
    });
    view! {
        <div class="org-actions">
            <Button label=org_trail().origin busy=busy testid="ask-org-trail-origin" on_click=ask/>
        </div>
        {move || busy.get().then(|| view! { <Skeleton rows=2/> })}
        {failed(failure)}
        <div role="status" data-testid="org-trail-origin">
            {move || told.get().map(shown)}
        </div>
    }
    .into_any()
}

fn shown(origin: OrgTrailOrigin) -> AnyView {
    let t = org_trail();
    if origin == OrgTrailOrigin::default() {
        return view! { <p class="org-note">{t.origin_none}</p> }.into_any();
    }
    let or_not = |known: Option<String>| known.unwrap_or_else(|| t.not_known.to_owned());
    view! {
        <dl class="org-trail-facts">
            <dt>{t.address}</dt>
            <dd>{or_not(origin.address)}</dd>
            <dt>{t.program}</dt>
            <dd>{or_not(origin.program)}</dd>
        </dl>
        <p class="org-note">{t.origin_text}</p>
    }
    .into_any()
}
