//! The box in which a message is written.

use crate::view::{html, prelude::*};
use berth_protocol::{Session, SessionId};

use crate::components::button::Button;
use crate::components::icon::{icon, icon_name};
use crate::lazy;
use crate::logic::compose::Composer;
use crate::state::{app, effect, memo};
use crate::strings::{fill, t};

/// Tallest box, in pixels; a longer message scrolls.
const MAX_HEIGHT: i32 = 240;

#[component]
pub fn ComposerBox(
    id: SessionId,
    session: Memo<Option<Session>>,
    agent: Memo<String>,
) -> impl IntoView {
    let app = app();
    let state = memo(move || session.see(|s| s.as_ref().map_or(Composer::Ended, Composer::of)));
    let text = RwSignal::new(app.draft(id));
    let area = NodeRef::<html::Textarea>::new();
    let busy = RwSignal::new(false);
    let mut before = None;
    effect(move || {
        let count = app.ui.draft_changed.get();
        if before.replace(count).is_some_and(|before| before != count) {
            text.set(app.draft(id));
        }
    });
    effect(move || {
        text.track();
        if let Some(area) = area.get() {
            let style = web_sys::HtmlElement::style(&area);
            style.set_property("height", "auto").ok();
            let height = area.scroll_height().min(MAX_HEIGHT);
            style.set_property("height", &format!("{height}px")).ok();
        }
    });
    // The cursor goes where the next message will be written, once that is possible.
    effect(move || {
        if state.get().can_write()
            && let Some(area) = area.get()
            && crate::web::dom::focused().is_none_or(|focused| focused.tag_name() == "BODY")
        {
            area.focus().ok();
        }
    });
    // Files that the message will name.
    let under_way = RwSignal::new(0);
    let can_send = memo(move || {
        let has_text = text.see(|text| !text.trim().is_empty());
        state.get().can_send() && has_text && under_way.get() == 0
    });
    let send = move || {
        if can_send.get_untracked() {
            let content = text.get_untracked();
            text.set(String::new());
            app.set_draft(id, String::new());
            app.send_message(id, content);
            if let Some(area) = area.get_untracked() {
                area.focus().ok();
            }
        }
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            send();
        }
    };
    let reason = move || {
        let agent = agent.get();
        match state.get() {
            Composer::Ready => None,
            Composer::Starting => Some(fill(t().composer_starting, &[&agent])),
            Composer::Busy => Some(fill(t().composer_busy, &[&agent])),
            Composer::Question => Some(t().composer_question.to_owned()),
            Composer::Ended => Some(t().composer_ended.to_owned()),
            Composer::Archived => Some(t().composer_archived.to_owned()),
        }
    };
    let act = move |what: &'static str| Callback::new(move |()| app.session_action(id, what, busy));
    view! {
        <div class="composer-dock">
            <div class="composer" class:is-off=move || !state.get().can_write()>
                <textarea
                    node_ref=area
                    rows="1"
                    data-testid="composer"
                    aria-label=move || fill(t().message_to, &[&agent.get()])
                    placeholder=move || fill(t().message_to, &[&agent.get()])
                    disabled=move || !state.get().can_write()
                    prop:value=text
                    on:input=move |event| {
                        let value = event_target_value(&event);
                        app.set_draft(id, value.clone());
                        text.set(value);
                    }
                    on:keydown=on_key
                ></textarea>
                <div class="composer-foot">
                    <span class="composer-reason" data-testid="composer-reason">
                        {move || match reason() {
                            Some(reason) => view! { {icon(icon_name!("info"))}<span>{reason}</span> }.into_any(),
                            None => view! { <span class="composer-keys">{t().composer_keys}</span> }.into_any(),
                        }}
                    </span>
                    {move || match state.get() {
                        Composer::Ended => view! {
                            <Button label=t().restart icon_name=icon_name!("rotate-ccw") busy=busy on_click=act("restart")/>
                        }
                            .into_any(),
                        Composer::Archived => view! {
                            <Button label=t().bring_back icon_name=icon_name!("archive-restore") busy=busy on_click=act("restore")/>
                        }
                            .into_any(),
                        Composer::Busy => view! {
                            <Button label=t().interrupt icon_name=icon_name!("square") testid="interrupt" busy=busy on_click=act("interrupt")/>
                        }
                            .into_any(),
                        _ => ().into_any(),
                    }}
                    {lazy::attach(id, session, area, under_way)}
                    <button
                        type="button"
                        class="send"
                        data-testid="send"
                        aria-label=t().send
                        data-tip=t().send
                        data-tip-keys="Enter"
                        disabled=move || !can_send.get()
                        on:click=move |_| send()
                    >
                        {icon(icon_name!("arrow-up"))}
                    </button>
                </div>
            </div>
        </div>
    }
    .into_any()
}
