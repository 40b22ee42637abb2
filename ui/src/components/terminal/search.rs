//! The bar that searches a terminal.

use crate::view::{html, prelude::*};
use js_sys::{Function, Reflect};
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};

use super::theme;
use super::xterm::{SearchAddon, object};
use crate::components::button::IconButton;
use crate::components::icon::icon_name;
use crate::state::effect;
use crate::strings::{fill, session_tabs, t};

/// Which hit is shown, of how many.
pub type Hits = Option<(i32, i32)>;

/// Tells of hits as the terminal finds them.
pub fn watch(addon: &SearchAddon, hits: RwSignal<Hits>) {
    let handler = Closure::<dyn Fn(JsValue)>::new(move |found: JsValue| {
        #[expect(clippy::cast_possible_truncation, reason = "a number of lines")]
        let number = |name: &str| {
            Reflect::get(&found, &name.into())
                .ok()?
                .as_f64()
                .map(|n| n as i32)
        };
        hits.try_set(number("resultIndex").zip(number("resultCount")));
    });
    let handler: Function = handler.into_js_value().unchecked_into();
    addon.on_results(&handler);
}

#[component]
pub fn SearchBar(
    addon: SendWrapper<SearchAddon>,
    hits: RwSignal<Hits>,
    on_close: Callback<()>,
) -> impl IntoView {
    let query = RwSignal::new(String::new());
    let input = NodeRef::<html::Input>::new();
    effect(move || {
        if let Some(input) = input.get() {
            input.focus().ok();
        }
    });
    let addon = StoredValue::new(addon);
    let find = move |forward: bool, typing: bool| {
        let text = query.get_untracked();
        addon.with_value(|addon| {
            if text.is_empty() {
                addon.clear();
                hits.set(None);
                return;
            }
            let options = object(&[
                ("incremental", typing.into()),
                ("decorations", theme::hits().into()),
            ]);
            if forward {
                addon.find_next(&text, &options);
            } else {
                addon.find_previous(&text, &options);
            }
        });
    };
    let close = move || {
        addon.with_value(|addon| addon.clear());
        on_close.run(());
    };
    let on_key = move |event: web_sys::KeyboardEvent| match event.key().as_str() {
        "Enter" => find(event.shift_key(), false),
        "Escape" => {
            event.stop_propagation();
            close();
        }
        _ => {}
    };
    view! {
        <div class="term-search" role="search">
            <input
                node_ref=input
                type="text"
                placeholder=t().search_terminal
                aria-label=t().search_terminal
                data-testid="terminal-search"
                spellcheck="false"
                prop:value=query
                on:input=move |event| {
                    query.set(event_target_value(&event));
                    find(false, true);
                }
                on:keydown=on_key
            />
            <span class="term-hits" aria-live="polite">
                {move || match hits.get() {
                    _ if query.see(String::is_empty) => String::new(),
                    Some((at, count)) if count > 0 => fill(session_tabs().hits, &[&(at + 1).to_string(), &count.to_string()]),
                    _ => session_tabs().no_hits.to_owned(),
                }}
            </span>
            <IconButton name=icon_name!("arrow-up") label=session_tabs().previous_hit on_click=Callback::new(move |()| find(false, false))/>
            <IconButton name=icon_name!("arrow-down") label=session_tabs().next_hit on_click=Callback::new(move |()| find(true, false))/>
            <IconButton name=icon_name!("x") label=t().close on_click=Callback::new(move |()| close())/>
        </div>
    }
    .into_any()
}
