//! What the user does to sessions, and how the page tells of it.

use std::future::Future;
use std::pin::Pin;

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::*;

use super::{App, DialogKind, ToastKind};
use crate::logic::route::{Route, Tab};
use crate::strings::{fill, t};
use crate::web::{
    clock,
    error::ApiError,
    files::{self, Download},
};

/// How often, and with which pause in milliseconds, something is tried again that must wait for a
/// stopped program to end.
const ENDING_TRIES: u32 = 40;
const ENDING_PAUSE: i32 = 250;

/// Runs a request and shows meanwhile that it runs.
pub fn run(busy: RwSignal<bool>, work: impl Future<Output = ()> + 'static) {
    run_boxed(busy, Box::pin(work));
}

fn run_boxed(busy: RwSignal<bool>, work: Pin<Box<dyn Future<Output = ()>>>) {
    if busy.get_untracked() {
        return;
    }
    busy.set(true);
    spawn_local(async move {
        work.await;
        busy.try_set(false);
    });
}

/// Windows narrower than this show the side columns as drawers.
const NARROW: &str = "(max-width: 899px)";

impl App {
    /// Shows or hides the sidebar, as a column or as a drawer.
    pub fn toggle_sidebar(self) {
        if crate::web::dom::matches_media(NARROW) {
            self.ui.sidebar_drawer.update(|open| *open = !*open);
        } else {
            self.prefs.sidebar_open.update(|open| *open = !*open);
        }
    }

    /// Shows or hides the details, as a column or as a drawer.
    pub fn toggle_details(self) {
        if crate::web::dom::matches_media(NARROW) {
            self.ui.details_drawer.update(|open| *open = !*open);
        } else {
            self.prefs.details_open.update(|open| *open = !*open);
        }
    }

    /// Shows a failure.
    pub fn complain(self, error: &ApiError) {
        self.ui.toast(ToastKind::Error, error.text(), error.hint());
    }

    /// Saves a file for the user.
    pub async fn save_file(self, file: &Download) {
        match files::save(file).await {
            // A browser shows it itself.
            None => {}
            Some(Ok(path)) => self.ui.say(fill(t().file_saved, &[&path])),
            Some(Err(why)) => {
                let text = fill(t().file_not_saved, &[&file.name]);
                self.ui.toast(ToastKind::Error, text, Some(why));
            }
        }
    }

    /// `stop`, `interrupt`, `restart` or `restore`.
    pub fn session_action(self, id: SessionId, what: &'static str, busy: RwSignal<bool>) {
        run(busy, async move {
            self.acted(self.api().act_on_session(id, what).await);
        });
    }

    /// Starts a session again where it is told to begin.
    pub fn restart_session(self, id: SessionId, beginning: Beginning, busy: RwSignal<bool>) {
        run(busy, async move {
            self.acted(self.api().restart_session(id, beginning).await);
        });
    }

    fn acted(self, answer: Result<Option<Session>, ApiError>) {
        match answer {
            Ok(Some(session)) => self.take_session(session),
            Ok(None) => {}
            Err(error) => self.complain(&error),
        }
    }

    /// Opens a session.
    pub fn open_session(self, id: SessionId) {
        self.ui.close_dialog();
        self.ui.go(Route::Session { id, tab: Tab::Chat });
    }

    /// Shows the routers among the settings.
    pub fn manage_routers(self) {
        self.ui.close_dialog();
        self.ui.go(Route::Routers);
    }

    /// Opens the box for a new session; on the first page it is there already.
    pub fn new_session(self) {
        if self.ui.route.get_untracked() == Route::Home && self.ui.dialog.get_untracked().is_none()
        {
            self.ui.sidebar_drawer.set(false);
            crate::web::dom::focus("[data-testid=session-prompt]");
        } else {
            self.ui.open(DialogKind::NewSession);
        }
    }

    /// Sends a message; it is shown at once and marked if it was not taken.
    pub fn send_message(self, id: SessionId, content: String) {
        let transcript = self.transcript(id);
        let Some(local_id) = transcript.try_update(|transcript| transcript.send(&content)) else {
            return;
        };
        spawn_local(async move {
            let answer = self.api().chat(id, content).await;
            transcript.update(|transcript| match answer {
                Ok(accepted) => transcript.sent(local_id, accepted.message),
                Err(error) => {
                    let hint = error
                        .hint()
                        .map(|hint| format!(" {hint}"))
                        .unwrap_or_default();
                    transcript.failed(local_id, format!("{}{hint}", error.text()));
                }
            });
        });
    }

    /// Sends a message that was not taken once more.
    pub fn resend(self, id: SessionId, local_id: u32) {
        let content = self
            .transcript(id)
            .try_update(|transcript| transcript.discard(local_id))
            .flatten();
        if let Some(content) = content {
            self.send_message(id, content);
        }
    }

    /// Answers a question of the agent.
    pub fn answer(self, id: SessionId, approval: Approval, busy: RwSignal<bool>) {
        run(busy, async move {
            if let Err(error) = self.api().answer(id, &approval).await {
                self.complain(&error);
            }
        });
    }

    /// Archives the session. The engine stops it first if it lives.
    pub async fn archive(self, id: SessionId) -> Result<(), ApiError> {
        let session = self
            .when_ended(|| async move { self.api().act_on_session(id, "archive").await })
            .await?;
        session
            .into_iter()
            .for_each(|session| self.take_session(session));
        self.ui.say(t().archived);
        Ok(())
    }

    /// Deletes the session and its workspace. The engine stops it if it lives, but only once nothing stands against
    /// deleting it: a refusal ends no work.
    pub async fn delete(self, id: SessionId, discard: bool) -> Result<(), ApiError> {
        self.when_ended(|| async move { self.api().delete_session(id, discard).await })
            .await?;
        self.forget_session(id);
        self.ui.say(t().deleted);
        Ok(())
    }

    async fn when_ended<T, F: Future<Output = Result<T, ApiError>>>(
        self,
        try_it: impl Fn() -> F,
    ) -> Result<T, ApiError> {
        let mut tries = ENDING_TRIES;
        loop {
            match try_it().await {
                Err(error) if error.code() == Some(Code::SessionLive) && tries > 0 => {
                    tries -= 1;
                    clock::sleep(ENDING_PAUSE).await;
                }
                answer => return answer,
            }
        }
    }
}
