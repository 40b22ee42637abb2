//! One entry of the conversation.

use crate::view::{html, prelude::*};
use crate::web::task::spawn_local;
use berth_protocol::{Message, Role, SessionId};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::components::button::{Button, IconButton, Look};
use crate::components::icon::{icon, icon_name};
use crate::components::when::When;
use crate::logic::parts::{self, COPY_MARK};
use crate::logic::transcript::{EntryKey, Transcript};
use crate::state::{ToastKind, app, effect, memo};
use crate::strings::t;
use crate::web::{clipboard, clock, dom};

#[component]
pub fn Entry(
    id: SessionId,
    key: EntryKey,
    transcript: ArcRwSignal<Transcript>,
    agent: Memo<String>,
) -> impl IntoView {
    match key {
        EntryKey::Outgoing(local_id) => {
            let outgoing = memo(move || transcript.with(|t| t.outgoing(local_id).cloned()));
            view! { {move || outgoing.get().map(|out| outgoing_view(id, out))} }.into_any()
        }
        EntryKey::Message(message_id) => {
            let message = memo(move || transcript.with(|t| t.message(message_id).cloned()));
            let Some(first) = message.get_untracked() else {
                return ().into_any();
            };
            let content = memo(move || {
                message.with(|m| m.as_ref().map(|m| m.content.clone()).unwrap_or_default())
            });
            let partial = memo(move || message.with(|m| m.as_ref().is_some_and(|m| m.partial)));
            let at =
                Signal::derive(move || message.with(|m| m.as_ref().map_or(first.at, |m| m.at)));
            match first.role {
                Role::User => view! {
                    <article class="message is-user" data-testid="message-user" aria-label=t().you>
                        <div class="bubble">{content}</div>
                        <footer class="message-foot"><CopyMessage content=content/><When at=at/></footer>
                    </article>
                }
                .into_any(),
                Role::Agent => view! {
                    <article
                        class="message is-agent"
                        class:is-partial=partial
                        data-testid="message-agent"
                        data-partial=move || partial.get().to_string()
                        aria-label=agent
                        aria-busy=move || partial.get().to_string()
                    >
                        <header class="message-head">
                            <span class="message-mark" aria-hidden="true">{icon(icon_name!("bot"))}</span>
                            <strong>{agent}</strong>
                            <When at=at/>
                        </header>
                        {body(id, message, content)}
                        <footer class="message-foot"><CopyMessage content=content/></footer>
                    </article>
                }
                .into_any(),
            }
        }
    }
}

/// What a plain program prints is no Markdown: its lines and columns mean something.
fn body(id: SessionId, message: Memo<Option<Message>>, content: Memo<String>) -> AnyView {
    let session = app().session_now(id);
    if session.is_some_and(|s| matches!(s.agent.as_str(), "shell" | "custom")) {
        view! { <pre class="plain">{content}</pre> }.into_any()
    } else {
        view! { <Blocks message=message/> }.into_any()
    }
}

fn outgoing_view(id: SessionId, out: crate::logic::transcript::Outgoing) -> AnyView {
    let app = app();
    let local_id = out.local_id;
    let failed = out.failure.is_some();
    let edit = Callback::new(move |()| {
        let content = app
            .transcript(id)
            .try_update(|t| t.discard(local_id))
            .flatten();
        if let Some(content) = content {
            app.set_draft(id, content);
            app.ui.draft_changed.update(|n| *n += 1);
        }
    });
    view! {
        <article class="message is-user" class:is-pending=!failed class:is-failed=failed data-testid="message-user" aria-label=t().you>
            <div class="bubble">{out.content}</div>
            <footer class="message-foot">
                {match out.failure {
                    None => view! { <span class="sending">{t().sending}</span> }.into_any(),
                    Some(reason) => {
                        view! {
                            <p class="send-failed" role="alert">{icon(icon_name!("circle-alert"))}<span>{reason}</span></p>
                            <Button
                                label=t().send_again
                                look=Look::Quiet
                                testid="retry-send"
                                on_click=Callback::new(move |()| app.resend(id, local_id))
                            />
                            <Button label=t().edit look=Look::Quiet on_click=edit/>
                        }
                            .into_any()
                    }
                }}
            </footer>
        </article>
    }
    .into_any()
}

#[component]
fn CopyMessage(content: Memo<String>) -> impl IntoView {
    let app = app();
    let copy = Callback::new(move |()| {
        let text = content.get_untracked();
        spawn_local(async move {
            if clipboard::copy(&text).await {
                app.ui.say(t().copied);
            } else {
                app.ui
                    .toast(ToastKind::Error, t().copy_refused.to_owned(), None);
            }
        });
    });
    view! { <IconButton name=icon_name!("copy") label=t().copy_message class="copy-message" on_click=copy/> }.into_any()
}

#[wasm_bindgen]
extern "C" {
    /// The blocks of a Markdown text, from `ui/message.js`.
    #[wasm_bindgen(js_name = berthMarkdown)]
    fn markdown(text: &str, copy_label: &str) -> Vec<String>;
    /// Draws HTML and leaves open what is open, from `ui/message.js`.
    #[wasm_bindgen(js_name = berthDraw)]
    fn draw(element: &web_sys::Element, html: &str);
}

/// What an agent says, and does if it tells.
#[component]
fn Blocks(message: Memo<Option<Message>>) -> impl IntoView {
    let blocks = memo(move || {
        message.with(|message| {
            let markdown = |text: &str| markdown(text, t().copy);
            message
                .as_ref()
                .map(|m| parts::blocks(&m.parts, &m.content, &markdown))
                .unwrap_or_default()
        })
    });
    let count = memo(move || blocks.with(Vec::len));
    view! {
        <div class="markdown" on:click=on_click>
            <For each=move || 0..count.get() key=|at| *at let:at>
                {block(at, blocks)}
            </For>
        </div>
    }
    .into_any()
}

fn block(at: usize, blocks: Memo<Vec<String>>) -> AnyView {
    let html = memo(move || blocks.with(|all| all.get(at).cloned().unwrap_or_default()));
    let place = NodeRef::<html::Div>::new();
    effect(move || {
        if let Some(place) = place.get() {
            html.with(|html| draw(&place, html));
        }
    });
    view! { <div node_ref=place></div> }.into_any()
}

/// Copies code and opens links outside the app.
fn on_click(event: web_sys::MouseEvent) {
    let Some(target) = event
        .target()
        .and_then(|t| t.dyn_into::<web_sys::Element>().ok())
    else {
        return;
    };
    if let Ok(Some(link)) = target.closest("a") {
        event.prevent_default();
        if let Some(address) = link
            .get_attribute("href")
            .filter(|address| parts::is_web(address))
        {
            dom::open_url(address);
        }
        return;
    }
    let Ok(Some(button)) = target.closest(&format!("[{COPY_MARK}]")) else {
        return;
    };
    let code = button
        .closest(".md-code")
        .ok()
        .flatten()
        .and_then(|b| b.query_selector("code").ok().flatten());
    let Some(text) = code.and_then(|code| code.text_content()) else {
        return;
    };
    spawn_local(async move {
        let said = if clipboard::copy(&text).await {
            t().copied
        } else {
            t().copy_refused_short
        };
        button.set_text_content(Some(said));
        clock::sleep(1_500).await;
        button.set_text_content(Some(t().copy));
    });
}
