//! What happened in a session, the newest first.

use crate::view::{keyed, prelude::*};
use berth_protocol::SessionId;

use crate::components::button::Button;
use crate::components::icon::icon_name;
use crate::components::notice::{InlineFailure, Skeleton};
use crate::components::when::When;
use crate::logic::activity;
use crate::state::{ShownTrail, app, memo};
use crate::strings::t;

/// Events that are fetched at once.
const PAGE: u32 = 12;

#[component]
pub fn Activity(id: SessionId) -> impl IntoView {
    let app = app();
    let shown = ShownTrail::follow(Some(id), PAGE);
    let loading =
        memo(move || shown.trail.with(Option::is_none) && shown.failure.with(Option::is_none));
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
    let load = move |after| Callback::new(move |()| shown.load(app, after));
    view! {
        <section class="facts" data-testid="activity">
            <h3>{t().activity}</h3>
            {move || loading.get().then(|| view! { <Skeleton rows=4/> })}
            {move || {
                shown.failure.get().map(|error| {
                    view! {
                        <InlineFailure text=error.text()/>
                        <Button label=t().try_again icon_name=icon_name!("refresh-cw") on_click=load(None)/>
                    }
                })
            }}
            <ol class="activity">
                {keyed(entries, |entry| entry.seq, |entry| {
                    let words = activity::words(t(), &entry);
                    view! {
                        <li data-testid="activity-row"><span>{words}</span><When at=entry.at/></li>
                    }
                })}
            </ol>
            {move || {
                older.get().map(|_| {
                    view! {
                        <Button label=t().show_older busy=shown.busy on_click=load(older.get_untracked())/>
                    }
                })
            }}
        </section>
    }
    .into_any()
}
