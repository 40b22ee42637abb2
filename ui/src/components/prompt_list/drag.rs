//! The handle of a row: dragged with a pointer, or moved with the arrow keys.

use crate::view::prelude::*;
use berth_protocol::{PromptId, PromptScope};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, PointerEvent};

use super::List;
use crate::components::icon::{icon, icon_name};
use crate::logic::prompts::{gap_at, into_gap};
use crate::strings::{fill, prompt_pages};
use crate::web::dom;

/// How near to an edge the page is scrolled, and by how much with each move, in pixels.
const EDGE: i32 = 48;
const SCROLL: i32 = 16;

pub fn handle(list: List, scope: PromptScope, id: PromptId, name: Signal<String>) -> AnyView {
    let begin = move |event: PointerEvent| {
        if event.button() != 0 || list.moving.get_untracked() {
            return;
        }
        if let Some(element) = target(&event) {
            // So that a pointer is followed that leaves the window.
            element.set_pointer_capture(event.pointer_id()).ok();
            // Not every browser gives a pressed button the focus, and Esc is to reach it.
            element.focus().ok();
            list.dragged.set(Some((scope, id)));
        }
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowUp" => -1,
            "ArrowDown" => 1,
            "Escape" if list.dragged.get_untracked().is_some() => {
                event.stop_propagation();
                list.end_drag();
                return;
            }
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        list.step(scope, id, step);
    };
    let label = Signal::derive(move || fill(prompt_pages().prompt_move, &[&name.get()]));
    view! {
        <button
            type="button"
            class="prompt-handle"
            aria-label=label
            aria-describedby="prompt-move-help"
            data-tip=label
            data-testid="prompt-handle"
            on:pointerdown=begin
            on:keydown=on_key
        >
            {icon(icon_name!("grip-vertical"))}
        </button>
    }
    .into_any()
}

fn target(event: &PointerEvent) -> Option<HtmlElement> {
    event.current_target()?.dyn_into().ok()
}

impl List {
    /// Follows the pointer while a row is dragged, wherever it is: some browsers let a captured one go.
    pub fn follow_pointer(self) {
        let window = dom::window();
        dom::listen(&window, "pointermove", move |event| {
            if let Some((scope, id)) = self.dragged.get_untracked()
                && let Some(event) = event.dyn_ref::<PointerEvent>()
            {
                self.drag_over(scope, id, event.client_y());
            }
        });
        dom::listen(&window, "pointerup", move |_| {
            if let Some((scope, id)) = self.dragged.get_untracked() {
                let gap = self.gap.get_untracked();
                self.end_drag();
                let before = gap.and_then(|(_, gap)| into_gap(&self.order(scope), id, gap));
                if let Some(before) = before {
                    self.put(scope, id, before);
                }
            }
        });
        dom::listen(&window, "pointercancel", move |_| self.end_drag());
    }

    /// Marks the gap that the row would go into. A place where it stands already is none.
    fn drag_over(self, scope: PromptScope, id: PromptId, pointer: i32) {
        scroll_at(pointer);
        let gap = gap_under(id, pointer);
        let order = self.order(scope);
        let gap = gap.filter(|gap| into_gap(&order, id, *gap).is_some());
        let gap = gap.map(|gap| (scope, gap));
        if self.gap.get_untracked() != gap {
            self.gap.set(gap);
        }
    }

    fn end_drag(self) {
        if self.dragged.get_untracked().is_some() {
            self.dragged.set(None);
            self.gap.set(None);
        }
    }
}

/// Scrolls the page when the pointer is at its upper or lower edge.
fn scroll_at(pointer: i32) {
    let Ok(Some(page)) = dom::document().query_selector(".page") else {
        return;
    };
    let rect = page.get_bounding_client_rect();
    let (top, bottom) = (dom::pixels(rect.top()), dom::pixels(rect.bottom()));
    let step = match pointer {
        _ if pointer < top + EDGE => -SCROLL,
        _ if pointer > bottom - EDGE => SCROLL,
        _ => return,
    };
    page.set_scroll_top(page.scroll_top() + step);
}

/// The gap between the rows of the prompt's scope that is nearest to the pointer.
fn gap_under(id: PromptId, pointer: i32) -> Option<usize> {
    let row = dom::document().query_selector(&format!("[data-prompt='{id}']"));
    let rows = row.ok()??.closest("ul").ok()??;
    let rows = rows.query_selector_all(".prompt").ok()?;
    let mut middles = Vec::new();
    for at in 0..rows.length() {
        let row: Element = rows.item(at)?.dyn_into().ok()?;
        let rect = row.get_bounding_client_rect();
        middles.push(dom::pixels(rect.top() + rect.height() / 2.0));
    }
    Some(gap_at(&middles, pointer))
}
