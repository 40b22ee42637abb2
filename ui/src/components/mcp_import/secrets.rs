//! The secrets of servers that were just added, all in one form.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{McpConfiguration, McpConfigurationId};

use super::Import;
use crate::components::button::{Button, Look};
use crate::components::field::{TextField, focus_first_wrong};
use crate::logic::mcp::secret_name;
use crate::logic::mcp_form::is_secret;
use crate::state::run;
use crate::strings::{form_parts, mcp};
use crate::web::{clock, dom};

/// Where the form is in the page.
const FORM: &str = ".mcp-import-secrets";

/// The field of a secret.
#[derive(Clone)]
struct Field {
    id: McpConfigurationId,
    /// Its name in the keychain.
    key: String,
    value: RwSignal<String>,
    problem: RwSignal<Option<String>>,
}

pub fn secrets_view(import: Import, servers: Vec<McpConfiguration>) -> AnyView {
    let number = servers.len();
    let mut fields = Vec::new();
    let groups: Vec<_> = servers
        .into_iter()
        .filter_map(|server| {
            let own: Vec<_> = server
                .draft
                .secrets()
                .into_iter()
                .map(|key| Field {
                    id: server.id,
                    key,
                    value: RwSignal::new(String::new()),
                    problem: RwSignal::new(None),
                })
                .collect();
            fields.extend(own.iter().cloned());
            (!own.is_empty()).then(|| group(&server.draft.name, own))
        })
        .collect();
    let fields = StoredValue::new(fields);
    let store = Callback::new(move |()| {
        let fields = fields.get_value();
        let mut wrong = false;
        for field in &fields {
            let problem = !field.value.with_untracked(|value| is_secret(value));
            wrong |= problem;
            field
                .problem
                .set(problem.then(|| form_parts().secret_wrong.to_owned()));
        }
        if wrong {
            return focus_first_wrong(FORM);
        }
        run(import.busy, async move {
            if store(import, fields).await {
                import.finish(number);
            }
        });
    });
    spawn_local(async {
        clock::next_frame().await;
        dom::focus(".mcp-import-secrets input");
    });
    view! {
        <div class="dialog-main mcp-import-secrets" data-testid="mcp-import-secrets">{groups}</div>
        {import.told()}
        <footer class="dialog-foot">
            <Button
                label=mcp().import_later
                look=Look::Quiet
                testid="mcp-import-later"
                on_click=Callback::new(move |()| import.finish(number))
            />
            <Button
                label=mcp().import_store
                look=Look::Primary
                testid="mcp-import-store"
                busy=import.busy
                on_click=store
            />
        </footer>
    }
}

/// Stores what was typed. What could not be stored says so at its field.
async fn store(import: Import, fields: Vec<Field>) -> bool {
    let mut all = true;
    for field in fields {
        let Some(value) = field.value.try_get_untracked() else {
            return false;
        };
        let value = value.trim().to_owned();
        if value.is_empty() {
            continue;
        }
        let answer = import
            .app
            .api()
            .set_mcp_secret(field.id, &field.key, value)
            .await;
        let is_open = field.value.try_with_untracked(|_| ()).is_some();
        match answer {
            Ok(_) => field.value.try_set(String::new()),
            Err(error) if !is_open => import.app.complain(&error),
            Err(error) => {
                all = false;
                field.problem.try_set(Some(error.text()));
            }
        }
        all &= is_open;
    }
    import.app.fetch_mcp();
    all
}

fn group(name: &str, fields: Vec<Field>) -> AnyView {
    let name = name.to_owned();
    let fields = fields.into_iter().map(|field| {
        let label = secret_name(&field.key).to_owned();
        view! {
            <TextField
                label=Signal::stored(label)
                value=field.value
                problem=field.problem
                secret=true
                wide=true
                testid="mcp-import-secret"
            />
        }
    });
    view! {
        <fieldset class="choices">
            <legend class="field-label">{name}</legend>
            <div class="fields">{fields.collect_view()}</div>
        </fieldset>
    }
    .into_any()
}
