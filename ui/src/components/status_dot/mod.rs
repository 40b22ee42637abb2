//! A session's status as a shape, and as a shape with a word.

use crate::view::prelude::*;
use berth_protocol::Status;

use crate::logic::status::{self, Tone};

/// The shape. Whoever shows it alone names the status otherwise.
#[component]
pub fn StatusDot(#[prop(into)] tone: Signal<Tone>) -> impl IntoView {
    view! { <span class=move || format!("dot {}", tone.get().class()) aria-hidden="true"></span> }
        .into_any()
}

/// The shape and the word.
#[component]
pub fn StatusChip(status: Signal<Option<Status>>) -> impl IntoView {
    let tone = Signal::derive(move || status.see(|s| s.as_ref().map_or(Tone::Ended, status::tone)));
    view! {
        <span
            class=move || format!("chip {}", tone.get().class())
            data-testid="status"
            data-status=move || status.see(|s| s.as_ref().map(|s| s.word()))
            role="status"
        >
            <StatusDot tone=tone/>
            {move || status.see(|s| s.as_ref().map(status::word))}
        </span>
    }
    .into_any()
}
