//! Prompts from and to Markdown files. What an import would do is shown before it is done.

use crate::view::{html, prelude::*};
use berth_protocol::{
    PromptFile, PromptImport, PromptImportOutcome, PromptImportResult, PromptImported,
};

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::icon::icon_name;
use crate::components::notice::InlineFailure;
use crate::state::{App, ToastKind, app, run};
use crate::strings::{count, form_parts, prompt_pages, t};
use crate::web::error::ApiError;
use crate::web::files;

/// Files, and what importing them would do.
#[derive(Clone)]
struct Plan {
    files: Vec<PromptFile>,
    found: PromptImported,
}

/// The button, and what follows it.
#[component]
pub fn ImportPrompts() -> impl IntoView {
    let app = app();
    let input = NodeRef::<html::Input>::new();
    let plan = RwSignal::new(None::<Plan>);
    let busy = RwSignal::new(false);
    let choose = Callback::new(move |()| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    });
    let chosen = move |_| {
        let Some(input) = input.get_untracked() else {
            return;
        };
        run(busy, async move {
            let files = files::chosen(&input).await;
            if files.is_empty() {
                return;
            }
            let look = PromptImport {
                files,
                dry_run: true,
            };
            match app.api().import_prompts(&look).await {
                Ok(found) => plan.set(Some(Plan {
                    files: look.files,
                    found,
                })),
                Err(error) => app.complain(&error),
            }
        });
    };
    view! {
        <Button
            label=form_parts().import
            icon_name=icon_name!("upload")
            testid="import-prompts"
            busy=busy
            on_click=choose
        />
        <input
            node_ref=input
            type="file"
            class="visually-hidden"
            multiple=true
            accept=".md,text/markdown"
            tabindex="-1"
            aria-label=prompt_pages().import_label
            data-testid="import-files"
            on:change=chosen
        />
        {move || plan.get().map(|shown| dialog(app, plan, shown))}
    }
    .into_any()
}

fn dialog(app: App, plan: RwSignal<Option<Plan>>, shown: Plan) -> AnyView {
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let useful = shown
        .found
        .results
        .iter()
        .filter(|result| does(result.outcome));
    let useful = useful.count() as u64;
    let rows: Vec<_> = shown.found.results.iter().map(row).collect();
    let import = Callback::new(move |()| {
        let wanted = PromptImport {
            files: shown.files.clone(),
            dry_run: false,
        };
        run(busy, async move {
            match app.api().import_prompts(&wanted).await {
                Ok(done) => {
                    app.fetch_prompts();
                    plan.set(None);
                    tell(app, &done);
                }
                Err(error) => failure.set(Some(error)),
            }
        });
    });
    let close = Callback::new(move |()| plan.set(None));
    let label = match useful {
        0 => form_parts().import.to_owned(),
        _ => count(
            useful,
            prompt_pages().import_one,
            prompt_pages().import_many,
        ),
    };
    view! {
        <Dialog label=prompt_pages().import_title class="prompt-dialog" on_close=close>
            <header class="dialog-head">
                <h2 class="dialog-title">{prompt_pages().import_title}</h2>
                <p class="dialog-text">{prompt_pages().import_text}</p>
            </header>
            <div class="dialog-main" data-testid="import-dialog">
                <ul class="import-rows">{rows}</ul>
                {(useful == 0).then(|| view! { <p class="prompts-note">{prompt_pages().import_nothing}</p> })}
                {move || {
                    failure
                        .get()
                        .map(|error| view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> })
                }}
            </div>
            <footer class="dialog-foot">
                <Button label=t().cancel look=Look::Quiet on_click=close/>
                <Button
                    label=label
                    look=Look::Primary
                    testid="confirm-import"
                    busy=busy
                    disabled=useful == 0
                    on_click=import
                />
            </footer>
        </Dialog>
    }
    .into_any()
}

fn does(outcome: PromptImportOutcome) -> bool {
    matches!(
        outcome,
        PromptImportOutcome::Created | PromptImportOutcome::Updated
    )
}

fn row(result: &PromptImportResult) -> AnyView {
    let (class, word) = match result.outcome {
        PromptImportOutcome::Created => ("is-created", prompt_pages().import_created),
        PromptImportOutcome::Updated => ("is-updated", prompt_pages().import_updated),
        PromptImportOutcome::Unchanged => ("is-unchanged", prompt_pages().import_unchanged),
        PromptImportOutcome::Failed => ("is-failed", prompt_pages().import_fails),
    };
    let name = result.name.clone().unwrap_or_default();
    let problem = result.problem.as_ref().map(|problem| {
        let hint = problem.hint.clone();
        view! {
            <p class="import-problem">{problem.detail.clone()}</p>
            {hint.map(|hint| view! { <p class="import-hint">{hint}</p> })}
        }
    });
    view! {
        <li class=format!("import-row {class}") data-testid="import-row">
            <p><strong>{name}</strong><span class="import-file">{result.file.clone()}</span><span class="badge">{word}</span></p>
            {problem}
        </li>
    }
    .into_any()
}

/// Says what an import did.
fn tell(app: App, done: &PromptImported) {
    let imported = done.results.iter().filter(|result| does(result.outcome));
    let imported = imported.count() as u64;
    let mut failed = done
        .results
        .iter()
        .filter(|result| result.outcome == PromptImportOutcome::Failed);
    let text = count(
        imported,
        prompt_pages().imported_one,
        prompt_pages().imported_many,
    );
    match failed.next() {
        None => app.ui.say(text),
        Some(first) => {
            let rest = 1 + failed.count() as u64;
            let why = first.problem.as_ref().map(|problem| problem.detail.clone());
            let rest = count(
                rest,
                prompt_pages().imported_rest_one,
                prompt_pages().imported_rest,
            );
            app.ui
                .toast(ToastKind::Error, format!("{text} {rest}"), why);
        }
    }
}

/// A button that saves all prompts as files in an archive.
#[component]
pub fn ExportAll() -> impl IntoView {
    let app = app();
    let busy = RwSignal::new(false);
    let export = Callback::new(move |()| {
        run(busy, async move {
            match app.api().export_prompts().await {
                Ok(file) => app.save_file(&file).await,
                Err(error) => app.complain(&error),
            }
        });
    });
    view! {
        <Button
            label=prompt_pages().export_all
            icon_name=icon_name!("download")
            testid="export-prompts"
            busy=busy
            on_click=export
        />
    }
    .into_any()
}
