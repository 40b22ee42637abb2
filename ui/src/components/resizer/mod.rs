//! The edge of a side column: dragged, or moved with the arrow keys.

use crate::view::prelude::*;
use wasm_bindgen::JsCast;

/// Narrowest and widest column, in pixels.
const MIN: i32 = 200;
const MAX: i32 = 520;
/// How far one press of an arrow key moves the edge, in pixels.
const STEP: i32 = 16;

#[component]
pub fn Resizer(
    width: RwSignal<i32>,
    /// The column stands at the right: it grows to the left.
    #[prop(optional)]
    right: bool,
    #[prop(into)] label: String,
) -> impl IntoView {
    let drag = StoredValue::new(None::<(i32, i32)>);
    let sign = if right { -1 } else { 1 };
    let down = move |event: web_sys::PointerEvent| {
        drag.set_value(Some((event.client_x(), width.get_untracked())));
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
            width.set((before + sign * (event.client_x() - start)).clamp(MIN, MAX));
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
