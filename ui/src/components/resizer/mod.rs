//! The edge of a side column: dragged, or moved with the arrow keys.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Narrowest and widest column, in pixels.
const MIN: f64 = 200.0;
const MAX: f64 = 520.0;
/// How far one press of an arrow key moves the edge, in pixels.
const STEP: f64 = 16.0;

#[component]
pub fn Resizer(
    width: RwSignal<f64>,
    /// The column stands at the right: it grows to the left.
    #[prop(optional)]
    right: bool,
    #[prop(into)] label: String,
) -> impl IntoView {
    let drag = StoredValue::new(None::<(f64, f64)>);
    let sign = if right { -1.0 } else { 1.0 };
    let down = move |event: web_sys::PointerEvent| {
        drag.set_value(Some((f64::from(event.client_x()), width.get_untracked())));
        if let Some(element) = event
            .target()
            .and_then(|t| t.dyn_into::<web_sys::Element>().ok())
        {
            element.set_pointer_capture(event.pointer_id()).ok();
        }
        event.prevent_default();
    };
    let moved = move |event: web_sys::PointerEvent| {
        if let Some((start, before)) = drag.get_value() {
            width.set(
                (before + sign * (f64::from(event.client_x()) - start))
                    .clamp(MIN, MAX)
                    .round(),
            );
        }
    };
    let key = move |event: web_sys::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowLeft" => -STEP,
            "ArrowRight" => STEP,
            _ => return,
        };
        event.prevent_default();
        width.update(|width| *width = (*width + sign * step).clamp(MIN, MAX));
    };
    view! {
        <div
            class="resizer"
            class:is-right=right
            role="separator"
            tabindex="0"
            aria-orientation="vertical"
            aria-label=label
            aria-valuemin=MIN
            aria-valuemax=MAX
            aria-valuenow=width
            on:pointerdown=down
            on:pointermove=moved
            on:pointerup=move |_| drag.set_value(None)
            on:pointercancel=move |_| drag.set_value(None)
            on:keydown=key
        ></div>
    }
    .into_any()
}
