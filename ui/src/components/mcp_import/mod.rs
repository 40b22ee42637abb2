//! Servers from settings of other programs: what a file names is shown whole before any of it is kept.
//!
//! What is kept is neither started nor asked by it. Values of secrets are not taken over, so they are asked for
//! when the servers are there.

mod rows;
mod secrets;

use crate::view::{html, prelude::*};
use berth_protocol::{McpConfiguration, McpImportedServer};

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::field::TextArea;
use crate::components::icon::icon_name;
use crate::components::notice::InlineFailure;
use crate::state::{App, app, run};
use crate::strings::{count, form_parts, mcp, t};
use crate::web::{error::ApiError, files};
use rows::rows_view;
use secrets::secrets_view;

/// Longest text of a file that is put into the field, in bytes. Browsers take seconds to show some megabytes.
const SHOWN: usize = 256 * 1024;

/// How far an import has come.
#[derive(Clone)]
enum Step {
    /// The text is asked for.
    Text,
    /// What it names is chosen from.
    Choice(Vec<McpImportedServer>),
    /// The secrets of what was added are asked for.
    Secrets(Vec<McpConfiguration>),
}

/// What the steps share.
#[derive(Clone, Copy)]
struct Import {
    app: App,
    text: RwSignal<String>,
    step: RwSignal<Step>,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
    close: Callback<()>,
}

/// The button, and what follows it.
#[component]
pub fn ImportMcp() -> impl IntoView {
    let app = app();
    let open = RwSignal::new(false);
    view! {
        <Button
            label=form_parts().import
            icon_name=icon_name!("upload")
            testid="import-mcp"
            on_click=Callback::new(move |()| open.set(true))
        />
        <Show when=move || open.get()>
            {Import {
                app,
                text: RwSignal::new(String::new()),
                step: RwSignal::new(Step::Text),
                busy: RwSignal::new(false),
                failure: RwSignal::new(None),
                close: Callback::new(move |()| open.set(false)),
            }
                .view()}
        </Show>
    }
    .into_any()
}

impl Import {
    fn view(self) -> AnyView {
        let step = self.step;
        let title = move || match step.with(is_secrets) {
            true => mcp().import_secrets_title,
            false => mcp().import_title,
        };
        let app = app();
        let text = move || match step.with(is_secrets) {
            true => app.kept_in(mcp().import_secrets_text),
            false => mcp().import_text.to_owned(),
        };
        view! {
            <Dialog label=mcp().import_title class="editor-dialog" sticky=true on_close=self.close>
                <header class="dialog-head">
                    <h2 class="dialog-title">{title}</h2>
                    <p class="dialog-text">{text}</p>
                </header>
                {move || match step.get() {
                    Step::Text => leptos::prelude::untrack(|| self.text_view()),
                    Step::Choice(servers) => leptos::prelude::untrack(|| rows_view(self, servers)),
                    Step::Secrets(servers) => leptos::prelude::untrack(|| secrets_view(self, servers)),
                }}
            </Dialog>
        }
        .into_any()
    }

    /// Why the step could not be done.
    fn told(self) -> AnyView {
        let failure = self.failure;
        view! {
            <div class="editor-told">
                {move || {
                    failure
                        .get()
                        .map(|error| view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> })
                }}
            </div>
        }
        .into_any()
    }

    fn go(self, step: Step) {
        // It may hold secrets, and nobody comes back to it from there.
        if is_secrets(&step) {
            self.text.try_set(String::new());
        }
        self.failure.try_set(None);
        self.step.try_set(step);
    }

    /// Everything is done.
    fn finish(self, added: usize) {
        let text = count(added as u64, mcp().imported_one, mcp().imported_many);
        self.app.ui.say(text);
        self.close.run(());
    }

    fn text_view(self) -> AnyView {
        let Self { app, text, .. } = self;
        let input = NodeRef::<html::Input>::new();
        let choose = Callback::new(move |()| {
            if let Some(input) = input.get_untracked() {
                input.click();
            }
        });
        let read = move |given: String| {
            self.failure.set(None);
            run(self.busy, async move {
                match app.api().import_mcp(given).await {
                    Ok(found) => {
                        self.go(Step::Choice(found.servers));
                    }
                    Err(error) => {
                        self.failure.try_set(Some(error));
                    }
                }
            });
        };
        let chosen = move |_| {
            let Some(input) = input.get_untracked() else {
                return;
            };
            crate::web::task::spawn_local(async move {
                let file = files::chosen(&input).await.into_iter().next();
                // The dialog may be closed meanwhile.
                let is_open = text.try_with_untracked(|_| ()).is_some();
                if let Some(file) = file.filter(|_| is_open) {
                    let shown = (file.text.len() <= SHOWN).then(|| file.text.clone());
                    text.set(shown.unwrap_or_default());
                    read(file.text);
                }
            });
        };
        let none = Signal::derive(move || text.with(|text| text.trim().is_empty()));
        view! {
            <div class="dialog-main" data-testid="mcp-import">
                <TextArea
                    label=mcp().import_field
                    value=text
                    hint=mcp().import_field_hint
                    rows=10
                    mono=true
                    wide=true
                    testid="mcp-import-text"
                />
                {places()}
                <div class="form-more">
                    <Button label=mcp().import_choose icon_name=icon_name!("folder-open") on_click=choose/>
                </div>
                <input
                    node_ref=input
                    type="file"
                    class="visually-hidden"
                    accept=".json,.toml,application/json"
                    tabindex="-1"
                    aria-label=mcp().import_label
                    data-testid="mcp-import-file"
                    on:change=chosen
                />
            </div>
            {self.told()}
            <footer class="dialog-foot">
                <Button label=t().cancel look=Look::Quiet on_click=self.close/>
                <Button
                    label=mcp().import_read
                    look=Look::Primary
                    testid="mcp-import-read"
                    busy=self.busy
                    disabled=none
                    on_click=Callback::new(move |()| read(text.get_untracked()))
                />
            </footer>
        }
    }
}

/// Where programs keep their settings of servers.
fn places() -> AnyView {
    let places = [
        mcp().import_place_claude,
        mcp().import_place_desktop,
        mcp().import_place_cursor,
        mcp().import_place_vscode,
        mcp().import_place_codex,
    ];
    let places = places.map(|place| view! { <li>{place}</li> });
    view! {
        <div class="mcp-import-places" data-testid="mcp-import-places">
            <p>{mcp().import_places}</p>
            <ul>{places.into_iter().collect_view()}</ul>
        </div>
    }
    .into_any()
}

fn is_secrets(step: &Step) -> bool {
    matches!(step, Step::Secrets(_))
}
