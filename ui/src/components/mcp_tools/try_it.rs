//! Calls a tool with what somebody types, and shows what it answers.

use crate::view::prelude::*;
use berth_protocol::McpConfigurationId;

use crate::components::button::{Button, Look};
use crate::components::field::focus_first_wrong;
use crate::components::icon::icon_name;
use crate::components::notice::InlineFailure;
use crate::components::tool_fields::{Names, Wrong, fields};
use crate::logic::tool_form::arguments;
use crate::state::{App, run};
use crate::strings::{fill, mcp};
use crate::web::{dom, error::ApiError};
use crate::wire::{Called, Said, Tool, ToolCall};

/// Where the form is in the page.
const FORM: &str = ".mcp-try";

pub fn try_it(app: App, id: McpConfigurationId, tool: Tool) -> AnyView {
    let wrong: Wrong = RwSignal::new(Vec::new());
    let busy = RwSignal::new(false);
    let answer = RwSignal::new(Answer::None);
    let name = tool.name;
    let (values, fields) = fields(&tool.inputs, wrong, Names::ForPrograms);
    let inputs = StoredValue::new(tool.inputs);
    let call = move || {
        let typed: Vec<String> = values
            .get_value()
            .into_iter()
            .map(RwSignal::get_untracked)
            .collect();
        let made = inputs.with_value(|inputs| arguments(inputs, &typed));
        let arguments = match made {
            Ok(arguments) => arguments,
            Err(found) => {
                wrong.set(found);
                return focus_first_wrong(FORM);
            }
        };
        wrong.set(Vec::new());
        if busy.get_untracked() {
            return;
        }
        answer.set(Answer::Waiting);
        let call = ToolCall {
            tool: name.clone(),
            arguments,
        };
        run(busy, async move {
            let called = app.api().call_mcp(id, &call).await;
            answer.try_set(match called {
                Ok(called) => Answer::Called(called),
                Err(error) => Answer::Refused(error),
            });
        });
    };
    let call = Callback::new(move |()| call());
    let on_key = move |event: web_sys::KeyboardEvent| {
        let is_area = dom::focused().is_some_and(|focused| focused.tag_name() == "TEXTAREA");
        if event.key() == "Enter" && (event.meta_key() || event.ctrl_key() || !is_area) {
            let is_button = dom::focused().is_some_and(|focused| focused.tag_name() == "BUTTON");
            if !is_button {
                event.prevent_default();
                call.run(());
            }
        }
    };
    view! {
        <form
            class="mcp-try"
            aria-labelledby="mcp-try"
            data-testid="mcp-try"
            on:submit=move |event| event.prevent_default()
            on:keydown=on_key
        >
            <h4 id="mcp-try">{mcp().try_it}</h4>
            {fields}
            <div class="form-more">
                <Button
                    label=mcp().call
                    look=Look::Primary
                    icon_name=icon_name!("play")
                    testid="call-mcp-tool"
                    on_click=call
                />
            </div>
            <div class="mcp-answer" role="status" data-testid="mcp-answer">
                {move || answer.with(answered)}
            </div>
        </form>
    }
    .into_any()
}

/// What came of a call.
enum Answer {
    None,
    Waiting,
    Called(Called),
    /// The tool was not called, or did not answer.
    Refused(ApiError),
}

/// What a tool answered: texts as they are, everything else as JSON.
fn answered(answer: &Answer) -> AnyView {
    let called = match answer {
        Answer::None => return ().into_any(),
        Answer::Waiting => {
            return view! { <p class="mcp-answer-head">{mcp().calling}</p> }.into_any();
        }
        Answer::Called(called) => called,
        Answer::Refused(error) => {
            return view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> }
                .into_any();
        }
    };
    let took = called.took_ms.to_string();
    let (class, text) = match called.is_error {
        true => ("mcp-answer-head is-failed", mcp().answer_failed),
        false => ("mcp-answer-head", mcp().answer),
    };
    let pieces = called.content.iter().map(|piece| match piece {
        Said::Text(text) => {
            view! { <pre class="is-text" tabindex="0" data-testid="mcp-answer-text">{text.clone()}</pre> }.into_any()
        }
        Said::Json(json) => {
            view! { <pre tabindex="0" data-testid="mcp-answer-json">{json.clone()}</pre> }.into_any()
        }
    });
    view! {
        <p class=class>{fill(text, &[&took])}</p>
        {pieces.collect_view()}
    }
}
