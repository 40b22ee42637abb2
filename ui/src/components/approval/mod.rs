//! A question of the agent with its answers: the same card in the chat and above the terminal.

use crate::view::prelude::*;
use berth_protocol::{Approval, Attention, Session, SessionId, Status};

use crate::components::button::{Button, Look};
use crate::components::icon::{icon, icon_name};
use crate::logic::route::Tab;
use crate::state::{app, memo};
use crate::strings::{fill, t};

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
                    let options = attention
                        .options
                        .into_iter()
                        .enumerate()
                        .map(|(at, option)| {
                            let approval = Approval {
                                attention_id: question_id.clone(),
                                option_id: option.id,
                            };
                            let answer = Callback::new(move |()| app.answer(id, approval.clone(), busy));
                            view! {
                                <Button
                                    label=option.label
                                    look=if at == 0 { Look::Primary } else { Look::Plain }
                                    testid="approval-option"
                                    disabled=busy
                                    on_click=answer
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
