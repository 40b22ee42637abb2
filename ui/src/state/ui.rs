//! The page's own state: where the user is, what is open, what was said.

use crate::view::prelude::*;
use berth_protocol::{AgentId, McpConfigurationId, ProjectId, PromptId, RouterId, SessionId};

use crate::logic::route::{Route, Tab};
use crate::web::{clock, dom};

/// A dialog. One is open at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialogKind {
    NewSession,
    Palette,
    Sheet,
    AddProject,
    DeleteSession(SessionId),
    ArchiveSession(SessionId),
    RenameSession(SessionId),
    RenameProject(ProjectId),
    RemoveProject(ProjectId),
    EditRouter(RouterEdit),
    RemoveRouter(RouterId),
    EditAgent(AgentEdit),
    RemoveAgent(AgentId),
    RemovePrompt(PromptId),
    PromptHistory(PromptId),
    EditMcp(McpChange),
    /// Whether the user agrees to the command or address of a server.
    McpConsent {
        id: McpConfigurationId,
        then: McpThen,
    },
    McpTools(McpConfigurationId),
    /// What an MCP server asks the user of a session to fill in.
    McpAsked(SessionId),
    ClearMcp(McpConfigurationId),
    RemoveMcp(McpConfigurationId),
    /// What a session was given of the prompts.
    SessionPrompt {
        id: SessionId,
        /// What has changed since is looked for.
        changes: bool,
    },
    /// Whether what is not saved may be lost on the way to another page.
    Leave(Route),
}

/// What the editor of routers begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouterEdit {
    /// Nothing; the box for a new session follows if it needs the router.
    New {
        /// It does.
        for_session: bool,
    },
    /// The settings of a router, which are changed.
    Change(RouterId),
    /// The settings of a router, for another one.
    Copy(RouterId),
}

/// What the editor of agents begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEdit {
    /// Nothing.
    New,
    /// An agent that is like this one, which Berth knows.
    Variant(AgentId),
    /// The description of an agent, which is changed.
    Change {
        /// The agent.
        id: AgentId,
        /// The box for a new session needs it, and follows.
        for_session: bool,
    },
    /// The description of an agent, for another one.
    Copy(AgentId),
}

/// What the editor of MCP servers begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum McpChange {
    /// Nothing.
    New,
    /// A server, which is changed.
    Of(McpConfigurationId),
}

/// What follows once the user has agreed to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum McpThen {
    /// Nothing.
    Nothing,
    /// It is tried.
    Test,
    /// It is given to sessions.
    Enable,
}

/// What a toast is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastKind {
    Done,
    Error,
}

/// A short notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub id: u32,
    pub kind: ToastKind,
    pub text: String,
    pub hint: Option<String>,
}

/// The page's own state.
#[derive(Clone, Copy)]
pub struct Ui {
    pub route: RwSignal<Route>,
    pub dialog: RwSignal<Option<DialogKind>>,
    pub toasts: RwSignal<Vec<Toast>>,
    /// A side column stands over the page as a drawer; on narrow windows only.
    pub sidebar_drawer: RwSignal<bool>,
    pub details_drawer: RwSignal<bool>,
    /// Milliseconds since 1970, now and then.
    pub now: RwSignal<i64>,
    /// What is written in the box for a new session, and kept when it closes.
    pub new_prompt: RwSignal<String>,
    /// Counts up when a draft was changed by something other than typing.
    pub draft_changed: RwSignal<u32>,
    /// The page holds something that is not saved and would be lost with it.
    pub unsaved: RwSignal<bool>,
    next_toast: StoredValue<u32>,
}

/// How long a toast stays, in milliseconds. Errors stay longer, because they are read.
const TOAST_DONE: i32 = 4_000;
const TOAST_ERROR: i32 = 10_000;
/// Toasts shown at once.
const MAX_TOASTS: usize = 4;

impl Ui {
    pub fn new() -> Self {
        let fragment = dom::window().location().hash().unwrap_or_default();
        Self {
            route: RwSignal::new(Route::parse(&fragment)),
            dialog: RwSignal::new(None),
            toasts: RwSignal::default(),
            sidebar_drawer: RwSignal::new(false),
            details_drawer: RwSignal::new(false),
            now: RwSignal::new(clock::now()),
            new_prompt: RwSignal::default(),
            draft_changed: RwSignal::new(0),
            unsaved: RwSignal::new(false),
            next_toast: StoredValue::new(0),
        }
    }

    /// Goes to a page. What would be lost with this one is asked about first.
    pub fn go(self, route: Route) {
        self.sidebar_drawer.set(false);
        if self.route.get_untracked() != route {
            if self.unsaved.get_untracked() {
                return self.open(DialogKind::Leave(route));
            }
            dom::window().location().set_hash(&route.fragment()).ok();
            self.route.set(route);
        }
    }

    /// Goes to a page, whatever is lost with this one.
    pub fn leave(self, route: Route) {
        self.unsaved.set(false);
        self.go(route);
    }

    /// The address is another one: by a link, by the browser's buttons, or typed.
    pub fn follow_address(self, route: Route) {
        let before = self.route.get_untracked();
        if before == route {
            return;
        }
        if self.unsaved.get_untracked() {
            dom::replace_fragment(&before.fragment());
            return self.open(DialogKind::Leave(route));
        }
        self.route.set(route);
        self.sidebar_drawer.set(false);
    }

    /// Goes to a part of the session that is shown, without a step in the history.
    pub fn show_tab(self, tab: Tab) {
        if let Route::Session { id, .. } = self.route.get_untracked() {
            let route = Route::Session { id, tab };
            dom::replace_fragment(&route.fragment());
            self.route.set(route);
        }
    }

    pub fn open(self, dialog: DialogKind) {
        self.sidebar_drawer.set(false);
        self.dialog.set(Some(dialog));
    }

    pub fn close_dialog(self) {
        self.dialog.set(None);
    }

    /// Says that something was done.
    pub fn say(self, text: impl Into<String>) {
        self.toast(ToastKind::Done, text.into(), None);
    }

    pub fn toast(self, kind: ToastKind, text: String, hint: Option<String>) {
        let id = self.next_toast.get_value() + 1;
        self.next_toast.set_value(id);
        self.toasts.update(|toasts| {
            toasts.retain(|toast| toast.text != text);
            if toasts.len() >= MAX_TOASTS {
                toasts.remove(0);
            }
            toasts.push(Toast {
                id,
                kind,
                text,
                hint,
            });
        });
        crate::web::task::spawn_local(async move {
            clock::sleep(if kind == ToastKind::Error {
                TOAST_ERROR
            } else {
                TOAST_DONE
            })
            .await;
            self.dismiss(id);
        });
    }

    pub fn dismiss(self, id: u32) {
        self.toasts
            .update(|toasts| toasts.retain(|toast| toast.id != id));
    }
}
