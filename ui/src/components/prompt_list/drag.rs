//! The handle of a row: dragged with a pointer, or moved with the arrow keys.

use crate::view::prelude::*;
use berth_protocol::{PromptId, PromptScope};
use wasm_bindgen::JsCast;
use web_sys::{Element, PointerEvent};

use super::List;
use crate::components::icon::{icon, icon_name};
use crate::logic::prompts::{gap_at, into_gap};
use crate::strings::{fill, t};
use crate::web::dom;

pub fn handle(list: List, scope: PromptScope, id: PromptId, name: Signal<String>) -> AnyView {
    let begin = move |event: PointerEvent| {
        if event.button() != 0 || list.moving.get_untracked() {
            return;
        }
        if let Some(element) = target(&event) {
            element.set_pointer_capture(event.pointer_id()).ok();
            list.dragged.set(Some(id));
        }
    };
    let follow = move |event: PointerEvent| {
        if list.dragged.get_untracked() != Some(id) {
            return;
        }
        let gap = target(&event).and_then(|element| gap_under(&element, event.client_y()));
        // A place where it stands already is none.
        let order = list.order(scope);
        let gap = gap.filter(|gap| into_gap(&order, id, *gap).is_some());
        let gap = gap.map(|gap| (scope, gap));
        if list.gap.get_untracked() != gap {
            list.gap.set(gap);
        }
    };
    let end = move || {
        list.dragged.set(None);
        let gap = list.gap.get_untracked();
        list.gap.set(None);
        gap
    };
    let drop = move |_: PointerEvent| {
        if list.dragged.get_untracked() != Some(id) {
            return;
        }
        let before = end().and_then(|(_, gap)| into_gap(&list.order(scope), id, gap));
        if let Some(before) = before {
            list.put(scope, id, before);
        }
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowUp" => -1,
            "ArrowDown" => 1,
            "Escape" if list.dragged.get_untracked().is_some() => {
                event.stop_propagation();
                end();
                return;
            }
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        list.step(scope, id, step);
    };
    let label = Signal::derive(move || fill(t().prompt_move, &[&name.get()]));
    view! {
        <button
            type="button"
            class="prompt-handle"
            aria-label=label
            aria-describedby="prompt-move-help"
            data-tip=label
            data-testid="prompt-handle"
            on:pointerdown=begin
            on:pointermove=follow
            on:pointerup=drop
            on:pointercancel=move |_| {
                end();
            }
            on:keydown=on_key
        >
            {icon(icon_name!("grip-vertical"))}
        </button>
    }
    .into_any()
}

fn target(event: &PointerEvent) -> Option<Element> {
    event.current_target()?.dyn_into().ok()
}

/// The gap between the rows of the handle's scope that is nearest to the pointer.
fn gap_under(handle: &Element, pointer: i32) -> Option<usize> {
    let rows = handle.closest("ul").ok()??;
    let rows = rows.query_selector_all(".prompt").ok()?;
    let mut middles = Vec::new();
    for at in 0..rows.length() {
        let row: Element = rows.item(at)?.dyn_into().ok()?;
        let rect = row.get_bounding_client_rect();
        middles.push(dom::pixels(rect.top() + rect.height() / 2.0));
    }
    Some(gap_at(&middles, pointer))
}
