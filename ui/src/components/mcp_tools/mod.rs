//! The tools of a server: a list to search, what each is for and takes, and a form to try it.

mod rule;
mod try_it;

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::McpConfigurationId;

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::icon::{icon, icon_name};
use crate::components::mcp_command::shown;
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::logic::case::lower;
use crate::logic::prompts::answers;
use crate::state::{App, app, effect, memo};
use crate::strings::{count, fill, mcp, t};
use crate::web::{clock, dom, error::ApiError};
use crate::wire::{Tool, Tools};
use rule::rule;
use try_it::try_it;

/// What is known of the tools.
#[derive(Clone, PartialEq)]
enum Known {
    Loading,
    Failed(ApiError),
    Tools(Tools),
}

#[component]
pub fn McpToolsDialog(id: McpConfigurationId) -> impl IntoView {
    let app = app();
    let Some(server) = app.mcp_now(id) else {
        return ().into_any();
    };
    let title = fill(mcp().tools_of, &[&server.draft.name]);
    let known = follow(app, id);
    let face = memo(move || match known.get() {
        Known::Loading => Face::Loading,
        Known::Failed(error) => Face::Failed(error),
        Known::Tools(tools) if tools.tools.is_empty() => Face::Empty(tools.at.is_some()),
        Known::Tools(_) => Face::Tools,
    });
    let tools = memo(move || match known.get() {
        Known::Tools(tools) => tools.tools,
        Known::Loading | Known::Failed(_) => Vec::new(),
    });
    let text = move || {
        let number = tools.with(Vec::len);
        (number > 0).then(|| count(number as u64, mcp().one_tool, mcp().many_tools))
    };
    view! {
        <Dialog label=title.clone() class="mcp-tools" sticky=true>
            <header class="dialog-head">
                <h2 class="dialog-title">{title}</h2>
                <p class="dialog-text">{text}</p>
            </header>
            {move || match face.get() {
                Face::Tools => leptos::prelude::untrack(|| browser(app, id, tools)),
                Face::Loading => view! { <div class="dialog-main"><Skeleton rows=6/></div> }.into_any(),
                Face::Failed(error) => {
                    view! {
                        <div class="dialog-main">
                            <Failure
                                title=mcp().tools_failed
                                text=error.text()
                                hint=error.hint().unwrap_or_default()
                                on_retry=Callback::new(move |()| app.fetch_mcp())
                            />
                        </div>
                    }
                        .into_any()
                }
                Face::Empty(asked) => {
                    let text = if asked { mcp().no_tools_text } else { mcp().not_asked_text };
                    view! {
                        <div class="dialog-main">
                            <Empty name=icon_name!("braces") title=mcp().no_tools text=text/>
                        </div>
                    }
                        .into_any()
                }
            }}
            <footer class="dialog-foot">
                <Button label=t().close look=Look::Quiet on_click=Callback::new(move |()| app.ui.close_dialog())/>
            </footer>
        </Dialog>
    }
    .into_any()
}

/// What the dialog looks like.
#[derive(Clone, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    /// There are none; it was asked, or it was not.
    Empty(bool),
    Tools,
}

/// Fetches the tools, and fetches them again whenever servers have changed.
fn follow(app: App, id: McpConfigurationId) -> RwSignal<Known> {
    let known = RwSignal::new(Known::Loading);
    let asked = StoredValue::new(0_u32);
    // What is fetched anew counts even when it is the same: an attempt after a failure is one.
    effect(move || {
        app.model.mcp().track();
        let this = asked.get_value() + 1;
        asked.set_value(this);
        spawn_local(async move {
            let answer = app.api().mcp_tools(id).await;
            // The dialog may be closed, or have asked again.
            if asked.try_get_value() != Some(this) {
                return;
            }
            known.try_set(match answer {
                Ok(tools) => Known::Tools(tools),
                Err(error) => Known::Failed(error),
            });
        });
    });
    known
}

fn browser(app: App, id: McpConfigurationId, tools: Memo<Vec<Tool>>) -> AnyView {
    let query = RwSignal::new(String::new());
    let found = memo(move || {
        let query = query.get();
        tools.with(|tools| {
            let found = tools.iter().filter(|tool| answers(&haystack(tool), &query));
            found.map(|tool| tool.name.clone()).collect::<Vec<_>>()
        })
    });
    let first = tools.with_untracked(|tools| tools.first().map(|tool| tool.name.clone()));
    let chosen = RwSignal::new(first.unwrap_or_default());
    let tool = memo(move || {
        let chosen = chosen.get();
        tools.with(|tools| tools.iter().find(|tool| tool.name == chosen).cloned())
    });
    let none = memo(move || found.with(Vec::is_empty));
    // The dialog was there before it.
    spawn_local(async {
        clock::next_frame().await;
        dom::focus("[data-testid=mcp-tool-search]");
    });
    view! {
        <div class="mcp-browser" data-testid="mcp-browser">
            <div class="mcp-tool-list">
                <div class="prompt-search" role="search">
                    {icon(icon_name!("search"))}
                    <input
                        type="search"
                        class="input"
                        placeholder=mcp().tools_search
                        aria-label=mcp().tools_search
                        spellcheck="false"
                        autocomplete="off"
                        data-testid="mcp-tool-search"
                        prop:value=query
                        on:input=move |event| query.set(event_target_value(&event))
                    />
                </div>
                <div role="status" aria-live="polite">
                    <Show when=move || none.get()>
                        <p class="mcp-note" data-testid="no-tool-found">{mcp().no_tool_found}</p>
                    </Show>
                </div>
                <ul>
                    <For each=move || found.get() key=|name| name.clone() let:name>
                        <li>{choice(name, chosen)}</li>
                    </For>
                </ul>
            </div>
            <div class="mcp-tool" data-testid="mcp-tool">
                {move || tool.get().map(|tool| leptos::prelude::untrack(|| details(app, id, tool)))}
            </div>
        </div>
    }
    .into_any()
}

fn choice(name: String, chosen: RwSignal<String>) -> AnyView {
    let (this, of) = (name.clone(), name.clone());
    let text = shown(&name);
    view! {
        <button
            type="button"
            class="mcp-tool-choice"
            aria-pressed=move || (chosen.get() == of).to_string()
            data-testid="mcp-tool-choice"
            data-value=name
            on:click=move |_| chosen.set(this.clone())
        >
            {text}
        </button>
    }
    .into_any()
}

/// What a search looks through.
fn haystack(tool: &Tool) -> String {
    let parts = [
        Some(tool.name.as_str()),
        tool.title.as_deref(),
        tool.description.as_deref(),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    lower(&parts.join(" "))
}

fn details(app: App, id: McpConfigurationId, tool: Tool) -> AnyView {
    let title = tool.title.clone().filter(|title| *title != tool.name);
    let name = shown(&tool.name);
    let description = tool.description.clone();
    let schema = tool.schema.clone();
    let named = tool.name.clone();
    view! {
        <div>
            <h3><code>{name}</code></h3>
            {title.map(|title| view! { <p class="mcp-tool-title">{title}</p> })}
        </div>
        {description.map(|text| view! { <p class="mcp-tool-text" data-testid="mcp-tool-text">{text}</p> })}
        {rule(app, id, named)}
        {try_it(app, id, tool)}
        <section class="mcp-schema" aria-labelledby="mcp-schema">
            <h4 id="mcp-schema">{mcp().schema}</h4>
            <pre tabindex="0" role="group" aria-label=mcp().schema data-testid="mcp-schema">{schema}</pre>
        </section>
    }
}
