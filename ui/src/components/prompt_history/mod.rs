//! What a prompt was: its versions, how the newest differs from each, and the way back.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{
    Code, PromptDraft, PromptId, PromptRestore, PromptScope, PromptVersion, PromptVersions,
    SystemPrompt, TextDiff,
};

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::icon::icon_name;
use crate::components::notice::{Failure, InlineFailure, Skeleton};
use crate::components::org_form::keep_focus;
use crate::components::prompt_list::target;
use crate::components::text_diff::DiffView;
use crate::components::when::When;
use crate::logic::prompts::{Difference, differences, joined};
use crate::state::{App, app, effect, memo, run};
use crate::strings::{fill, org_prompts, prompt_pages, t};
use crate::web::error::ApiError;

#[component]
pub fn PromptHistory(id: PromptId) -> impl IntoView {
    let app = app();
    let answer = RwSignal::new(None::<Result<PromptVersions, ApiError>>);
    // Counts the questions: an answer to an earlier one does not count.
    let asked = StoredValue::new(0_u32);
    let fetch = move || {
        let this = asked.get_value() + 1;
        asked.set_value(this);
        spawn_local(async move {
            let told = app.api().prompt_versions(id).await;
            if asked.try_get_value() == Some(this) {
                show(answer, told);
            }
        });
    };
    // What an organization has of a prompt comes with its sync, which tells of no prompt.
    let stands = memo(move || {
        app.model.prompts().with(|prompts| {
            let version = prompts.find(id).map(|prompt| prompt.version);
            (version, prompts.change(id))
        })
    });
    let waits = memo(move || stands.with(|(_, change)| change.is_some()));
    effect(move || {
        app.model.prompts_changed().track();
        stands.track();
        fetch();
    });
    let again = Callback::new(move |()| {
        answer.set(None);
        fetch();
    });
    let name = memo(move || {
        let newest = answer.with(|answer| match answer {
            Some(Ok(told)) => told.versions.first().map(|it| it.draft.name.clone()),
            _ => None,
        });
        newest.or_else(|| app.prompt_now(id).map(|prompt| prompt.name))
    });
    let title = move || {
        fill(
            prompt_pages().history_title,
            &[&name.get().unwrap_or_default()],
        )
    };
    // The version that the newest is compared with; by itself the one before it.
    let chosen = RwSignal::new(None::<u32>);
    // Why the last restore failed. It stays when the versions are told anew, which a conflict leads to.
    let failure = RwSignal::new(None::<ApiError>);
    let close = Callback::new(move |()| app.ui.close_dialog());
    view! {
        <Dialog label=prompt_pages().prompt_history class="prompt-dialog history-dialog">
            <header class="dialog-head">
                <h2 class="dialog-title">{title}</h2>
                <p class="dialog-text">{prompt_pages().history_text}</p>
                {move || {
                    let text = org_prompts().history_waits;
                    waits.get().then(|| view! { <p class="dialog-text" data-testid="history-waits">{text}</p> })
                }}
            </header>
            {move || match answer.get() {
                None => view! { <div class="dialog-main"><Skeleton rows=5/></div> }.into_any(),
                Some(Err(error)) => failed(&error, again),
                Some(Ok(told)) => leptos::prelude::untrack(|| history(id, told, chosen, failure)),
            }}
            <footer class="dialog-foot">
                <Button label=t().close look=Look::Quiet testid="close-dialog" on_click=close/>
            </footer>
        </Dialog>
    }
    .into_any()
}

/// What of the dialog takes the focus that has nowhere to be: the version that is chosen, the button that tries again,
/// or else the one that closes it.
const FOCUS: &str = ".history-dialog input:checked, .history-dialog .is-failed button, \
    .history-dialog [data-testid=close-dialog]";

/// Shows an answer, unless it is the one that is shown: what is made anew loses the focus. What is known stays when it
/// cannot be asked for anew.
fn show(
    answer: RwSignal<Option<Result<PromptVersions, ApiError>>>,
    told: Result<PromptVersions, ApiError>,
) {
    let is_known = answer.with_untracked(|shown| matches!(shown, Some(Ok(_))));
    if is_known && told.as_ref().is_err_and(is_away) {
        return;
    }
    let told = Some(told);
    if answer.with_untracked(|shown| *shown != told) {
        answer.set(told);
        keep_focus(FOCUS.to_owned());
    }
}

/// The backend of the organization does not answer now.
fn is_away(error: &ApiError) -> bool {
    matches!(
        error.code(),
        Some(Code::TenantUnreachable | Code::TenantUnavailable)
    )
}

fn failed(error: &ApiError, on_retry: Callback<()>) -> AnyView {
    let (title, text) = match is_away(error) {
        true => (
            org_prompts().history_unreachable,
            org_prompts().history_unreachable_text.to_owned(),
        ),
        false => (prompt_pages().history_failed, error.text()),
    };
    view! {
        <div class="dialog-main" data-testid="history-failed">
            <Failure title=title text=text hint=error.hint().unwrap_or_default() on_retry=on_retry/>
        </div>
    }
    .into_any()
}

fn history(
    id: PromptId,
    told: PromptVersions,
    chosen: RwSignal<Option<u32>>,
    failure: RwSignal<Option<ApiError>>,
) -> AnyView {
    let PromptVersions { versions, next } = told;
    // Before the oldest there may be others that were not fetched.
    let is_whole = next.is_none();
    let Some(newest) = versions.first().cloned() else {
        let none = org_prompts().history_none;
        return view! {
            <div class="dialog-main"><p class="text-diff-none" data-testid="history-none">{none}</p></div>
        }
        .into_any();
    };
    if versions.len() == 1 {
        let gap =
            gap(&newest, None, is_whole).map(|gap| view! { <p class="text-diff-none">{gap}</p> });
        return view! {
            <div class="dialog-main"><p class="text-diff-none">{prompt_pages().history_only}</p>{gap}</div>
        }
        .into_any();
    }
    let is_there = |version: &u32| versions.iter().any(|it| it.version == *version);
    let now = chosen.get_untracked().filter(is_there);
    let now = now.filter(|version| *version != newest.version);
    chosen.set(now.or(versions.get(1).map(|it| it.version)));
    let top = newest.version;
    let older = versions.iter().skip(1).map(Some).chain([None]);
    let rows: Vec<_> = versions
        .iter()
        .zip(older)
        .map(|(version, older)| {
            let gap = gap(version, older, is_whole);
            row(version, gap, top, chosen, failure)
        })
        .collect();
    let versions = StoredValue::new(versions);
    let old = move || {
        let wanted = chosen.get()?;
        versions.with_value(|all| all.iter().find(|it| it.version == wanted).cloned())
    };
    view! {
        <div class="history" data-testid="history">
            <div class="history-versions" role="radiogroup" aria-label=prompt_pages().prompt_history>{rows}</div>
            <div class="history-diff">
                {move || old().map(|old| view! { <Compared id=id old=old newest=newest.clone() failure=failure/> })}
            </div>
        </div>
    }
    .into_any()
}

/// Why numbers are missing between a version of an organization's prompt and the one before it.
fn gap(version: &PromptVersion, older: Option<&PromptVersion>, is_whole: bool) -> Option<String> {
    let is_shared = version.draft.scope == PromptScope::Organization;
    if !is_shared || (older.is_none() && !is_whole) {
        return None;
    }
    let number = version.version;
    let (first, last) = joined(number, older.map(|older| older.version))?;
    let (number, first, last) = (number.to_string(), first.to_string(), last.to_string());
    Some(match first == last {
        true => fill(org_prompts().history_joined_one, &[&first, &number]),
        false => fill(org_prompts().history_joined_many, &[&first, &last, &number]),
    })
}

fn row(
    version: &PromptVersion,
    gap: Option<String>,
    newest: u32,
    chosen: RwSignal<Option<u32>>,
    failure: RwSignal<Option<ApiError>>,
) -> AnyView {
    let number = version.version;
    let is_newest = number == newest;
    let is_shared = version.draft.scope == PromptScope::Organization;
    let by = match (&version.author_name, &version.author) {
        (Some(name), _) => fill(prompt_pages().history_by, &[name]),
        (None, _) if is_shared => org_prompts().history_by_unknown.to_owned(),
        (None, Some(author)) => fill(prompt_pages().history_by, &[author]),
        (None, None) => prompt_pages().history_by_berth.to_owned(),
    };
    let mark =
        is_newest.then(|| view! { <span class="badge">{prompt_pages().history_newest}</span> });
    view! {
        <label class="history-version" class:is-newest=is_newest data-testid="history-version" data-version=number.to_string()>
            <input
                type="radio"
                name="history"
                disabled=is_newest
                prop:checked=move || chosen.get() == Some(number)
                on:change=move |_| {
                    failure.set(None);
                    chosen.set(Some(number));
                }
            />
            <span class="history-name">{fill(prompt_pages().history_version, &[&number.to_string()])}{mark}</span>
            <span class="history-by"><When at=version.at long=true/>" · "{by}</span>
            {gap.map(|gap| view! { <span class="history-by" data-testid="history-joined">{gap}</span> })}
        </label>
    }
    .into_any()
}

/// How the newest version differs from an older one, and the button that brings that back.
#[component]
fn Compared(
    id: PromptId,
    old: PromptVersion,
    newest: PromptVersion,
    failure: RwSignal<Option<ApiError>>,
) -> impl IntoView {
    let app = app();
    let diff = RwSignal::new(None::<Result<TextDiff, ApiError>>);
    let (from, to) = (old.version, newest.version);
    spawn_local(async move {
        let told = app.api().prompt_diff(id, from, to).await;
        diff.try_set(Some(told));
    });
    let label = fill(
        prompt_pages().history_diff,
        &[&from.to_string(), &to.to_string()],
    );
    let busy = RwSignal::new(false);
    let may_write = app
        .model
        .prompts()
        .with(|prompts| prompts.may_write(newest.draft.scope));
    let restore = Callback::new(move |()| {
        let wanted = PromptRestore {
            version: seen(app, id, to),
            to: from,
        };
        failure.set(None);
        run(busy, async move {
            let answer = app.api().restore_prompt(id, &wanted).await;
            // Whoever has closed the dialog meanwhile may have opened another one.
            let is_open = failure.try_with_untracked(|_| ()).is_some();
            match answer {
                Ok(prompt) => restored(app, prompt, from, is_open),
                Err(error) => {
                    // What it is now is asked for, so that it is decided about that.
                    if error.code() == Some(Code::PromptConflict) {
                        app.fetch_prompts();
                    }
                    if is_open {
                        failure.set(Some(error));
                        keep_focus("[data-testid=restore-version]".to_owned());
                    } else {
                        app.complain(&error);
                    }
                }
            }
        });
    });
    let said = label.clone();
    let told = move || {
        diff.see(|diff| match diff {
            Some(Ok(diff)) => {
                let (added, removed) = (diff.added.to_string(), diff.removed.to_string());
                let (added, removed) = (
                    fill(prompt_pages().diff_added, &[&added]),
                    fill(prompt_pages().diff_removed, &[&removed]),
                );
                format!("{said}: {added}, {removed}")
            }
            _ => String::new(),
        })
    };
    view! {
        // All of a difference would be too much to be read out unasked.
        <p class="visually-hidden" role="status">{told}</p>
        {differences_view(app, &old.draft, &newest.draft)}
        {move || match diff.get() {
            None => view! { <Skeleton rows=4/> }.into_any(),
            Some(Err(error)) => view! { <InlineFailure text=format!("{}: {}", prompt_pages().diff_failed, error.text())/> }.into_any(),
            Some(Ok(diff)) if diff.patch.is_empty() => {
                view! { <p class="text-diff-none" data-testid="no-difference">{prompt_pages().history_same}</p> }.into_any()
            }
            Some(Ok(diff)) => view! { <DiffView diff=diff label=label.clone()/> }.into_any(),
        }}
        {move || {
            failure
                .get()
                .map(|error| view! { <InlineFailure text=error.text() hint=error.hint().unwrap_or_default()/> })
        }}
        {may_write
            .then(|| {
                view! {
                    <p class="history-restore">
                        <Button
                            label=fill(prompt_pages().restore_version, &[&from.to_string()])
                            icon_name=icon_name!("rotate-ccw")
                            testid="restore-version"
                            busy=busy
                            on_click=restore
                        />
                    </p>
                }
            })}
    }
    .into_any()
}

/// The number that the engine has for what is edited: a change that waits for an organization is counted there, and is
/// no version yet.
fn seen(app: App, id: PromptId, newest: u32) -> u32 {
    app.model
        .prompts()
        .with_untracked(|prompts| match (prompts.change(id), prompts.find(id)) {
            (Some(_), Some(prompt)) => prompt.version,
            _ => newest,
        })
}

fn restored(app: App, prompt: SystemPrompt, from: u32, is_open: bool) {
    let text = fill(
        prompt_pages().prompt_restored,
        &[&prompt.name, &from.to_string()],
    );
    app.model.prompts().update(|prompts| prompts.take(prompt));
    if is_open {
        app.ui.close_dialog();
    }
    app.ui.say(text);
}

/// What differs beside the words.
pub fn differences_view(app: App, old: &PromptDraft, new: &PromptDraft) -> AnyView {
    let found = differences(old, new, |draft| target(app, &draft.target));
    if found.is_empty() {
        return ().into_any();
    }
    let rows: Vec<_> = found
        .into_iter()
        .map(|Difference { what, old, new }| {
            view! { <div><dt>{what}</dt><dd><del>{old}</del>" → "<ins>{new}</ins></dd></div> }
        })
        .collect();
    view! { <dl class="differences" data-testid="differences">{rows}</dl> }.into_any()
}
