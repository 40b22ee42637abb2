//! The conversation with an agent.

mod composer;
mod message;

use crate::view::{html, prelude::*};
use crate::web::task::spawn_local;
use berth_protocol::{Session, SessionId};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::ResizeObserver;

use crate::components::approval::{ApprovalCard, open_question};
use crate::components::button::Button;
use crate::components::icon::icon_name;
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::logic::compose::Composer;
use crate::logic::route::Tab;
use crate::logic::status;
use crate::logic::transcript::Loading;
use crate::state::{app, effect, memo};
use crate::strings::{fill, t};
use crate::web::clock;
use composer::ComposerBox;
use message::Entry;

/// Messages that are drawn at first, and each time that the view nears the oldest one drawn.
const PAGE: usize = 60;
/// Nearer than this to the oldest message drawn, in pixels, older ones are drawn.
const NEAR_START: i32 = 800;
/// Nearer than this to the end, in pixels, the view follows what comes.
const NEAR_END: i32 = 80;

#[component]
pub fn Chat(id: SessionId, session: Memo<Option<Session>>) -> impl IntoView {
    let app = app();
    let transcript = app.transcript(id);
    if matches!(
        transcript.with_untracked(|t| t.loading().clone()),
        Loading::Untouched | Loading::Failed(_)
    ) {
        app.load_transcript(id);
    }
    let agent = memo(move || {
        session.see(|s| {
            s.as_ref()
                .map(|s| app.agent_name(&s.agent))
                .unwrap_or_default()
        })
    });
    let list = NodeRef::<html::Div>::new();
    let following = RwSignal::new(true);
    let question = open_question(session);
    let flow = NodeRef::<html::Div>::new();
    let observer = StoredValue::new(None::<SendWrapper<ResizeObserver>>);
    // Whatever makes the conversation longer or the view smaller, the end stays in sight, unless
    // the user has scrolled away from it.
    effect(move || {
        let (Some(list), Some(flow)) = (list.get(), flow.get()) else {
            return;
        };
        let to_end = {
            let list = list.clone();
            Closure::<dyn Fn()>::new(move || {
                if following.try_get_untracked() == Some(true) {
                    list.set_scroll_top(list.scroll_height());
                }
            })
        };
        if let Ok(made) = ResizeObserver::new(to_end.into_js_value().unchecked_ref()) {
            made.observe(&flow);
            made.observe(&list);
            observer.set_value(Some(SendWrapper::new(made)));
        }
    });
    on_cleanup(move || {
        observer.with_value(|observer| {
            if let Some(observer) = observer {
                observer.disconnect();
            }
        });
    });
    // Older messages than this many are not drawn yet; none before the conversation is here.
    let hidden = RwSignal::new(None::<usize>);
    let drawing = StoredValue::new(false);
    let draw_older = move |list: web_sys::HtmlDivElement| {
        let before = hidden.get_untracked().unwrap_or_default();
        if before == 0 || list.scroll_top() > NEAR_START || drawing.get_value() {
            return;
        }
        drawing.set_value(true);
        // What is seen stays where it is, however much is put above it.
        let below = list.scroll_height() - list.scroll_top();
        hidden.set(Some(before.saturating_sub(PAGE)));
        spawn_local(async move {
            clock::next_frame().await;
            list.set_scroll_top(list.scroll_height() - below);
            drawing.try_set_value(false);
        });
    };
    let on_scroll = move |_| {
        if let Some(list) = list.get_untracked() {
            draw_older(list.clone());
            let left = list.scroll_height() - list.scroll_top() - list.client_height();
            let near = left < NEAR_END;
            if near != following.get_untracked() {
                following.set(near);
            }
        }
    };
    let to_end = Callback::new(move |()| {
        if let Some(list) = list.get_untracked() {
            list.set_scroll_top(list.scroll_height());
        }
    });
    let of = transcript.clone();
    let face = memo(move || of.with(|t| (t.loading().clone(), t.is_empty())));
    let keys_of = transcript.clone();
    let keys = memo(move || {
        let mut keys = keys_of.with(|t| t.keys());
        let from = hidden.get().unwrap_or(keys.len().saturating_sub(PAGE));
        keys.drain(..from.min(keys.len()));
        keys
    });
    let loaded = transcript.clone();
    effect(move || {
        let (done, count) = loaded.with(|t| (*t.loading() == Loading::Done, t.keys().len()));
        if done && hidden.get_untracked().is_none() {
            hidden.set(Some(count.saturating_sub(PAGE)));
        }
    });
    let for_entries = StoredValue::new(transcript);
    view! {
        <div class="chat">
            <div class="chat-scroll" node_ref=list on:scroll=on_scroll tabindex="0" role="log" aria-label=t().chat>
                <div class="chat-flow" node_ref=flow>
                    {move || match face.get() {
                        (Loading::Under(_) | Loading::Untouched, true) => view! { <Skeleton class="chat-skeleton"/> }.into_any(),
                        (Loading::Failed(reason), true) => {
                            view! {
                                <Failure
                                    title=t().messages_failed
                                    text=reason
                                    on_retry=Callback::new(move |()| app.load_transcript(id))
                                />
                            }
                                .into_any()
                        }
                        (_, true) if question.get().is_none() => view! { <NoMessages session=session/> }.into_any(),
                        _ => ().into_any(),
                    }}
                    <For each=move || keys.get() key=|key| *key let:key>
                        <Entry id=id key=key transcript=for_entries.get_value() agent=agent/>
                    </For>
                    <Working session=session agent=agent/>
                    <ApprovalCard id=id session=session/>
                    <Ended session=session agent=agent/>
                </div>
            </div>
            <Show when=move || !following.get()>
                <div class="to-end">
                    <Button label=t().to_end icon_name=icon_name!("arrow-down") on_click=to_end/>
                </div>
            </Show>
            <ComposerBox id=id session=session agent=agent/>
        </div>
    }
    .into_any()
}

#[component]
fn NoMessages(session: Memo<Option<Session>>) -> impl IntoView {
    let app = app();
    let live = session.see_untracked(|s| s.as_ref().is_some_and(|s| s.status.is_live()));
    view! {
        <Empty
            name=icon_name!("message-square")
            title=t().no_messages
            text=if live { t().no_messages_text } else { t().no_messages_ended }
        >
            <Button
                label=t().open_terminal
                icon_name=icon_name!("square-terminal")
                on_click=Callback::new(move |()| app.ui.show_tab(Tab::Terminal))
            />
        </Empty>
    }
    .into_any()
}

#[component]
fn Working(session: Memo<Option<Session>>, agent: Memo<String>) -> impl IntoView {
    let works = memo(
        move || match session.see(|s| s.as_ref().map(Composer::of)) {
            Some(Composer::Busy) => Some(t().agent_works),
            Some(Composer::Starting) => Some(t().agent_starts),
            _ => None,
        },
    );
    view! {
        {move || {
            works
                .get()
                .map(|text| {
                    view! {
                        <p class="working" role="status">
                            <span class="dot tone-running" aria-hidden="true"></span>
                            {fill(text, &[&agent.get()])}
                        </p>
                    }
                })
        }}
    }
    .into_any()
}

#[component]
fn Ended(session: Memo<Option<Session>>, agent: Memo<String>) -> impl IntoView {
    let ending = memo(move || {
        session.see(|s| {
            s.as_ref()
                .and_then(|s| status::ending(&s.status, &agent.get()))
        })
    });
    view! { {move || ending.get().map(|text| view! { <p class="chat-end" data-testid="ending">{text}</p> })} }.into_any()
}
