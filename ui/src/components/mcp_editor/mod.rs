//! The editor of a server: how it is reached, its secrets, how Berth signs in, and whom it is for.
//!
//! Saving starts nothing and asks nothing. What could not be saved keeps the dialog open and says what was.

mod draft;
mod fields;
mod given;
mod save;
mod secrets;

use crate::view::prelude::*;
use berth_protocol::{Code, McpConfiguration, McpScope};

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::field::focus_first_wrong;
use crate::components::notice::InlineFailure;
use crate::components::org_form::keep_focus_on;
use crate::logic::mcp_form::{Form, Kind};
use crate::logic::route::Route;
use crate::state::{App, McpChange, app, effect, memo, run};
use crate::strings::{count, fill, form_parts, mcp, t};
use crate::web::{clock, dom, error::ApiError, task::spawn_local};
use draft::Draft;
use fields::{Basics, Giving, SignIn};
use save::{Undone, Value, save, told};
use secrets::Secrets;

/// Where the form is in the page.
const FORM: &str = ".is-mcp";

/// Why something was not saved.
#[derive(Clone)]
enum Failed {
    /// The server.
    Save(ApiError),
    /// Some secrets; the server is saved.
    Secrets(Vec<Undone>),
}

/// What the parts of the editor share.
#[derive(Clone, Copy)]
struct Editor {
    app: App,
    draft: Draft,
    /// The server as the engine has it; none before the first save.
    saved: RwSignal<Option<McpConfiguration>>,
    /// The form as it was saved, or began.
    before: RwSignal<Form>,
    /// It was asked whether what was typed may be lost.
    leaving: RwSignal<bool>,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<Failed>>,
    /// It is an organization's that is not the active one any more.
    is_left: Memo<bool>,
}

#[component]
pub fn McpEditor(edit: McpChange) -> impl IntoView {
    let app = app();
    let source = match edit {
        McpChange::New => None,
        McpChange::Of(id) => match app.mcp_now(id) {
            Some(server) => Some(server),
            None => return ().into_any(),
        },
    };
    let form = source
        .as_ref()
        .map_or_else(Form::new, |server| Form::of(&server.draft));
    let saved = RwSignal::new(source);
    let is_shared = memo(move || {
        saved.with(|saved| {
            let saved: Option<&McpConfiguration> = saved.as_ref();
            saved.is_some_and(|saved| saved.scope == McpScope::Organization)
        })
    });
    let editor = Editor {
        app,
        draft: Draft::new(&form),
        saved,
        before: RwSignal::new(form),
        leaving: RwSignal::new(false),
        busy: RwSignal::new(false),
        failure: RwSignal::new(None),
        is_left: app.is_left_behind(is_shared),
    };
    editor.follow();
    editor.view(edit)
}

impl Editor {
    fn is_changed(self) -> bool {
        self.draft.form.get_untracked() != self.before.get_untracked() || self.draft.removes()
    }

    /// Takes what others save, as long as nothing was typed.
    fn follow(self) {
        effect(move || {
            let newer = self.app.model.mcp().with(|servers| {
                let saved = self.saved.get_untracked()?;
                let now = servers.find(saved.id)?;
                (*now != saved).then(|| now.clone())
            });
            if let Some(newer) = newer
                && !self.busy.get_untracked()
            {
                let same = self.saved.with_untracked(|saved| {
                    let saved = saved.as_ref();
                    saved.is_some_and(|saved| saved.version == newer.version)
                });
                // Which secrets are kept is no part of the form.
                if same {
                    self.saved.set(Some(newer));
                } else if !self.is_changed() {
                    self.take(newer);
                }
            }
        });
    }

    /// The form holds what the engine has.
    fn take(self, server: McpConfiguration) {
        let form = Form::of(&server.draft);
        self.before.set(form.clone());
        self.draft.fill(form);
        self.saved.set(Some(server));
        self.failure.set(None);
        self.leaving.set(false);
    }

    /// Whether it may close; asks once before what was typed is lost.
    fn may_close(self) -> bool {
        let may = self.leaving.get_untracked() || !self.is_changed();
        self.leaving.set(!may);
        may
    }

    fn save(self) {
        let Self { app, draft, .. } = self;
        // Its organization is not there to take it.
        if self.is_left.get_untracked() {
            return;
        }
        draft.tried.set(true);
        self.leaving.set(false);
        self.failure.set(None);
        if !draft.problems.with_untracked(Vec::is_empty) {
            return focus_first_wrong(FORM);
        }
        // Fields are read before anything is waited for: the dialog may be closed meanwhile.
        let form = draft.form.get_untracked();
        let values = Value::all(draft, &form);
        let known = self.saved.get_untracked();
        run(self.busy, async move {
            let answer = save(app, &form, values, known.as_ref()).await;
            let is_open = self.saved.try_with_untracked(|_| ()).is_some();
            match answer {
                Ok((server, undone)) if undone.is_empty() => {
                    self.is_done(&server, known.is_none(), is_open);
                }
                Ok((_, undone)) if !is_open => {
                    undone.iter().for_each(|undone| app.complain(&undone.error));
                }
                Err(error) if !is_open => app.complain(&error),
                Ok((server, undone)) => {
                    self.saved.set(Some(server));
                    // A secret that is not stored is still a change.
                    self.before.set(form.without_secrets());
                    self.failure.set(Some(Failed::Secrets(undone)));
                }
                Err(error) => match told(&error, &form) {
                    Some(problems) => {
                        draft.refused.set(Some((form, problems)));
                        focus_first_wrong(FORM);
                    }
                    None => {
                        app.fetch_mcp();
                        self.failure.set(Some(Failed::Save(error)));
                    }
                },
            }
        });
    }

    fn is_done(self, server: &McpConfiguration, is_new: bool, is_open: bool) {
        let app = self.app;
        let text = if is_new { mcp().added } else { mcp().saved };
        app.ui.say(fill(text, &[&server.draft.name]));
        if !is_open {
            return;
        }
        app.ui.close_dialog();
        if app.ui.route.get_untracked() != Route::Mcp {
            return app.ui.go(Route::Mcp);
        }
        if is_new {
            spawn_local(async {
                clock::next_frame().await;
                dom::focus("[data-testid=add-mcp]");
            });
        }
    }

    fn view(self, edit: McpChange) -> AnyView {
        let Self {
            app, draft, saved, ..
        } = self;
        let is_new = edit == McpChange::New;
        // One of an organization that is kept as the user's own is a new one from then on.
        let is_added = memo(move || saved.with(Option::is_none));
        let title = move || match is_added.get() {
            true => mcp().add_title,
            false => mcp().edit_title,
        };
        let text = move || match is_added.get() {
            true => mcp().add_text,
            false => mcp().edit_text,
        };
        let cancel = Callback::new(move |()| {
            if self.may_close() {
                app.ui.close_dialog();
            }
        });
        let on_key = move |event: web_sys::KeyboardEvent| {
            if event.key() == "Enter" && (event.meta_key() || event.ctrl_key()) {
                event.prevent_default();
                self.save();
            }
        };
        let keys = if dom::keyboard().mac {
            "⌘⏎"
        } else {
            "Ctrl ⏎"
        };
        let leaving = self.leaving;
        let is_address = memo(move || draft.kind.get() != Kind::Stdio);
        let may_close = Callback::new(move |()| self.may_close());
        view! {
            <Dialog
                label=Signal::derive(move || title().to_owned())
                class="editor-dialog"
                sticky=true
                may_close=may_close
            >
                <header class="dialog-head">
                    <h2 class="dialog-title">{title}</h2>
                    <p class="dialog-text">{text}</p>
                </header>
                <form
                    class="dialog-main editor-form is-mcp"
                    data-testid="mcp-form"
                    on:submit=move |event| event.prevent_default()
                    on:keydown=on_key
                >
                    <Basics draft=draft autofocus=is_new/>
                    <Secrets draft=draft saved=saved/>
                    <Show when=move || is_address.get()>
                        <SignIn draft=draft saved=saved/>
                    </Show>
                    <Giving draft=draft/>
                    {given::given(app, draft)}
                </form>
                {self.told()}
                <footer class="dialog-foot">
                    <Button
                        label=Signal::derive(move || if leaving.get() { form_parts().discard } else { t().cancel }.to_owned())
                        look=Look::Quiet
                        testid="cancel-mcp"
                        on_click=cancel
                    />
                    <Button
                        label=t().save
                        look=Look::Primary
                        testid="save-mcp"
                        tip=keys
                        busy=self.busy
                        disabled=self.is_left
                        on_click=Callback::new(move |()| self.save())
                    />
                </footer>
            </Dialog>
        }
        .into_any()
    }

    /// What keeps the dialog open, where it is seen whatever the form is scrolled to.
    fn told(self) -> AnyView {
        let wrong = memo(move || self.draft.problems.with(Vec::len));
        let failure = self.failure;
        let leaving = self.leaving;
        view! {
            <div class="editor-told" data-testid="mcp-editor-told">
                {move || self.is_left.get().then(|| self.left())}
                {move || {
                    let wrong = wrong.get();
                    let text = count(wrong as u64, form_parts().one_problem, form_parts().many_problems);
                    (wrong > 0).then(|| view! { <InlineFailure text=text/> })
                }}
                {move || match failure.get() {
                    None => ().into_any(),
                    Some(Failed::Save(error)) if error.code() == Some(Code::McpConflict) => self.conflict(),
                    Some(Failed::Save(error)) => {
                        view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> }.into_any()
                    }
                    Some(Failed::Secrets(undone)) => undone.iter().map(undone_secret).collect_view(),
                }}
                <Show when=move || leaving.get()>
                    <InlineFailure text=form_parts().unsaved/>
                </Show>
            </div>
        }
        .into_any()
    }

    /// Another organization is active, or none. Nothing that was typed is lost, and none of it goes anywhere by itself.
    fn left(self) -> AnyView {
        let keep = Callback::new(move |()| {
            self.saved.set(None);
            self.failure.set(None);
            self.before.set(Form::new());
            self.app.ui.say(mcp().left_kept);
            keep_focus_on("save-mcp");
        });
        view! {
            <InlineFailure text=mcp().left>
                <div class="inline-actions" data-testid="mcp-left">
                    <Button label=mcp().left_keep testid="keep-as-own" on_click=keep/>
                </div>
            </InlineFailure>
        }
        .into_any()
    }

    /// Somebody else was faster: what they saved can take the place of what was typed.
    fn conflict(self) -> AnyView {
        let reload = Callback::new(move |()| {
            let saved = self.saved.get_untracked();
            let now = saved.and_then(|saved| self.app.mcp_now(saved.id));
            if let Some(now) = now {
                self.take(now);
                dom::focus("[data-testid=mcp-name]");
            }
        });
        view! {
            <InlineFailure text=mcp().conflict hint=mcp().conflict_hint>
                <div class="inline-actions">
                    <Button label=mcp().take_theirs testid="take-theirs" on_click=reload/>
                </div>
            </InlineFailure>
        }
        .into_any()
    }
}

fn undone_secret(undone: &Undone) -> AnyView {
    let text = if undone.removing {
        app().kept_in(mcp().secret_not_removed)
    } else {
        mcp().secret_not_stored.to_owned()
    };
    let text = fill(&text, &[&undone.name, &undone.error.text()]);
    view! { <InlineFailure text=text hint=undone.error.hint().unwrap_or_default()/> }.into_any()
}
