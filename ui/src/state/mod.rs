//! What the page knows: the engine's state as its events tell it, and the page's own state.

mod actions;
mod mcp;
mod model;
mod org_requests;
mod org_settings;
mod organization;
mod prefs;
mod prompts;
mod reactive;
mod routers;
mod sync;
mod trail;
mod ui;

use std::collections::HashMap;
use std::sync::Arc;

use crate::view::prelude::*;
use berth_protocol::*;

use crate::logic::{lists, transcript::Transcript};
use crate::web::{api::Api, endpoint::Endpoint};

pub use actions::run;
pub use mcp::{McpServers, McpTrial, unreadable_name};
pub use model::{Connection, Model, Phase};
pub use org_requests::OrgRequests;
pub use org_settings::OrgSettings;
pub use organization::Org;
pub use prefs::{Prefs, ThemeChoice};
pub use prompts::Prompts;
pub use reactive::{Memo, RwSignal, Signal, effect, memo};
pub use routers::Routers;
pub use trail::ShownTrail;
pub use ui::{AgentEdit, DialogKind, McpChange, McpThen, RouterEdit, ToastKind, Ui};

/// The whole state; cheap to copy, and in every component's context.
#[derive(Clone, Copy)]
pub struct App {
    pub model: Model,
    pub ui: Ui,
    pub prefs: Prefs,
    endpoint: RwSignal<Option<Endpoint>>,
    transcripts: StoredValue<HashMap<SessionId, ArcRwSignal<Transcript>>>,
    /// What is written in each session's composer and not sent.
    drafts: StoredValue<HashMap<SessionId, String>>,
    /// How often the routers were asked for.
    routers_asked: StoredValue<u32>,
    /// How often the prompts were asked for.
    prompts_asked: StoredValue<u32>,
    /// How often the MCP servers were asked for.
    mcp_asked: StoredValue<u32>,
    /// How often it was asked how it stands with organizations.
    org_asked: StoredValue<u32>,
    /// What is shown of the audit trail.
    trails: StoredValue<Vec<ShownTrail>>,
}

/// The state of the page that this component belongs to.
pub fn app() -> App {
    expect_context()
}

impl App {
    pub fn new() -> Self {
        Self {
            model: Model::new(),
            ui: Ui::new(),
            prefs: Prefs::load(),
            endpoint: RwSignal::new(None),
            transcripts: StoredValue::default(),
            drafts: StoredValue::default(),
            routers_asked: StoredValue::new(0),
            prompts_asked: StoredValue::new(0),
            mcp_asked: StoredValue::new(0),
            org_asked: StoredValue::new(0),
            trails: StoredValue::default(),
        }
    }

    /// The engine's interface. Before an endpoint is known it leads nowhere and says so.
    pub fn api(self) -> Api {
        Api::new(self.endpoint.get_untracked().unwrap_or(Endpoint {
            url: String::new(),
            token: String::new(),
        }))
    }

    pub fn session(self, id: SessionId) -> Memo<Option<Session>> {
        memo(move || {
            self.model
                .sessions()
                .see(|all| all.iter().find(|session| session.id == id).cloned())
        })
    }

    pub fn session_now(self, id: SessionId) -> Option<Session> {
        self.model
            .sessions()
            .see_untracked(|all| all.iter().find(|s| s.id == id).cloned())
    }

    pub fn project_now(self, id: ProjectId) -> Option<Project> {
        self.model
            .projects()
            .see_untracked(|all| all.iter().find(|p| p.id == id).cloned())
    }

    pub fn project_name(self, id: ProjectId) -> String {
        self.model.projects().see(|all| {
            all.iter()
                .find(|project| project.id == id)
                .map(|p| p.name.clone())
                .unwrap_or_default()
        })
    }

    /// No session was ever started here: the page leads to the first.
    pub fn model_is_without_sessions(self) -> bool {
        self.model.sessions().see_untracked(|all| all.is_empty())
    }

    /// Name of an agent for people.
    pub fn agent_name(self, id: &AgentId) -> String {
        self.model.agents().see(|all| {
            all.iter()
                .find(|a| a.id == *id)
                .map_or_else(|| id.to_string(), |a| a.name.clone())
        })
    }

    pub fn home_dir(self) -> Option<String> {
        self.model
            .engine()
            .see(|engine| engine.as_ref().and_then(|e| e.home_dir.clone()))
    }

    /// The conversation of a session.
    pub fn transcript(self, id: SessionId) -> ArcRwSignal<Transcript> {
        self.transcripts
            .try_update_value(|all| all.entry(id).or_default().clone())
            .unwrap_or_default()
    }

    fn opened_transcript(self, id: SessionId) -> Option<ArcRwSignal<Transcript>> {
        self.transcripts.with_value(|all| all.get(&id).cloned())
    }

    pub fn draft(self, id: SessionId) -> String {
        self.drafts
            .with_value(|all| all.get(&id).cloned().unwrap_or_default())
    }

    pub fn set_draft(self, id: SessionId, text: String) {
        self.drafts.update_value(|all| {
            all.insert(id, text);
        });
    }

    /// Takes an event of the engine.
    pub fn apply(self, event: Event) {
        match event {
            // Handled where the stream is read.
            Event::Reset
            | Event::AuditAdded { .. }
            | Event::RouterChanged { .. }
            | Event::RouterRemoved { .. }
            | Event::PromptChanged { .. }
            | Event::PromptRemoved { .. }
            | Event::PromptPolicyChanged { .. }
            | Event::McpChanged { .. }
            | Event::McpRemoved { .. }
            | Event::OrgChanged { .. } => {}
            Event::ProjectChanged { project } => {
                self.model
                    .projects()
                    .update(|all| lists::upsert(Arc::make_mut(all), project));
            }
            Event::ProjectRemoved { id } => self
                .model
                .projects()
                .update(|all| lists::remove(Arc::make_mut(all), id)),
            Event::AgentsChanged { agents } => self.model.agents().set(Arc::new(agents)),
            Event::SessionChanged { session } => self.take_session(*session),
            Event::SessionRemoved { id } => self.forget_session(id),
            Event::MessageChanged { message } => {
                if let Some(transcript) = self.opened_transcript(message.session_id) {
                    transcript.update(|transcript| transcript.apply(message));
                }
            }
        }
    }

    pub fn take_session(self, session: Session) {
        self.model
            .sessions()
            .update(|all| lists::upsert(Arc::make_mut(all), session));
    }

    pub fn take_project(self, project: Project) {
        self.model
            .projects()
            .update(|all| lists::upsert(Arc::make_mut(all), project));
    }

    pub fn forget_session(self, id: SessionId) {
        self.model
            .sessions()
            .update(|all| lists::remove(Arc::make_mut(all), id));
        self.transcripts.update_value(|all| {
            all.remove(&id);
        });
        if self.ui.route.get_untracked().session() == Some(id) {
            self.ui.go(crate::logic::route::Route::Home);
        }
    }
}
