//! A menu under a button, on the browser's own popover: it stands above everything, and Esc or a
//! click elsewhere closes it.

use crate::view::{html, prelude::*};
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};

use crate::components::icon::{IconName, icon};
use crate::web::dom;

#[wasm_bindgen]
extern "C" {
    type Popover;
    #[wasm_bindgen(method, js_name = hidePopover, catch)]
    fn hide_popover(this: &Popover) -> Result<(), wasm_bindgen::JsValue>;
}

static NEXT_ID: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// A name in the page that no other popover has.
pub fn popover_id() -> String {
    format!(
        "popover-{}",
        NEXT_ID.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    )
}

/// Closes a popover.
pub fn hide(id: &str) {
    if let Some(element) = dom::document().get_element_by_id(id) {
        element.unchecked_ref::<Popover>().hide_popover().ok();
    }
}

/// Puts a popover beside the button that opens it, where there is more room.
pub fn place(anchor: &web_sys::Element, popover: &web_sys::HtmlElement) {
    let rect = anchor.get_bounding_client_rect();
    let window = dom::window();
    let size = |value: Result<wasm_bindgen::JsValue, _>| {
        dom::pixels(value.ok().and_then(|v| v.as_f64()).unwrap_or(800.0))
    };
    let (width, height) = (size(window.inner_width()), size(window.inner_height()));
    let (top, bottom) = (dom::pixels(rect.top()), dom::pixels(rect.bottom()));
    let (left, right) = (dom::pixels(rect.left()), dom::pixels(rect.right()));
    let style = popover.style();
    let set = |name: &str, value: String| style.set_property(name, &value).ok();
    let below = height - bottom - 12;
    let above = top - 12;
    if below >= 280 || below >= above {
        set("top", format!("{}px", bottom + 4));
        set("bottom", "auto".to_owned());
        set("max-height", format!("{below}px"));
    } else {
        set("bottom", format!("{}px", height - top + 4));
        set("top", "auto".to_owned());
        set("max-height", format!("{above}px"));
    }
    if left > width / 2 {
        set("right", format!("{}px", (width - right).max(8)));
        set("left", "auto".to_owned());
    } else {
        set("left", format!("{}px", left.max(8)));
        set("right", "auto".to_owned());
    }
}

/// Moves the focus among the items of a list, from the first to the last and round again.
pub fn move_focus(list: &web_sys::Element, selector: &str, step: i32) {
    let Ok(items) = list.query_selector_all(selector) else {
        return;
    };
    let count = i32::try_from(items.length()).unwrap_or(0);
    if count == 0 {
        return;
    }
    let focused = dom::document().active_element();
    let at = (0..count).find(|&at| {
        items
            .item(at.cast_unsigned())
            .map(wasm_bindgen::JsCast::unchecked_into::<web_sys::Element>)
            == focused
    });
    let next = match at {
        Some(at) => (at + step).rem_euclid(count),
        None if step < 0 => count - 1,
        None => 0,
    };
    if let Some(item) = items.item(next.cast_unsigned()) {
        item.unchecked_into::<web_sys::HtmlElement>().focus().ok();
    }
}

/// One line of a menu.
#[derive(Clone)]
pub struct MenuItem {
    pub label: String,
    pub icon: IconName,
    pub danger: bool,
    pub testid: &'static str,
    pub run: Callback<()>,
}

/// A button that opens a menu. The items are asked for when it opens.
#[component]
pub fn MenuButton(
    name: IconName,
    #[prop(into)] label: Signal<String>,
    items: Callback<(), Vec<MenuItem>>,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let id = popover_id();
    let button = NodeRef::<html::Button>::new();
    let list = NodeRef::<html::Div>::new();
    let shown = RwSignal::new(Vec::<MenuItem>::new());
    let on_toggle = move |event: web_sys::Event| {
        let state = js_sys::Reflect::get(&event, &"newState".into())
            .ok()
            .and_then(|s| s.as_string());
        if state.as_deref() == Some("open")
            && let (Some(button), Some(list)) = (button.get_untracked(), list.get_untracked())
        {
            shown.set(items.run(()));
            place(&button, &list);
        }
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        event.prevent_default();
        if let Some(list) = list.get_untracked() {
            move_focus(&list, "button", step);
        }
    };
    let target = id.clone();
    view! {
        <button
            type="button"
            node_ref=button
            class="icon-button"
            aria-label=label
            aria-haspopup="menu"
            data-tip=label
            data-testid=(!testid.is_empty()).then_some(testid)
            popovertarget=id.clone()
            on:keydown=on_key
        >
            {icon(name)}
        </button>
        <div
            node_ref=list
            id=id
            class="popover menu"
            role="menu"
            aria-label=label
            popover="auto"
            on:beforetoggle=on_toggle
            on:keydown=on_key
        >
            {move || {
                let target = target.clone();
                shown
                    .get()
                    .into_iter()
                    .map(|item| {
                        let target = target.clone();
                        view! {
                            <button
                                type="button"
                                role="menuitem"
                                class="menu-item"
                                class:is-danger=item.danger
                                data-testid=(!item.testid.is_empty()).then_some(item.testid)
                                on:click=move |_| {
                                    hide(&target);
                                    item.run.run(());
                                }
                            >
                                {icon(item.icon)}
                                <span>{item.label}</span>
                            </button>
                        }
                    })
                    .collect_view()
            }}
        </div>
    }
    .into_any()
}
