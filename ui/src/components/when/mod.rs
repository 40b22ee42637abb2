//! Moments: how long ago, and exactly on hover.

use crate::view::prelude::*;
use berth_protocol::Timestamp;

use crate::logic::time;
use crate::state::app;
use crate::web::clock;

/// How long ago, short or as part of a sentence.
#[component]
pub fn When(#[prop(into)] at: Signal<Timestamp>, #[prop(optional)] long: bool) -> impl IntoView {
    let now = app().ui.now;
    let text = move || {
        let (now, then) = (now.get(), at.get().as_millisecond());
        if long {
            time::ago(now, then)
        } else {
            time::age(now, then)
        }
    };
    view! {
        <time class="when" datetime=move || clock::iso(at.get()) data-tip=move || clock::exact(at.get())>
            {text}
        </time>
    }
    .into_any()
}
