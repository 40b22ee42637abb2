//! The changed files of a session's workspace, and the patch of one of them.

mod file_list;
mod patch_view;

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{Code, DiffStat, FileChange, Session, SessionId};

use crate::components::button::IconButton;
use crate::components::icon::{icon, icon_name};
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::state::{App, app, effect, memo};
use crate::strings::{count, fill, session_tabs};
use crate::web::error::ApiError;
use file_list::FileList;
use patch_view::PatchView;

/// How far the comparison was fetched.
#[derive(Clone, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    Shown,
}

/// What the comparison has found.
#[derive(Clone, Default, PartialEq)]
struct Found {
    total: DiffStat,
    base: Option<String>,
}

#[component]
pub fn Changes(id: SessionId, session: Memo<Option<Session>>) -> impl IntoView {
    let app = app();
    let face = RwSignal::new(Face::Loading);
    let files = RwSignal::new(Vec::<FileChange>::new());
    let found = RwSignal::new(Found::default());
    let busy = RwSignal::new(false);
    let chosen = RwSignal::new(None::<String>);
    // Counts up with each comparison, so that a patch is fetched anew as well.
    let edition = RwSignal::new(0_u32);
    let refresh = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            let answer = fetch(app, id, files, found, face).await;
            busy.try_set(false);
            face.try_set(match answer {
                Ok(()) => Face::Shown,
                Err(error) => Face::Failed(error),
            });
            edition.try_update(|edition| *edition += 1);
        });
    };
    // When the agent has finished, and when the engine has counted anew, the files have changed.
    let reason = memo(move || {
        session.see(|s| {
            s.as_ref().map(|s| {
                (
                    matches!(
                        s.status,
                        berth_protocol::Status::Running | berth_protocol::Status::Starting
                    ),
                    s.changes,
                )
            })
        })
    });
    effect(move || {
        reason.track();
        refresh();
    });
    let gone = memo(move || {
        chosen.see(|chosen| {
            chosen
                .as_ref()
                .is_some_and(|path| files.with(|f| !f.iter().any(|f| f.path == *path)))
        })
    });
    let in_git = move || found.with(|f| f.base.is_some());
    view! {
        <div class="changes" class:has-patch=move || chosen.see(Option::is_some)>
            <div class="changes-side">
                <header class="changes-head">
                    {move || {
                        let total = found.with(|f| f.total);
                        view! {
                            <strong>{count(u64::from(total.files), session_tabs().one_file, session_tabs().many_files)}</strong>
                            <span class="plus">{format!("+{}", total.added)}</span>
                            <span class="minus">{format!("−{}", total.removed)}</span>
                        }
                    }}
                    <IconButton
                        name=icon_name!("refresh-cw")
                        label=session_tabs().refresh_changes
                        testid="refresh-changes"
                        busy=busy
                        on_click=Callback::new(move |()| refresh())
                    />
                </header>
                {move || match face.get() {
                    Face::Loading => view! { <Skeleton/> }.into_any(),
                    Face::Failed(error) => {
                        view! {
                            <Failure
                                title=session_tabs().changes_failed
                                text=error.text()
                                hint=error.hint().unwrap_or_default()
                                on_retry=Callback::new(move |()| refresh())
                            />
                        }
                            .into_any()
                    }
                    Face::Shown if files.with(Vec::is_empty) => {
                        let (title, text) = if in_git() {
                            (session_tabs().no_changes, session_tabs().no_changes_text)
                        } else {
                            (session_tabs().no_git, session_tabs().no_git_text)
                        };
                        view! { <Empty name=icon_name!("file-diff") title=title text=text/> }.into_any()
                    }
                    Face::Shown => view! { <FileList files=files chosen=chosen/> }.into_any(),
                }}
            </div>
            <div class="changes-main">
                {move || match chosen.get() {
                    _ if gone.get() => view! { <Empty name=icon_name!("file-diff") title=session_tabs().file_gone text=session_tabs().file_gone_text/> }.into_any(),
                    Some(path) => {
                        edition.track();
                        view! { <PatchView id=id path=path on_back=Callback::new(move |()| chosen.set(None))/> }.into_any()
                    }
                    None if files.with(Vec::is_empty) => ().into_any(),
                    None => {
                        view! {
                            <div class="changes-hint">{icon(icon_name!("file-diff"))}<p>{session_tabs().choose_file}</p></div>
                        }
                            .into_any()
                    }
                }}
            </div>
            <span class="visually-hidden" role="status">
                {move || fill(session_tabs().files_changed, &[&found.with(|f| f.total.files).to_string()])}
            </span>
        </div>
    }
    .into_any()
}

/// Fetches all pages; the first is shown as soon as it is there. A comparison that the engine no
/// longer keeps is started again once.
async fn fetch(
    app: App,
    id: SessionId,
    files: RwSignal<Vec<FileChange>>,
    found: RwSignal<Found>,
    face: RwSignal<Face>,
) -> Result<(), ApiError> {
    let mut restarts = 1;
    'comparison: loop {
        let mut page = app.api().diff(id, None).await?;
        found.try_set(Found {
            total: page.total,
            base: page.base_commit,
        });
        let mut all = page.files;
        let first_shown = files.try_with_untracked(Vec::is_empty).unwrap_or(false);
        if first_shown {
            files.try_set(all.clone());
            face.try_set(Face::Shown);
        }
        while let Some(cursor) = page.next.take() {
            match app.api().diff(id, Some(&cursor)).await {
                Ok(next) => {
                    all.extend(next.files);
                    page.next = next.next;
                }
                Err(error) if error.code() == Some(Code::DiffStale) && restarts > 0 => {
                    restarts -= 1;
                    continue 'comparison;
                }
                Err(error) => return Err(error),
            }
        }
        if files.try_with_untracked(|old| *old != all).unwrap_or(false) {
            files.try_set(all);
        }
        return Ok(());
    }
}
