//! All projects: add, rename, remove.

use crate::view::prelude::*;
use berth_protocol::{Project, ProjectId};

use crate::components::button::{Button, Look};
use crate::components::copy_value::CopyValue;
use crate::components::icon::{icon, icon_name};
use crate::components::menu::{MenuButton, MenuItem};
use crate::components::notice::{Empty, Skeleton};
use crate::logic::paths::{shorten, with_tilde};
use crate::pages::page::Page;
use crate::state::{App, DialogKind, Phase, app};
use crate::strings::{count, fill, pages, t};

/// Longest path shown, in characters.
const PATH: usize = 64;

#[component]
pub fn ProjectsPage() -> impl IntoView {
    let app = app();
    let add = move || {
        view! {
            <Button
                label=t().add_project
                look=Look::Primary
                icon_name=icon_name!("folder-plus")
                testid="add-project"
                on_click=Callback::new(move |()| app.ui.open(DialogKind::AddProject))
            />
        }
        .into_any()
    };
    view! {
        <Page title=t().projects text=pages().projects_text actions=add()>
            {move || {
                let projects = app.model.projects().get();
                match (app.model.phase().get(), projects.is_empty()) {
                    (Phase::Loading, _) => view! { <Skeleton/> }.into_any(),
                    (_, true) => {
                        view! { <Empty name=icon_name!("folder-git-2") title=pages().no_projects text=pages().no_projects_text/> }.into_any()
                    }
                    (_, false) => {
                        view! {
                            <ul class="projects">
                                {projects.iter().cloned().map(|project| row(app, project)).collect_view()}
                            </ul>
                        }
                            .into_any()
                    }
                }
            }}
        </Page>
    }
    .into_any()
}

fn row(app: App, project: Project) -> AnyView {
    let id = project.id;
    let sessions = move || {
        let number = app
            .model
            .sessions()
            .see(|all| all.iter().filter(|s| s.project_id == id).count());
        count(number as u64, pages().one_session, pages().many_sessions)
    };
    let shown = shorten(&with_tilde(&project.path, app.home_dir().as_deref()), PATH);
    let branch = project.git.as_ref().map(|git| {
        git.branch
            .clone()
            .unwrap_or_else(|| pages().detached.to_owned())
    });
    let note = match (&project.git, project.missing) {
        (_, true) => Some(t().project_missing),
        (None, _) => Some(pages().no_git_short),
        (Some(git), _) if !git.has_commits => Some(pages().no_commits_short),
        _ => None,
    };
    let mark = if project.git.is_some() {
        icon_name!("folder-git-2")
    } else {
        icon_name!("folder")
    };
    view! {
        <li class="project" class:is-missing=project.missing data-testid="project-row" data-project=id.to_string()>
            <span class="project-mark">{icon(mark)}</span>
            <div class="project-main">
                <strong>{project.name.clone()}</strong>
                <CopyValue label=t().folder value=Signal::stored(project.path) shown=Signal::stored(shown)/>
            </div>
            <div class="project-facts">
                {branch.map(|branch| view! { <span class="project-branch">{icon(icon_name!("git-branch"))}<span>{branch}</span></span> })}
                {note.map(|note| view! { <span class="project-note">{note}</span> })}
                <span>{sessions}</span>
            </div>
            <MenuButton
                name=icon_name!("ellipsis")
                label=fill(pages().project_menu, &[&project.name])
                testid="project-menu"
                items=Callback::new(move |()| items(app, id))
            />
        </li>
    }
    .into_any()
}

fn items(app: App, id: ProjectId) -> Vec<MenuItem> {
    let open = move |dialog: DialogKind| Callback::new(move |()| app.ui.open(dialog.clone()));
    vec![
        MenuItem {
            label: t().rename.to_owned(),
            icon: icon_name!("pencil"),
            danger: false,
            testid: "rename-project",
            run: open(DialogKind::RenameProject(id)),
        },
        MenuItem {
            label: t().remove.to_owned(),
            icon: icon_name!("trash-2"),
            danger: true,
            testid: "remove-project",
            run: open(DialogKind::RemoveProject(id)),
        },
    ]
}
