//! The secrets of an agent, a row for each.

use crate::view::prelude::*;
use berth_protocol::DefinedAgent;

use super::draft::{Draft, Secret};
use crate::components::button::{Button, IconButton};
use crate::components::field::TextField;
use crate::components::icon::icon_name;
use crate::components::stored_secret::{StoredSecret, Words};
use crate::state::memo;
use crate::strings::{fill, form_parts};
use crate::web::{clock, dom};

#[component]
pub fn Secrets(draft: Draft, saved: RwSignal<Option<DefinedAgent>>) -> impl IntoView {
    let rows = memo(move || {
        let secrets = draft.secrets.get();
        secrets.iter().map(|secret| secret.row).collect::<Vec<_>>()
    });
    let add = Callback::new(move |()| {
        let row = draft.add_secret();
        crate::web::task::spawn_local(async move {
            clock::next_frame().await;
            dom::focus(&format!("#secret-{row} input"));
        });
    });
    view! {
        <section class="form-part" aria-labelledby="agent-secrets">
            <h3 id="agent-secrets">{form_parts().secrets}</h3>
            <p class="form-text">{form_parts().secrets_text}</p>
            <For each=move || rows.get() key=|row| *row let:row>
                {secret(draft, saved, row)}
            </For>
            <div class="form-more">
                <Button label=form_parts().add_secret icon_name=icon_name!("plus") testid="add-secret" on_click=add/>
            </div>
        </section>
    }
    .into_any()
}

fn secret(draft: Draft, saved: RwSignal<Option<DefinedAgent>>, row: u32) -> AnyView {
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
    let stored = move |name: &str| {
        saved.with(|saved| {
            let agent = saved.as_ref();
            agent.is_some_and(|agent| agent.secrets.iter().any(|known| known == name))
        })
    };
    let is_stored = memo(move || stored(name.get().trim()));
    // The value is kept under the name, and goes with it.
    let old_name = Some(name.get_untracked()).filter(|name| {
        let agent = saved.get_untracked();
        agent.is_some_and(|agent| agent.secrets.contains(name))
    });
    let hint = Signal::derive(move || match &old_name {
        Some(old) if *old != name.get().trim() => fill(form_parts().secret_renamed, &[old]),
        _ => form_parts().secret_value_hint.to_owned(),
    });
    let remove = Callback::new(move |()| {
        draft
            .secrets
            .update(|secrets| secrets.retain(|secret| secret.row != row));
        dom::focus("[data-testid=add-secret]");
    });
    let words = Words {
        label: form_parts().secret_value,
        replace: form_parts().secret_replace_of,
        remove: form_parts().secret_remove_of,
        keep: form_parts().secret_keep_of,
        testid: "secret-value",
    };
    view! {
        <div
            class="editor-card"
            id=format!("secret-{row}")
            role="group"
            data-testid="secret"
            aria-label=move || fill(form_parts().secret_named, &[&shown_name.get()])
        >
            <div class="fields">
                <TextField
                    label=form_parts().secret_name
                    value=name
                    problem=draft.secret_problem(row, "")
                    placeholder="MY_API_KEY"
                    mono=true
                    testid="secret-name"
                />
                <StoredSecret
                    words=words
                    id=format!("secret-value-{row}")
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
                    testid="remove-secret"
                    on_click=remove
                />
            </span>
        </div>
    }
    .into_any()
}
