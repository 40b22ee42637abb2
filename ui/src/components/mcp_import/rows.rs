//! What a file names, each with its whole command or address, to be chosen from.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{Code, FieldProblem, McpConfiguration, McpDraft, McpImportedServer};

use super::{Import, Step};
use crate::components::button::{Button, Look};
use crate::components::field::TextField;
use crate::components::icon::{icon, icon_name};
use crate::components::mcp_command::{command_line, given};
use crate::logic::mcp::secret_name;
use crate::state::{App, memo, run};
use crate::strings::{count, fill, form_parts, mcp, t};
use crate::web::{clock, dom, error::ApiError};

/// A server of the file.
#[derive(Clone)]
struct Row {
    server: McpImportedServer,
    chosen: RwSignal<bool>,
    /// The name that it gets here.
    name: RwSignal<String>,
    outcome: Outcome,
}

/// What became of adding a server.
type Outcome = RwSignal<Option<Result<McpConfiguration, ApiError>>>;

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

    /// What is to be added of it, and where it is noted what became of that.
    fn wanted(&self) -> Option<(McpDraft, Outcome)> {
        let added = |outcome: &Option<Result<_, _>>| matches!(outcome, Some(Ok(_)));
        if !self.chosen.get_untracked() || self.outcome.with_untracked(added) {
            return None;
        }
        let draft = McpDraft {
            name: self.name.get_untracked().trim().to_owned(),
            ..self.server.draft.clone()?
        };
        Some((draft, self.outcome))
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
        let rows: Vec<Row> = all.get_value();
        // Fields are read before anything is waited for: the dialog may be closed meanwhile.
        let wanted: Vec<_> = rows.iter().filter_map(Row::wanted).collect();
        run(import.busy, async move {
            add_all(import.app, wanted).await;
            finish(import, &rows);
        });
    });
    let label = Signal::derive(move || {
        let wanted = wanted.get() as u64;
        count(wanted, mcp().import_one, mcp().import_many)
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
            {none.then(|| view! { <p class="prompts-note">{mcp().import_none}</p> })}
        </div>
        {import.told()}
        <footer class="dialog-foot">
            <Button
                label=mcp().import_back
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

/// Adds what is chosen, one after the other, and notes what became of each. What is left when the dialog is
/// closed is not added any more.
async fn add_all(app: App, wanted: Vec<(McpDraft, Outcome)>) {
    for (draft, outcome) in wanted {
        if outcome.try_with_untracked(|_| ()).is_none() {
            break;
        }
        let made = app.api().create_mcp(&draft).await;
        let is_open = outcome.try_with_untracked(|_| ()).is_some();
        match made {
            Err(error) if !is_open => app.complain(&error),
            made => outcome.try_set(Some(made)),
        }
    }
    app.fetch_mcp();
}

/// Goes on once all that is chosen is there, unless the dialog was closed.
fn finish(import: Import, rows: &[Row]) {
    let mut added = Vec::new();
    for row in rows {
        let (Some(outcome), Some(chosen)) = (
            row.outcome.try_get_untracked(),
            row.chosen.try_get_untracked(),
        ) else {
            return;
        };
        match outcome {
            Some(Ok(server)) => added.push(server),
            Some(Err(_)) if chosen => return,
            Some(Err(_)) | None => {}
        }
    }
    let asks = |server: &&McpConfiguration| !server.draft.secrets().is_empty();
    match added.iter().any(|server| asks(&server)) {
        true => import.go(Step::Secrets(added)),
        false => import.finish(added.len()),
    }
}

/// Some projects by their folders, and how many others there are.
fn named(projects: &[String]) -> String {
    /// Most of them by name.
    const NAMED: usize = 3;
    let first = projects.iter().take(NAMED).cloned();
    let first = first.collect::<Vec<_>>().join(", ");
    match projects.len().saturating_sub(NAMED) {
        0 => first,
        more => fill(mcp().import_more_projects, &[&first, &more.to_string()]),
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
    let given = server
        .draft
        .as_ref()
        .and_then(|draft| given(&draft.server, "import-given"));
    let asks = server.draft.as_ref().map(|draft| draft.secrets());
    let asks = asks.filter(|names| !names.is_empty()).map(|names| {
        let names: Vec<_> = names.iter().map(|name| secret_name(name)).collect();
        let text = fill(mcp().import_asks, &[&names.join(", ")]);
        view! { <p class="mcp-note">{text}</p> }
    });
    let projects = (!server.projects.is_empty()).then(|| {
        let text = fill(mcp().import_projects, &[&named(&server.projects)]);
        view! { <p class="import-hint">{icon(icon_name!("info"))}<span>{text}</span></p> }
    });
    let notes = server.notes.iter().map(|note| {
        view! { <p class="import-hint">{icon(icon_name!("info"))}<span>{note.clone()}</span></p> }
    });
    let problems = server.problems.iter().map(|problem| {
        let text = fill(form_parts().problem_of, &[&problem.field, &problem.message]);
        view! { <p class="import-problem">{text}</p> }
    });
    let state = {
        let row = row.clone();
        move || match (usable, row.is_added()) {
            (false, _) => Some(view! { <span class="badge">{mcp().import_unusable}</span> }),
            (true, true) => Some(view! { <span class="badge">{mcp().import_added}</span> }),
            (true, false) => None,
        }
    };
    let fixed = move || !usable || row.is_added();
    let label = fill(mcp().import_take, &[&shown]);
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
                {given}
                {projects}
                {notes.collect_view()}
                {problems.collect_view()}
                {asks}
                <Show when=move || taken.get()>
                    <TextField label=mcp().import_name value=name mono=true testid="mcp-import-name"/>
                </Show>
                {move || match outcome.get() {
                    Some(Err(error)) => {
                        let text = match error.code() {
                            Some(Code::McpExists) => mcp().name_taken.to_owned(),
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
