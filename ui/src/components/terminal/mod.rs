//! A session's terminal, drawn by xterm.js. The engine owns the terminal; this is a viewer.

mod keys;
mod link;
mod quiet;
mod screen;
mod search;
mod theme;
mod xterm;

use crate::view::{html, prelude::*};
use crate::web::task::spawn_local;
use berth_protocol::{Session, SessionId};
use send_wrapper::SendWrapper;

use crate::components::approval::ApprovalCard;
use crate::components::button::{Button, IconButton};
use crate::components::icon::{icon, icon_name};
use crate::logic::status;
use crate::state::{app, effect, memo};
use crate::strings::{session_tabs, t};
use crate::web::{clock, dom};
use link::LinkState;
use screen::Screen;
use search::{Hits, SearchBar};

/// Pause before the terminal's scripts are asked for again, in milliseconds.
const LOAD_AGAIN: i32 = 2_000;

#[component]
pub fn TerminalView(id: SessionId, session: Memo<Option<Session>>) -> impl IntoView {
    let app = app();
    let host = NodeRef::<html::Div>::new();
    let state = RwSignal::new(LinkState::Connecting);
    let searching = RwSignal::new(false);
    let hits = RwSignal::new(Hits::None);
    let screen = StoredValue::new(None::<SendWrapper<Screen>>);
    effect(move || {
        let Some(host) = host.get() else { return };
        spawn_local(async move {
            while !xterm::load().await {
                state.set(LinkState::Lost);
                clock::sleep(LOAD_AGAIN).await;
                if !host.is_connected() {
                    return;
                }
            }
            screen::load_font().await;
            // The page may have gone elsewhere while the font was loading.
            if host.is_connected() && screen.try_with_value(Option::is_none) == Some(true) {
                let made = Screen::new(app, id, &host, state, searching);
                search::watch(&made.search, hits);
                made.link.connect();
                made.terminal.focus();
                screen.set_value(Some(SendWrapper::new(made)));
            }
        });
    });
    // A restarted session takes viewers again.
    let run = memo(move || session.see(|s| s.as_ref().map(|s| (s.run, s.status.is_live()))));
    effect(move || {
        run.track();
        screen.with_value(|screen| {
            if let Some(screen) = screen {
                screen.link.connect();
            }
        });
    });
    effect(move || {
        app.prefs.dark.track();
        screen.with_value(|screen| {
            if let Some(screen) = screen {
                theme::repaint(&screen.terminal.options());
            }
        });
    });
    dom::listen(&dom::window(), "focus", move |_| {
        screen.with_value(|screen| {
            if let Some(screen) = screen {
                screen.link.fit_now();
            }
        });
    });
    let focus_terminal = move || {
        screen.with_value(|screen| {
            if let Some(screen) = screen {
                screen.terminal.focus();
            }
        });
    };
    let close_search = Callback::new(move |()| {
        searching.set(false);
        focus_terminal();
    });
    let search_bar = move || {
        searching.get().then(|| {
            screen.with_value(|screen| {
                screen.as_ref().map(|screen| {
                    let addon = SendWrapper::new(screen.search.clone());
                    view! { <SearchBar addon=addon hits=hits on_close=close_search/> }
                })
            })
        })
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let press = dom::press(&event);
        if (press.ctrl || press.meta)
            && press.code == "KeyF"
            && !event.default_prevented()
            && !keys::in_xterm(&event)
        {
            event.prevent_default();
            searching.set(true);
        }
    };
    view! {
        <div class="term" on:keydown=on_key>
            <ApprovalCard id=id session=session compact=true/>
            <Bars id=id session=session state=state/>
            <div class="term-box">
                <div class="term-host" node_ref=host data-testid="terminal" data-state=move || word(&state.get())></div>
                <div class="term-tools">
                    {search_bar}
                    <Show when=move || !searching.get()>
                        <IconButton
                            name=icon_name!("search")
                            label=t().search_terminal
                            keys=keys::search_keys(dom::keyboard())
                            on_click=Callback::new(move |()| searching.set(true))
                        />
                    </Show>
                </div>
            </div>
        </div>
    }
    .into_any()
}

fn word(state: &LinkState) -> &'static str {
    match state {
        LinkState::Connecting => "connecting",
        LinkState::Open => "open",
        LinkState::Lost => "lost",
        LinkState::Ended(_) => "ended",
    }
}

/// What stands above the terminal when it does not simply run.
#[component]
fn Bars(
    id: SessionId,
    session: Memo<Option<Session>>,
    state: RwSignal<LinkState>,
) -> impl IntoView {
    let app = app();
    let busy = RwSignal::new(false);
    let restart = Callback::new(move |()| app.session_action(id, "restart", busy));
    let agent = move || {
        session.see(|s| {
            s.as_ref()
                .map(|s| app.agent_name(&s.agent))
                .unwrap_or_default()
        })
    };
    let ending = memo(move || match state.get() {
        LinkState::Ended(status) => status::ending(&status, &agent()),
        _ => None,
    });
    let lost = memo(move || state.get() == LinkState::Lost);
    view! {
        {move || {
            lost.get()
                .then(|| view! { <div class="term-bar is-lost" role="status">{icon(icon_name!("unplug"))}<p>{session_tabs().terminal_lost}</p></div> })
        }}
        {move || {
            ending
                .get()
                .map(|text| {
                    view! {
                        <div class="term-bar" role="status" data-testid="terminal-ended">
                            {icon(icon_name!("info"))}
                            <p>{text}</p>
                            <Button label=t().restart icon_name=icon_name!("rotate-ccw") busy=busy on_click=restart/>
                        </div>
                    }
                })
        }}
    }
    .into_any()
}
