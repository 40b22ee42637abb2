//! What a file names, each with its whole command or address, to be chosen from.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{Code, FieldProblem, McpConfiguration, McpImportedServer};

use super::{Import, Step};
use crate::components::button::{Button, Look};
use crate::components::field::TextField;
use crate::components::icon::{icon, icon_name};
use crate::components::mcp_command::command_line;
use crate::logic::mcp::secret_name;
use crate::state::{memo, run};
use crate::strings::{count, fill, t};
use crate::web::{clock, dom, error::ApiError};

/// A server of the file.
#[derive(Clone)]
struct Row {
    server: McpImportedServer,
    chosen: RwSignal<bool>,
    /// The name that it gets here.
    name: RwSignal<String>,
    outcome: RwSignal<Option<Result<McpConfiguration, ApiError>>>,
}

impl Row {
    fn new(server: McpImportedServer) -> Self {
        let draft = server.draft.as_ref();
        let name = draft.map_or(&server.name, |draft| &draft.name);
        let row = Self {
            name: RwSignal::new(name.clone()),
            chosen: RwSignal::new(false),
            outcome: RwSignal::new(None),
            server,
        };
        row.chosen
            .set(row.is_usable() && row.server.problems.is_empty());
        row
    }

    /// It can be added, perhaps under another name.
    fn is_usable(&self) -> bool {
        let other = |problem: &FieldProblem| problem.field != "name";
        self.server.draft.is_some() && !self.server.problems.iter().any(other)
    }

    fn is_added(&self) -> bool {
        self.outcome.with(|outcome| matches!(outcome, Some(Ok(_))))
    }
}

pub fn rows_view(import: Import, servers: Vec<McpImportedServer>) -> AnyView {
    let rows: Vec<Row> = servers.into_iter().map(Row::new).collect();
    let all = StoredValue::new(rows.clone());
    let wanted = memo(move || {
        let rows = all.get_value();
        let wanted = rows
            .iter()
            .filter(|row| row.chosen.get() && !row.is_added());
        wanted.count()
    });
    let add = Callback::new(move |()| {
        let wanted: Vec<Row> = all.get_value();
        run(import.busy, async move {
            add_all(import, &wanted).await;
            finish(import, &wanted);
        });
    });
    let label = Signal::derive(move || {
        let wanted = wanted.get() as u64;
        count(wanted, t().mcp_import_one, t().mcp_import_many)
    });
    let none = rows.is_empty();
    let rows = rows.into_iter().map(row).collect_view();
    // What had the focus is gone.
    spawn_local(async {
        clock::next_frame().await;
        dom::focus(".import-rows input, [data-testid=mcp-import-back]");
    });
    view! {
        <div class="dialog-main" data-testid="mcp-import-rows">
            <ul class="import-rows">{rows}</ul>
            {none.then(|| view! { <p class="prompts-note">{t().mcp_import_none}</p> })}
        </div>
        {import.told()}
        <footer class="dialog-foot">
            <Button
                label=t().mcp_import_back
                look=Look::Quiet
                testid="mcp-import-back"
                on_click=Callback::new(move |()| import.go(Step::Text))
            />
            <span class="grow"></span>
            <Button label=t().cancel look=Look::Quiet on_click=import.close/>
            <Button
                label=label
                look=Look::Primary
                testid="mcp-import-add"
                busy=import.busy
                disabled=Signal::derive(move || wanted.get() == 0)
                on_click=add
            />
        </footer>
    }
}

/// Adds what is chosen, one after the other, and notes what became of each.
async fn add_all(import: Import, rows: &[Row]) {
    let app = import.app;
    for row in rows {
        let skipped = !row.chosen.get_untracked() || leptos::prelude::untrack(|| row.is_added());
        let Some(mut draft) = row.server.draft.clone().filter(|_| !skipped) else {
            continue;
        };
        draft.name = row.name.get_untracked().trim().to_owned();
        let made = app.api().create_mcp(&draft).await;
        row.outcome.try_set(Some(made));
    }
    app.fetch_mcp();
}

/// Goes on once all that is chosen is there.
fn finish(import: Import, rows: &[Row]) {
    let mut added = Vec::new();
    for row in rows {
        match row.outcome.get_untracked() {
            Some(Ok(server)) => added.push(server),
            Some(Err(_)) if row.chosen.get_untracked() => return,
            Some(Err(_)) | None => {}
        }
    }
    let asks = |server: &&McpConfiguration| !server.draft.secrets().is_empty();
    match added.iter().any(|server| asks(&server)) {
        true => import.go(Step::Secrets(added)),
        false => import.finish(added.len()),
    }
}

fn row(row: Row) -> AnyView {
    let Row {
        chosen,
        name,
        outcome,
        ..
    } = row.clone();
    let usable = row.is_usable();
    let server = row.server.clone();
    let shown = server.name.clone();
    let renames = usable
        && server
            .problems
            .iter()
            .any(|problem| problem.field == "name");
    let taken = memo(move || {
        let failed = outcome.with(|outcome| matches!(outcome, Some(Err(_))));
        usable && (renames || failed)
    });
    let kind = server
        .draft
        .as_ref()
        .map(|draft| view! { <span class="badge">{draft.server.kind()}</span> });
    let command = server
        .draft
        .as_ref()
        .map(|draft| command_line(&draft.server));
    let asks = server.draft.as_ref().map(|draft| draft.secrets());
    let asks = asks.filter(|names| !names.is_empty()).map(|names| {
        let names: Vec<_> = names.iter().map(|name| secret_name(name)).collect();
        let text = fill(t().mcp_import_asks, &[&names.join(", ")]);
        view! { <p class="mcp-note">{text}</p> }
    });
    let notes = server.notes.iter().map(|note| {
        view! { <p class="import-hint">{icon(icon_name!("info"))}<span>{note.clone()}</span></p> }
    });
    let problems = server.problems.iter().map(|problem| {
        let text = fill(t().problem_of, &[&problem.field, &problem.message]);
        view! { <p class="import-problem">{text}</p> }
    });
    let state = {
        let row = row.clone();
        move || match (usable, row.is_added()) {
            (false, _) => Some(view! { <span class="badge">{t().mcp_import_unusable}</span> }),
            (true, true) => Some(view! { <span class="badge">{t().mcp_import_added}</span> }),
            (true, false) => None,
        }
    };
    let fixed = move || !usable || row.is_added();
    let label = fill(t().mcp_import_take, &[&shown]);
    view! {
        <li class="import-row mcp-import-row" class:is-failed=!usable data-testid="mcp-import-row" data-name=shown.clone()>
            <input
                type="checkbox"
                class="check"
                aria-label=label
                data-testid="mcp-import-choice"
                disabled=fixed
                prop:checked=chosen
                on:change=move |_| chosen.update(|chosen| *chosen = !*chosen)
            />
            <div class="mcp-import-main">
                <p><strong>{shown}</strong>{kind}{state}</p>
                {command}
                {notes.collect_view()}
                {problems.collect_view()}
                {asks}
                <Show when=move || taken.get()>
                    <TextField label=t().mcp_import_name value=name mono=true testid="mcp-import-name"/>
                </Show>
                {move || match outcome.get() {
                    Some(Err(error)) => {
                        let text = match error.code() {
                            Some(Code::McpExists) => t().mcp_name_taken.to_owned(),
                            _ => error.text(),
                        };
                        Some(view! { <p class="import-problem" role="alert">{text}</p> })
                    }
                    _ => None,
                }}
            </div>
        </li>
    }
    .into_any()
}
