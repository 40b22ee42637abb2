//! The variables or headers whose values are in the keychain, a row for each.

use crate::view::prelude::*;
use berth_protocol::McpConfiguration;

use super::draft::{Draft, Secret};
use crate::components::button::{Button, IconButton};
use crate::components::field::TextField;
use crate::components::icon::icon_name;
use crate::components::stored_secret::{StoredSecret, Words};
use crate::logic::mcp_form::Kind;
use crate::state::{app, memo};
use crate::strings::{fill, form_parts, mcp};
use crate::web::{clock, dom};

#[component]
pub fn Secrets(draft: Draft, saved: RwSignal<Option<McpConfiguration>>) -> impl IntoView {
    let rows = memo(move || {
        let secrets = draft.secrets.get();
        secrets.iter().map(|secret| secret.row).collect::<Vec<_>>()
    });
    let add = Callback::new(move |()| {
        let row = draft.add_secret();
        crate::web::task::spawn_local(async move {
            clock::next_frame().await;
            dom::focus(&format!("#mcp-secret-{row} input"));
        });
    });
    let app = app();
    let text = move || {
        app.kept_in(match draft.kind.get() {
            Kind::Stdio => form_parts().secrets_text,
            Kind::Http | Kind::Sse => mcp().secret_headers_text,
        })
    };
    view! {
        <section class="form-part" aria-labelledby="mcp-secrets">
            <h3 id="mcp-secrets">{form_parts().secrets}</h3>
            <p class="form-text">{text}</p>
            <For each=move || rows.get() key=|row| *row let:row>
                {secret(draft, saved, row)}
            </For>
            <div class="form-more">
                <Button label=form_parts().add_secret icon_name=icon_name!("plus") testid="add-mcp-secret" on_click=add/>
            </div>
        </section>
    }
    .into_any()
}

fn secret(draft: Draft, saved: RwSignal<Option<McpConfiguration>>, row: u32) -> AnyView {
    let secrets = draft.secrets.get_untracked();
    let Some(secret) = secrets.into_iter().find(|secret| secret.row == row) else {
        return ().into_any();
    };
    let Secret {
        name, value, kept, ..
    } = secret;
    let shown_name = Signal::derive(move || match name.get().trim() {
        "" => form_parts().secret_unnamed.to_owned(),
        name => name.to_owned(),
    });
    let is_stored = memo(move || {
        let key = draft.form.with(|form| form.key_of(&name.get()));
        saved.with(|saved| {
            let server = saved.as_ref();
            server.is_some_and(|server| server.kept_secrets.contains(&key))
        })
    });
    let app = app();
    // The value is kept under the name, and goes with it.
    let old_name = Some(name.get_untracked()).filter(|_| is_stored.get_untracked());
    let hint = Signal::derive(move || match &old_name {
        Some(old) if *old != name.get().trim() => fill(form_parts().secret_renamed, &[old]),
        _ => app.kept_in(form_parts().secret_value_hint),
    });
    let label = Signal::derive(move || match draft.kind.get() {
        Kind::Stdio => form_parts().secret_name.to_owned(),
        Kind::Http | Kind::Sse => mcp().secret_header.to_owned(),
    });
    let remove = Callback::new(move |()| {
        draft
            .secrets
            .update(|secrets| secrets.retain(|secret| secret.row != row));
        dom::focus("[data-testid=add-mcp-secret]");
    });
    let words = Words {
        label: form_parts().secret_value,
        replace: form_parts().secret_replace_of,
        remove: form_parts().secret_remove_of,
        keep: form_parts().secret_keep_of,
        testid: "mcp-secret-value",
    };
    view! {
        <div
            class="editor-card"
            id=format!("mcp-secret-{row}")
            role="group"
            data-testid="mcp-secret"
            aria-label=move || fill(form_parts().secret_named, &[&shown_name.get()])
        >
            <div class="fields">
                <TextField
                    label=label
                    value=name
                    problem=draft.secret_problem(row, "")
                    mono=true
                    testid="mcp-secret-name"
                />
                <StoredSecret
                    words=words
                    id=format!("mcp-secret-value-{row}")
                    value=value
                    kept=kept
                    is_stored=is_stored
                    of=shown_name
                    hint=hint
                    problem=draft.secret_problem(row, ".value")
                />
            </div>
            <span class="editor-card-remove">
                <IconButton
                    name=icon_name!("trash-2")
                    label=Signal::derive(move || fill(form_parts().remove_secret, &[&shown_name.get()]))
                    testid="remove-mcp-secret"
                    on_click=remove
                />
            </span>
        </div>
    }
    .into_any()
}
