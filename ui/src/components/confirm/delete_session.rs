//! Deletes a session, after showing what would be lost with its workspace.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{SessionId, UnsavedWork, WorkspaceKind};

use super::Confirm;
use crate::components::button::Look;
use crate::components::icon::{icon, icon_name};
use crate::components::notice::Skeleton;
use crate::state::{app, memo, run};
use crate::strings::{count, dialogs, fill, t};
use crate::web::error::ApiError;

#[component]
pub fn DeleteSessionDialog(id: SessionId) -> impl IntoView {
    let app = app();
    let Some(session) = app.session_now(id) else {
        return ().into_any();
    };
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    // Outer: not known yet; inner: it could not be found out.
    let work = RwSignal::new(None::<Option<UnsavedWork>>);
    spawn_local(async move {
        let answer = app.api().work(id).await;
        work.try_set(Some(answer.ok()));
    });
    let loses = memo(move || work.see(|w| matches!(w, Some(Some(work)) if !work.is_empty())));
    let live = session.status.is_live();
    let confirm = Callback::new(move |()| {
        let discard = loses.get_untracked();
        run(busy, async move {
            match app.delete(id, discard).await {
                Ok(()) => app.ui.close_dialog(),
                Err(error) => {
                    // Work that appeared meanwhile is shown before it is discarded.
                    if let ApiError::Problem(problem) = &error
                        && let Some(found) = problem.work.clone()
                    {
                        work.try_set(Some(Some(found)));
                    }
                    failure.try_set(Some(error));
                }
            }
        });
    });
    let in_place = session.workspace.kind == WorkspaceKind::InPlace;
    let text = if in_place {
        dialogs().delete_text_in_place
    } else {
        dialogs().delete_text
    };
    let action = Signal::derive(move || {
        match (loses.get(), live) {
            (true, _) => dialogs().delete_and_discard,
            (false, true) => dialogs().stop_and_delete,
            (false, false) => t().delete,
        }
        .to_owned()
    });
    view! {
        <Confirm
            title=fill(dialogs().delete_title, &[&session.title])
            text=text
            action=action
            look=Look::Danger
            busy=busy
            failure=failure
            on_confirm=confirm
        >
            {move || match work.get() {
                None => view! { <Skeleton rows=2 class="work-skeleton"/> }.into_any(),
                Some(None) => view! { <p class="work-none">{dialogs().work_unknown}</p> }.into_any(),
                Some(Some(work)) if work.is_empty() => {
                    view! { <p class="work-none">{icon(icon_name!("circle-check"))}{dialogs().work_none}</p> }.into_any()
                }
                Some(Some(work)) => view! { <WorkList work=work/> }.into_any(),
            }}
        </Confirm>
    }
    .into_any()
}

/// What would be lost.
#[component]
fn WorkList(work: UnsavedWork) -> impl IntoView {
    let more = |shown: usize, all: u32| {
        let left = u64::from(all).saturating_sub(shown as u64);
        (left > 0).then(
            || view! { <li class="work-more">{count(left, dialogs().one_more, t().many_more)}</li> },
        )
    };
    view! {
        <div class="work" data-testid="unsaved-work">
            <p class="work-title">{icon(icon_name!("triangle-alert"))}{dialogs().work_lost}</p>
            {(work.uncommitted > 0)
                .then(|| {
                    view! {
                        <h3>{count(u64::from(work.uncommitted), dialogs().one_uncommitted, dialogs().many_uncommitted)}</h3>
                        <ul>
                            {work.files.iter().map(|file| view! { <li>{file.clone()}</li> }).collect_view()}
                            {more(work.files.len(), work.uncommitted)}
                        </ul>
                    }
                })}
            {(work.unpushed > 0)
                .then(|| {
                    view! {
                        <h3>{count(u64::from(work.unpushed), dialogs().one_unpushed, dialogs().many_unpushed)}</h3>
                        <ul>
                            {work
                                .commits
                                .iter()
                                .map(|commit| {
                                    let short: String = commit.hash.chars().take(8).collect();
                                    view! { <li><span class="work-hash">{short}</span>{commit.subject.clone()}</li> }
                                })
                                .collect_view()}
                            {more(work.commits.len(), work.unpushed)}
                        </ul>
                    }
                })}
        </div>
    }
    .into_any()
}
