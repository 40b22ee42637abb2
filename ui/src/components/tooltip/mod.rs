//! One tooltip for the whole page: elements say with `data-tip` (and `data-tip-keys`) what it shows.

use crate::view::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::web::{clock, dom};

/// How long the pointer rests before a tooltip shows, in milliseconds.
const DELAY: i32 = 450;

#[derive(Clone, PartialEq)]
struct Tip {
    text: String,
    keys: String,
    x: i32,
    y: i32,
    below: bool,
}

#[component]
pub fn Tooltips() -> impl IntoView {
    let tip = RwSignal::new(None::<Tip>);
    let turn = StoredValue::new(0_u32);
    let next_turn = move || {
        turn.update_value(|turn| *turn = turn.wrapping_add(1));
        turn.get_value()
    };
    let dismiss = move || {
        next_turn();
        if tip.see_untracked(Option::is_some) {
            tip.set(None);
        }
    };
    let show_soon = move |event: &web_sys::Event| {
        let Some(target) = event.target().and_then(|t| t.dyn_into::<Element>().ok()) else {
            return;
        };
        let Ok(Some(element)) = target.closest("[data-tip]") else {
            return dismiss();
        };
        let mine = next_turn();
        tip.set(None);
        crate::web::task::spawn_local(async move {
            clock::sleep(DELAY).await;
            if turn.try_get_value() == Some(mine) && element.is_connected() {
                tip.set(describe(&element));
            }
        });
    };
    let document = dom::document();
    dom::listen(&document, "pointerover", move |event| {
        if event
            .dyn_ref::<web_sys::PointerEvent>()
            .is_none_or(|e| e.pointer_type() != "touch")
        {
            show_soon(&event);
        }
    });
    dom::listen(&document, "focusin", move |event| {
        let element = event
            .target()
            .and_then(|t| t.dyn_into::<HtmlElement>().ok());
        match element {
            Some(element) if element.matches(":focus-visible").unwrap_or(false) => {
                show_soon(&event)
            }
            _ => dismiss(),
        }
    });
    for name in ["pointerdown", "keydown", "wheel"] {
        dom::listen(&document, name, move |_| dismiss());
    }
    view! {
        {move || {
            tip.get()
                .map(|tip| {
                    let style = format!("left:{}px;top:{}px", tip.x, tip.y);
                    view! {
                        <div class="tooltip" class:is-below=tip.below style=style aria-hidden="true">
                            <span>{tip.text}</span>
                            {(!tip.keys.is_empty()).then(|| view! { <kbd>{tip.keys}</kbd> })}
                        </div>
                    }
                })
        }}
    }
    .into_any()
}

fn describe(element: &Element) -> Option<Tip> {
    let text = element
        .get_attribute("data-tip")
        .filter(|text| !text.is_empty())?;
    let rect = element.get_bounding_client_rect();
    let width = dom::pixels(dom::window().inner_width().ok()?.as_f64()?);
    let below = rect.top() < 60.0;
    Some(Tip {
        text,
        keys: element.get_attribute("data-tip-keys").unwrap_or_default(),
        x: dom::pixels(rect.left() + rect.width() / 2.0).clamp(80, (width - 80).max(80)),
        y: if below {
            dom::pixels(rect.bottom()) + 6
        } else {
            dom::pixels(rect.top()) - 6
        },
        below,
    })
}
