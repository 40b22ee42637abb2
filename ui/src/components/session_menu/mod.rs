//! What can be done with a session, as a menu: the same in the sidebar and in the session's head.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{Beginning, SessionId};

use crate::components::icon::icon_name;
use crate::components::menu::{MenuButton, MenuItem};
use crate::state::{App, DialogKind, app};
use crate::strings::{fill, t};
use crate::web::files::Download;

#[component]
pub fn SessionMenu(id: SessionId, #[prop(into)] title: String) -> impl IntoView {
    let app = app();
    view! {
        <MenuButton
            name=icon_name!("ellipsis")
            label=fill(t().session_menu, &[&title])
            testid="session-menu"
            items=Callback::new(move |()| items(app, id))
        />
    }
    .into_any()
}

fn items(app: App, id: SessionId) -> Vec<MenuItem> {
    let Some(session) = app.session_now(id) else {
        return Vec::new();
    };
    let busy = RwSignal::new(false);
    let act = move |what: &'static str| Callback::new(move |()| app.session_action(id, what, busy));
    let open = move |dialog: DialogKind| Callback::new(move |()| app.ui.open(dialog.clone()));
    let item = |label: &str, icon, testid, run| MenuItem {
        label: label.to_owned(),
        icon,
        danger: false,
        testid,
        run,
    };
    let (live, archived) = (session.status.is_live(), session.archived_at.is_some());
    let mut items = vec![item(
        t().rename,
        icon_name!("pencil"),
        "rename",
        open(DialogKind::RenameSession(id)),
    )];
    if live {
        items.push(item(
            t().stop,
            icon_name!("square"),
            "menu-stop",
            act("stop"),
        ));
    } else if !archived {
        items.push(item(
            t().restart,
            icon_name!("rotate-ccw"),
            "menu-restart",
            act("restart"),
        ));
        let begin =
            move |beginning| Callback::new(move |()| app.restart_session(id, beginning, busy));
        items.push(item(
            t().restart_anew,
            icon_name!("plus"),
            "menu-restart-anew",
            begin(Beginning::New),
        ));
        items.push(item(
            t().restart_told,
            icon_name!("message-square"),
            "menu-restart-told",
            begin(Beginning::Transcript),
        ));
    }
    let download = Callback::new(move |()| download_recording(app, id));
    items.push(item(
        t().download_recording,
        icon_name!("download"),
        "recording",
        download,
    ));
    if archived {
        items.push(item(
            t().bring_back,
            icon_name!("archive-restore"),
            "restore",
            act("restore"),
        ));
    } else {
        let run = open(DialogKind::ArchiveSession(id));
        items.push(item(t().archive, icon_name!("archive"), "archive", run));
    }
    let run = open(DialogKind::DeleteSession(id));
    items.push(MenuItem {
        danger: true,
        ..item(t().delete, icon_name!("trash-2"), "delete", run)
    });
    items
}

/// Saves a session's recording as a file.
pub fn download_recording(app: App, id: SessionId) {
    spawn_local(async move {
        let blob = match app.api().blob(&format!("/sessions/{id}/recording")).await {
            Ok(blob) => blob,
            Err(error) => return app.complain(&error),
        };
        app.save_file(&Download {
            name: format!("berth-{}.cast", id.short()),
            content: blob,
        })
        .await;
    });
}
