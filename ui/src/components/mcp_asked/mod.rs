//! What an MCP server asks the user to fill in while a tool of it is called.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{Approval, SessionId};

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::field::focus_first_wrong;
use crate::components::notice::{Failure, InlineFailure, Skeleton};
use crate::components::tool_fields::{Names, Wrong, fields};
use crate::logic::tool_form::{arguments, missing};
use crate::state::{App, app, run};
use crate::strings::{fill, mcp, t};
use crate::web::{dom, error::ApiError};
use crate::wire::{FilledForm, McpForm};

/// Where the form is in the page.
const FORM: &str = ".mcp-asked-fields";

#[component]
pub fn McpAskedDialog(id: SessionId) -> impl IntoView {
    let app = app();
    let answer = RwSignal::new(None::<Result<McpForm, ApiError>>);
    let fetch = move || {
        answer.set(None);
        spawn_local(async move {
            answer.try_set(Some(app.api().mcp_form(id).await));
        });
    };
    fetch();
    let title = move || {
        answer.with(|answer| match answer {
            Some(Ok(form)) => fill(mcp().form, &[&form.server]),
            _ => String::new(),
        })
    };
    view! {
        <Dialog label=t().approval class="mcp-asked" sticky=true>
            <header class="dialog-head">
                <h2 class="dialog-title">{title}</h2>
                <p class="dialog-text">{mcp().form_text}</p>
            </header>
            {move || match answer.get() {
                None => view! { <div class="dialog-main"><Skeleton rows=3/></div> }.into_any(),
                Some(Ok(form)) => leptos::prelude::untrack(|| filled_in(app, id, form)),
                Some(Err(error)) => {
                    view! {
                        <div class="dialog-main">
                            <Failure
                                title=mcp().form_failed
                                text=error.text()
                                hint=error.hint().unwrap_or_default()
                                on_retry=Callback::new(move |()| fetch())
                            />
                        </div>
                    }
                        .into_any()
                }
            }}
        </Dialog>
    }
    .into_any()
}

fn filled_in(app: App, id: SessionId, form: McpForm) -> AnyView {
    let wrong: Wrong = RwSignal::new(Vec::new());
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let (values, fields) = fields(&form.inputs, wrong, Names::ForPeople);
    let inputs = StoredValue::new(form.inputs);
    let question = StoredValue::new(form.attention_id);
    let server = StoredValue::new(form.server);
    let send = Callback::new(move |()| {
        let typed: Vec<String> = values
            .get_value()
            .into_iter()
            .map(RwSignal::get_untracked)
            .collect();
        let missing = inputs.with_value(|inputs| missing(inputs, &typed));
        let content = match inputs.with_value(|inputs| arguments(inputs, &typed)) {
            Ok(content) if missing.is_empty() => content,
            Ok(_) => {
                wrong.set(missing);
                return focus_first_wrong(FORM);
            }
            Err(mut found) => {
                found.extend(missing);
                wrong.set(found);
                return focus_first_wrong(FORM);
            }
        };
        wrong.set(Vec::new());
        failure.set(None);
        let filled = FilledForm {
            attention_id: question.get_value(),
            content,
        };
        run(busy, async move {
            match app.api().fill_mcp_form(id, &filled).await {
                Ok(()) => {
                    app.ui.say(fill(mcp().form_sent, &[&server.get_value()]));
                    app.ui.close_dialog();
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    });
    let on_key = move |event: web_sys::KeyboardEvent| {
        let is_line = dom::focused().is_some_and(|focused| focused.tag_name() == "INPUT");
        if event.key() == "Enter"
            && !event.is_composing()
            && (is_line || event.meta_key() || event.ctrl_key())
        {
            event.prevent_default();
            send.run(());
        }
    };
    let decline = Callback::new(move |()| {
        let approval = Approval {
            attention_id: question.get_value(),
            option_id: "decline".to_owned(),
        };
        failure.set(None);
        run(busy, async move {
            match app.api().answer(id, &approval).await {
                Ok(()) => app.ui.close_dialog(),
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    });
    view! {
        <div class="dialog-main">
            <p class="mcp-asked-message" data-testid="mcp-asked-message">{form.message}</p>
            <form
                class="mcp-asked-fields"
                data-testid="mcp-asked"
                on:submit=move |event| event.prevent_default()
                on:keydown=on_key
            >
                {fields}
            </form>
            {move || {
                failure
                    .get()
                    .map(|error| view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> })
            }}
        </div>
        <footer class="dialog-foot">
            <Button label=t().cancel look=Look::Quiet on_click=Callback::new(move |()| app.ui.close_dialog())/>
            <Button label=mcp().form_decline disabled=busy testid="decline-mcp-asked" on_click=decline/>
            <Button label=mcp().form_send look=Look::Primary busy=busy testid="send-mcp-asked" on_click=send/>
        </footer>
    }
    .into_any()
}
