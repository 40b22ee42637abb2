//! The editor of a router: its name and kind, its providers with their keys, its routes.
//!
//! Settings are saved first, then the keys that were typed: a key needs its provider to be known. What
//! could not be saved keeps the dialog open and says what was.

mod draft;
mod providers;
mod routing;

use crate::view::prelude::*;
use berth_protocol::{Code, FieldProblem, Router, RouterDraft, RouterId, RouterKind};

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::field::{SelectField, TextField, focus_first_wrong};
use crate::components::notice::InlineFailure;
use crate::components::router_list::focus_add;
use crate::components::stored_secret::Kept;
use crate::logic::new_session::misses_key;
use crate::logic::route::Route;
use crate::logic::router_form::Form;
use crate::logic::router_presets::PRESETS;
use crate::state::{App, DialogKind, RouterEdit, app, memo, run};
use crate::strings::{count, fill, form_parts, router_editor, t};
use crate::web::{dom, error::ApiError};
use crate::wire::word_of;
use draft::{Card, Draft};
use providers::Providers;
use routing::{Routes, Vertex};

/// The kinds in the order in which they are offered.
const KINDS: [RouterKind; 3] = [
    RouterKind::CcrV3,
    RouterKind::CcrV1,
    RouterKind::ClaudeVertex,
];

/// Where the form is in the page.
const FORM: &str = ".is-router";

#[component]
pub fn RouterEditor(edit: RouterEdit) -> impl IntoView {
    let app = app();
    app.need_routers();
    let installed = move || {
        let routers = app.model.routers().get();
        routers.list.map(|list| list.program.clone())
    };
    let source = match edit {
        RouterEdit::New { .. } => None,
        RouterEdit::Change(id) | RouterEdit::Copy(id) => app.router_now(id),
    };
    let form = match (&source, edit) {
        (Some(router), RouterEdit::Copy(_)) => Form::of(
            &fill(router_editor().router_copy, &[&router.name]),
            &router.settings,
        ),
        (Some(router), _) => Form::of(&router.name, &router.settings),
        (None, _) => {
            let kind = leptos::prelude::untrack(installed).and_then(|program| program.kind);
            Form::new(kind.unwrap_or(RouterKind::CcrV3))
        }
    };
    let draft = Draft::new(&form);
    // The router as the engine has it; none before the first save.
    let saved = RwSignal::new(source.filter(|_| matches!(edit, RouterEdit::Change(_))));
    let before = RwSignal::new(draft.form.get_untracked());
    let leaving = RwSignal::new(false);
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None::<Failed>));
    let stored_changes = move || {
        let cards = draft.cards.get_untracked();
        let mut all = cards.iter().map(|card| card.stored.get_untracked());
        all.any(|stored| stored == Kept::Goes)
    };
    let is_changed =
        move || draft.form.get_untracked() != before.get_untracked() || stored_changes();
    // Esc and Cancel ask once before they lose what was typed.
    let may_close = Callback::new(move |()| {
        let may = leaving.get_untracked() || !is_changed();
        leaving.set(!may);
        may
    });
    let cancel = Callback::new(move |()| {
        if may_close.run(()) {
            app.ui.close_dialog();
        }
    });
    let save = move || {
        draft.tried.set(true);
        leaving.set(false);
        failure.set(None);
        if !draft.problems.with_untracked(Vec::is_empty) {
            return focus_first_wrong(FORM);
        }
        let form = draft.form.get_untracked();
        // Fields are read before anything is waited for: the dialog may be closed meanwhile.
        let known = saved.with_untracked(|saved| saved.as_ref().map(|router| router.id));
        let keys: Vec<_> = draft
            .cards
            .get_untracked()
            .into_iter()
            .map(Key::of)
            .collect();
        run(busy, async move {
            let answer = save(app, &form, keys, known).await;
            let is_open = saved.try_with_untracked(|_| ()).is_some();
            match answer {
                Ok((router, undone)) if undone.is_empty() => done(app, edit, &router, is_open),
                Ok((_, undone)) if !is_open => {
                    undone.iter().for_each(|undone| app.complain(&undone.error))
                }
                Err(error) if !is_open => app.complain(&error),
                Ok((router, undone)) => {
                    saved.set(Some(router));
                    before.set(draft.form.get_untracked());
                    failure.set(Some(Failed::Keys(undone)));
                }
                Err(error) => match told(&error, &form) {
                    Some(problems) => {
                        draft.refused.set(Some((form, problems)));
                        focus_first_wrong(FORM);
                    }
                    None => failure.set(Some(Failed::Save(error))),
                },
            }
        });
    };
    let title = match edit {
        RouterEdit::Change(_) => router_editor().edit_router,
        RouterEdit::New { .. } | RouterEdit::Copy(_) => t().add_router,
    };
    let text = match edit {
        RouterEdit::New { .. } => router_editor().router_form_text,
        RouterEdit::Change(_) => router_editor().router_edit_text,
        RouterEdit::Copy(_) => router_editor().router_copy_text,
    };
    let kind = draft.kind;
    let kind_hint = Signal::derive(move || {
        let kind = kind.get();
        let (text, version) = match kind {
            RouterKind::CcrV1 => (router_editor().kind_v1_text, true),
            RouterKind::CcrV3 => (router_editor().kind_v3_text, true),
            RouterKind::ClaudeVertex => (router_editor().kind_vertex_text, false),
        };
        let installed = installed().filter(|_| version).map(|program| {
            let other = program.kind.map(RouterKind::name);
            match (program.kind == Some(kind), program.version, other) {
                (true, Some(version), _) => fill(router_editor().kind_installed, &[&version]),
                (false, _, Some(other)) => fill(router_editor().kind_other_installed, &[other]),
                _ => router_editor().kind_not_installed.to_owned(),
            }
        });
        match installed {
            Some(installed) => format!("{text} {installed}"),
            None => text.to_owned(),
        }
    });
    let kinds = KINDS.map(|kind| (word_of(kind).to_owned(), kind.name().to_owned()));
    let with_router = memo(move || kind.get() != RouterKind::ClaudeVertex);
    let with_vertex = memo(move || draft.form.with(Form::asks_for_vertex));
    let on_key = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" && (event.meta_key() || event.ctrl_key()) {
            event.prevent_default();
            save();
        }
    };
    let keys = if dom::keyboard().mac {
        "⌘⏎"
    } else {
        "Ctrl ⏎"
    };
    view! {
        <Dialog label=title class="editor-dialog" sticky=true may_close=may_close>
            <header class="dialog-head">
                <h2 class="dialog-title">{title}</h2>
                <p class="dialog-text">{text}</p>
            </header>
            <form
                class="dialog-main editor-form is-router"
                data-testid="router-form"
                on:submit=move |event| event.prevent_default()
                on:keydown=on_key
            >
                {matches!(edit, RouterEdit::New { .. }).then(|| view! { <Presets draft=draft/> })}
                <div class="fields">
                    <TextField
                        label=t().name
                        value=draft.name
                        problem=draft.problem("name")
                        autofocus=matches!(edit, RouterEdit::Copy(_))
                        testid="router-name"
                    />
                    <SelectField
                        label=router_editor().router_kind
                        value=Signal::derive(move || word_of(kind.get()).to_owned())
                        options=Signal::stored(kinds.to_vec())
                        on_select=Callback::new(move |word: String| {
                            if let Some(chosen) = KINDS.into_iter().find(|kind| word_of(*kind) == word) {
                                kind.set(chosen);
                            }
                        })
                        hint=kind_hint
                        problem=draft.problem("kind")
                        testid="router-kind"
                    />
                </div>
                <Show when=move || with_router.get()>
                    <Providers draft=draft saved=saved/>
                    <Routes draft=draft/>
                </Show>
                <Show when=move || with_vertex.get()>
                    <Vertex draft=draft/>
                </Show>
            </form>
            <Told draft=draft failure=failure leaving=leaving/>
            <footer class="dialog-foot">
                <Button
                    label=Signal::derive(move || if leaving.get() { form_parts().discard } else { t().cancel }.to_owned())
                    look=Look::Quiet
                    testid="cancel-router"
                    on_click=cancel
                />
                <Button
                    label=t().save
                    look=Look::Primary
                    testid="save-router"
                    tip=keys
                    busy=busy
                    on_click=Callback::new(move |()| save())
                />
            </footer>
        </Dialog>
    }
    .into_any()
}

/// What the form can be filled with.
#[component]
fn Presets(draft: Draft) -> impl IntoView {
    let app = app();
    let chosen = RwSignal::new("");
    view! {
        <fieldset class="presets">
            <legend class="field-label">{router_editor().start_from}</legend>
            <div class="presets-row">
                {PRESETS
                    .iter()
                    .map(|preset| {
                        let pick = move |_| {
                            let routers = app.model.routers().get_untracked();
                            let installed = routers.list.and_then(|list| list.program.kind);
                            draft.fill(&preset.form(installed));
                            chosen.set(preset.id);
                        };
                        view! {
                            <button
                                type="button"
                                class="preset"
                                data-testid="preset"
                                data-value=preset.id
                                aria-pressed=move || (chosen.get() == preset.id).to_string()
                                on:click=pick
                            >
                                {preset.name}
                            </button>
                        }
                    })
                    .collect_view()}
            </div>
        </fieldset>
    }
    .into_any()
}

/// Why something was not saved.
#[derive(Clone)]
enum Failed {
    /// The settings.
    Save(ApiError),
    /// Some keys; the settings are saved.
    Keys(Vec<Undone>),
}

/// A key that was not stored or not removed.
#[derive(Clone)]
struct Undone {
    provider: String,
    removing: bool,
    error: ApiError,
}

/// What keeps the dialog open, where it is seen whatever the form is scrolled to.
#[component]
fn Told(draft: Draft, failure: RwSignal<Option<Failed>>, leaving: RwSignal<bool>) -> impl IntoView {
    let wrong = memo(move || draft.problems.with(Vec::len));
    view! {
        <div class="editor-told" data-testid="router-told">
            {move || {
                let wrong = wrong.get();
                let text = count(wrong as u64, form_parts().one_problem, form_parts().many_problems);
                (wrong > 0).then(|| view! { <InlineFailure text=text/> })
            }}
            {move || match failure.get() {
                None => ().into_any(),
                Some(Failed::Save(error)) => {
                    view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> }.into_any()
                }
                Some(Failed::Keys(undone)) => undone.iter().map(undone_key).collect_view().into_any(),
            }}
            <Show when=move || leaving.get()>
                <InlineFailure text=form_parts().unsaved/>
            </Show>
        </div>
    }
    .into_any()
}

fn undone_key(undone: &Undone) -> AnyView {
    let text = if undone.removing {
        router_editor().key_not_removed
    } else {
        router_editor().key_not_stored
    };
    let text = fill(text, &[&undone.provider, &undone.error.text()]);
    view! { <InlineFailure text=text hint=undone.error.hint().unwrap_or_default()/> }.into_any()
}

/// What the card of a provider says of its key.
struct Key {
    card: Card,
    /// The provider.
    name: String,
    /// A new key; empty for none.
    key: String,
    /// The key in the keychain is removed.
    goes: bool,
}

impl Key {
    fn of(card: Card) -> Self {
        let text = |field: RwSignal<String>| field.get_untracked().trim().to_owned();
        Self {
            card,
            name: text(card.name),
            key: text(card.key),
            goes: card.stored.get_untracked() == Kept::Goes,
        }
    }
}

/// Saves the settings, then the keys. Returns the router as it is then, and the keys that could not be
/// stored or removed.
async fn save(
    app: App,
    form: &Form,
    keys: Vec<Key>,
    known: Option<RouterId>,
) -> Result<(Router, Vec<Undone>), ApiError> {
    let api = app.api();
    let wanted = RouterDraft {
        name: form.name.trim().to_owned(),
        settings: form.settings(),
    };
    let mut router = match known {
        Some(id) => api.update_router(id, &wanted).await?,
        None => api.create_router(&wanted).await?,
    };
    let mut undone = Vec::new();
    for Key {
        card,
        name,
        key,
        goes,
    } in keys
    {
        let is_there = router
            .settings
            .providers
            .iter()
            .any(|known| known.name == name);
        let stored = router.keys.contains(&name);
        let removing = goes && stored;
        let answer = if !is_there {
            continue;
        } else if !key.is_empty() {
            let answer = api.set_router_key(router.id, &name, key).await;
            answer.map(|changed| router = changed)
        } else if removing {
            let answer = api.remove_router_key(router.id, &name).await;
            answer.map(|()| router.keys.retain(|known| *known != name))
        } else {
            continue;
        };
        match answer {
            Ok(()) => {
                card.key.set(String::new());
                card.stored.set(Kept::Stays);
            }
            Err(error) => undone.push(Undone {
                provider: name,
                removing,
                error,
            }),
        }
    }
    app.fetch_routers();
    Ok((router, undone))
}

/// The fields that a refusal is about; none when it is about something else.
fn told(error: &ApiError, form: &Form) -> Option<Vec<FieldProblem>> {
    let ApiError::Problem(problem) = error else {
        return None;
    };
    if problem.code == Code::RouterExists {
        return Some(vec![FieldProblem {
            field: "name".to_owned(),
            message: router_editor().router_name_taken.to_owned(),
        }]);
    }
    Some(form.placed(problem.fields.clone())).filter(|fields| !fields.is_empty())
}

/// Everything is saved.
fn done(app: App, edit: RouterEdit, router: &Router, is_open: bool) {
    let text = match edit {
        RouterEdit::Change(_) => router_editor().router_saved,
        RouterEdit::New { .. } | RouterEdit::Copy(_) => router_editor().router_added,
    };
    app.ui.say(fill(text, &[&router.name]));
    if !is_open {
        return;
    }
    app.ui.close_dialog();
    if edit == (RouterEdit::New { for_session: false }) {
        focus_add();
    }
    let for_session = edit == RouterEdit::New { for_session: true };
    if for_session && !misses_key(router) && app.ui.route.get_untracked() != Route::Home {
        app.ui.open(DialogKind::NewSession);
    }
}
