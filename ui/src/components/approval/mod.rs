//! A question of the agent with its answers: the same card in the chat and above the terminal.

use crate::view::prelude::*;
use berth_protocol::{Approval, Attention, AttentionNeeds, Session, SessionId, Status};

use wasm_bindgen::JsCast;

use crate::components::button::{Button, Look};
use crate::components::icon::{icon, icon_name};
use crate::logic::approval::{chosen, primary};
use crate::logic::route::Tab;
use crate::state::{DialogKind, app, memo};
use crate::strings::{fill, t};
use crate::web::dom;

/// The answer that takes what a question needs.
const ACCEPT: &str = "accept";

/// The open question of a session, if there is one.
pub fn open_question(session: Memo<Option<Session>>) -> Memo<Option<Attention>> {
    memo(move || {
        session.see(|s| match s.as_ref().map(|s| &s.status) {
            Some(Status::NeedsAttention { attention }) => Some(attention.clone()),
            _ => None,
        })
    })
}

#[component]
pub fn ApprovalCard(
    id: SessionId,
    session: Memo<Option<Session>>,
    /// It stands above the terminal.
    #[prop(optional)]
    compact: bool,
) -> impl IntoView {
    let app = app();
    let question = open_question(session);
    let agent = move || {
        session.see(|s| {
            s.as_ref()
                .map(|s| app.agent_name(&s.agent))
                .unwrap_or_default()
        })
    };
    view! {
        {move || {
            question
                .get()
                .map(|attention| {
                    let busy = RwSignal::new(false);
                    let none = attention.options.is_empty();
                    let question_id = attention.id.clone();
                    let stands_out = primary(attention.options.iter().map(|option| option.label.as_str()));
                    let approvals: Vec<_> = attention
                        .options
                        .iter()
                        .map(|option| Approval {
                            attention_id: question_id.clone(),
                            option_id: option.id.clone(),
                        })
                        .collect();
                    let approvals = StoredValue::new(approvals);
                    let needs = StoredValue::new(attention.needs);
                    let answer = move |at: usize| {
                        let Some(approval) = approvals.with_value(|all| all.get(at).cloned()) else {
                            return;
                        };
                        match needs.get_value().filter(|_| approval.option_id == ACCEPT) {
                            Some(AttentionNeeds::Form) => return app.ui.open(DialogKind::McpAsked(id)),
                            Some(AttentionNeeds::Page { url }) => dom::open_url(url),
                            None => {}
                        }
                        app.answer(id, approval, busy);
                    };
                    choose_by_key(attention.options.len(), answer);
                    let options = attention
                        .options
                        .into_iter()
                        .enumerate()
                        .map(|(at, option)| {
                            view! {
                                <Button
                                    label=option.label
                                    look=if stands_out == Some(at) { Look::Primary } else { Look::Plain }
                                    testid="approval-option"
                                    disabled=busy
                                    tip=fill(t().approval_key, &[&(at + 1).to_string()])
                                    on_click=Callback::new(move |()| answer(at))
                                />
                            }
                        })
                        .collect_view();
                    view! {
                        <section
                            class="approval"
                            class:is-compact=compact
                            role="alert"
                            aria-label=t().approval
                            data-testid="approval"
                        >
                            <header>
                                {icon(icon_name!("shield-alert"))}
                                <span>{fill(t().approval_title, &[&agent()])}</span>
                            </header>
                            <pre class="approval-question">{attention.question}</pre>
                            <div class="approval-options">
                                {options}
                                {(none && !compact)
                                    .then(|| {
                                        view! {
                                            <p>{t().approval_in_terminal}</p>
                                            <Button
                                                label=t().open_terminal
                                                icon_name=icon_name!("square-terminal")
                                                on_click=Callback::new(move |()| app.ui.show_tab(Tab::Terminal))
                                            />
                                        }
                                    })}
                            </div>
                        </section>
                    }
                })
        }}
    }
    .into_any()
}

/// Lets the digits answer while the card is there, unless something is being written: in a box, in
/// the terminal or in a dialog.
fn choose_by_key(count: usize, answer: impl Fn(usize) + 'static) {
    dom::listen(&dom::window(), "keydown", move |event| {
        let Some(event) = event.dyn_ref::<web_sys::KeyboardEvent>() else {
            return;
        };
        let press = dom::press(event);
        let written = dom::focused().is_some_and(|focused| {
            focused
                .closest("input:not(:disabled), textarea:not(:disabled), dialog, .xterm")
                .ok()
                .flatten()
                .is_some()
        });
        if written || press.ctrl || press.meta || press.alt {
            return;
        }
        if let Some(at) = chosen(&press.key, count) {
            event.prevent_default();
            answer(at);
        }
    });
}
