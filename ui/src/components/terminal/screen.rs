//! A terminal in the page: xterm.js with its additions, wired to the session.

use std::rc::Rc;

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::SessionId;
use js_sys::Function;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

use super::link::{Link, LinkState};
use super::xterm::{FitAddon, SearchAddon, Terminal, Unicode11Addon, WebLinksAddon, object};
use super::{keys, quiet, theme};
use crate::logic::parts;
use crate::state::{App, ToastKind};
use crate::strings::{fill, session_tabs};
use crate::web::{clock, dom};

/// A terminal in the page, with everything that must live as long as it.
pub struct Screen {
    pub terminal: Terminal,
    pub link: Rc<Link>,
    pub search: SearchAddon,
    observer: web_sys::ResizeObserver,
    _kept: quiet::Kept,
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.observer.disconnect();
        self.link.close();
        self.terminal.dispose();
    }
}

impl Screen {
    /// Opens a terminal in this box. It is not connected yet.
    pub fn new(
        app: App,
        id: SessionId,
        host: &HtmlElement,
        state: RwSignal<LinkState>,
        searching: RwSignal<bool>,
    ) -> Self {
        let keyboard = dom::keyboard();
        let options = theme::options();
        let follow = Closure::<dyn Fn(JsValue, String)>::new(move |_: JsValue, address: String| {
            follow_link(app, address)
        })
        .into_js_value();
        let link_handler = object(&[
            ("activate", follow.clone()),
            ("allowNonHttpProtocols", true.into()),
        ]);
        js_sys::Reflect::set(&options, &"linkHandler".into(), &link_handler).ok();
        let terminal = Terminal::new(&options);
        let (fit, search) = (FitAddon::new(), SearchAddon::new());
        terminal.load_addon(&fit);
        terminal.load_addon(&search);
        terminal.load_addon(&WebLinksAddon::new(follow.unchecked_ref()));
        terminal.load_addon(&Unicode11Addon::new());
        js_sys::Reflect::set(&terminal.unicode(), &"activeVersion".into(), &"11".into()).ok();
        let kept = quiet::hush(&terminal);
        terminal.open(host);
        let link = Link::new(app, id, terminal.clone(), fit, state);

        let sender = Rc::downgrade(&link);
        let on_data = Closure::<dyn Fn(String)>::new(move |text: String| {
            if let Some(link) = sender.upgrade() {
                link.type_bytes(text.as_bytes());
            }
        });
        terminal.on_data(on_data.into_js_value().unchecked_ref());
        let sender = Rc::downgrade(&link);
        let on_binary = Closure::<dyn Fn(String)>::new(move |text: String| {
            // Each character stands for one byte: mouse reports beyond what UTF-8 can carry.
            let bytes: Vec<u8> = text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
                .collect();
            if let Some(link) = sender.upgrade() {
                link.type_bytes(&bytes);
            }
        });
        terminal.on_binary(on_binary.into_js_value().unchecked_ref());
        let handler: Function = keys::handler(app, terminal.clone(), keyboard, searching);
        terminal.attach_custom_key_event_handler(&handler);

        let fitter = Rc::downgrade(&link);
        let on_resize = Closure::<dyn Fn()>::new(move || {
            let fitter = fitter.clone();
            spawn_local(async move {
                clock::next_frame().await;
                if let Some(link) = fitter.upgrade() {
                    link.fit_now();
                }
            });
        });
        let on_resize: Function = on_resize.into_js_value().unchecked_into();
        #[expect(
            clippy::expect_used,
            reason = "every supported web view has ResizeObserver"
        )]
        let observer = web_sys::ResizeObserver::new(&on_resize).expect("ResizeObserver exists");
        observer.observe(host);
        Self {
            terminal,
            link,
            search,
            observer,
            _kept: kept,
        }
    }
}

/// xterm measures a letter when it opens, so the font must be there.
pub async fn load_font() {
    let fonts = dom::document().fonts();
    let wanted = ["13px 'JetBrains Mono'", "bold 13px 'JetBrains Mono'"];
    for font in wanted {
        JsFuture::from(fonts.load(font)).await.ok();
    }
}

/// Opens a link of the terminal. A program may print any address; only the web is followed.
fn follow_link(app: App, address: String) {
    if parts::is_web(&address) {
        dom::open_url(address);
    } else {
        app.ui.toast(
            ToastKind::Error,
            fill(session_tabs().link_refused, &[&address]),
            Some(session_tabs().link_refused_hint.to_owned()),
        );
    }
}
