//! The MCP servers: fetched when a page shows them and followed while it does, and what came of trying them.

use std::sync::Arc;

use crate::strings::place;
use crate::view::prelude::*;
use crate::web::error::ApiError;
use crate::web::task::spawn_local;
use crate::wire::Tested;
use berth_protocol::{
    McpConfiguration, McpConfigurationId, McpList, McpScope, McpUnreadable, Timestamp,
};

use super::{App, effect};

/// What is known of the MCP servers.
#[derive(Clone, Default)]
pub struct McpServers {
    /// As they were when they were last fetched.
    pub list: Option<Arc<McpList>>,
    /// Why they could not be fetched.
    pub failure: Option<ApiError>,
}

/// What came of trying a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum McpTrial {
    /// It is under way.
    Running,
    /// What this version of it said.
    Answered(u32, Arc<Tested>),
    /// Why this version of it could not be reached.
    Failed {
        /// The version.
        version: u32,
        /// When the server had last changed as the trial began.
        updated_at: Timestamp,
        /// Why.
        error: ApiError,
    },
}

impl McpServers {
    pub fn all(&self) -> &[McpConfiguration] {
        self.list.as_ref().map_or(&[], |list| &list.configurations)
    }

    pub fn find(&self, id: McpConfigurationId) -> Option<&McpConfiguration> {
        self.all().iter().find(|server| server.id == id)
    }

    pub fn may_write(&self, scope: McpScope) -> bool {
        let list = self.list.as_ref();
        list.is_some_and(|list| list.writable.contains(&scope))
    }

    /// Those that cannot be read.
    pub fn unreadable(&self) -> &[McpUnreadable] {
        self.list.as_ref().map_or(&[], |list| &list.unreadable)
    }

    /// The name of a server, whether or not it can be read, and its version.
    pub fn named(&self, id: McpConfigurationId) -> Option<(String, u32)> {
        let known = self.find(id);
        let known = known.map(|server| (server.draft.name.clone(), server.version));
        let mut unreadable = self.unreadable().iter();
        known.or_else(|| {
            let found = unreadable.find(|server| server.id == id)?;
            Some((unreadable_name(found), 0))
        })
    }

    /// Takes a server as the engine has it now; its place stays until all are fetched.
    pub fn take(&mut self, server: McpConfiguration) {
        if let Some(list) = &mut self.list {
            let all = &mut Arc::make_mut(list).configurations;
            match all.iter_mut().find(|known| known.id == server.id) {
                Some(known) => *known = server,
                None => all.push(server),
            }
        }
    }
}

/// What a server that cannot be read is called.
pub fn unreadable_name(server: &McpUnreadable) -> String {
    match server.name.is_empty() {
        true => server.id.to_string(),
        false => server.name.clone(),
    }
}

impl App {
    /// Keeps the servers known as long as the part of the page is there that asks for it.
    pub fn follow_mcp(self) {
        // Another one shares others, and lets its user do something else with them.
        let active = self.active_org();
        effect(move || {
            self.model.mcp_changed().track();
            active.track();
            self.fetch_mcp();
        });
    }

    /// They may be others now: who shows them asks for them.
    pub(super) fn renew_mcp(self) {
        self.model.mcp_changed().update(|count| *count += 1);
    }

    /// Fetches the servers. The answer counts if nothing was asked since: it could be older than that of the
    /// later question.
    pub fn fetch_mcp(self) {
        let this = self.mcp_asked.get_value() + 1;
        self.mcp_asked.set_value(this);
        spawn_local(async move {
            let answer = self.api().mcp_servers().await;
            if self.mcp_asked.get_value() != this {
                return;
            }
            self.model.mcp().update(|servers| match answer {
                Ok(list) => {
                    servers.list = Some(Arc::new(list));
                    servers.failure = None;
                }
                Err(error) => servers.failure = Some(error),
            });
        });
    }

    /// A text that names the place of secrets, for the place that is used.
    pub fn kept_in(self, text: &str) -> String {
        let servers = self.model.mcp();
        let in_file = servers.with(|servers| {
            let list = servers.list.as_ref();
            list.is_some_and(|list| list.secrets_file)
        });
        match in_file {
            true => text.replace(place().keychain, place().file),
            false => text.to_owned(),
        }
    }

    /// A server, if it is known.
    pub fn mcp_now(self, id: McpConfigurationId) -> Option<McpConfiguration> {
        let servers = self.model.mcp();
        servers.with_untracked(|servers| servers.find(id).cloned())
    }

    /// The engine has changed a server.
    pub fn take_mcp(self, server: McpConfiguration) {
        self.model.mcp().update(|servers| servers.take(server));
        self.fetch_mcp();
    }

    /// Tries a server that was agreed to, unless that is under way.
    pub fn test_mcp(self, id: McpConfigurationId) {
        let trials = self.model.mcp_trials();
        let running = trials.with_untracked(|all| all.get(&id) == Some(&McpTrial::Running));
        let Some(server) = self.mcp_now(id).filter(|_| !running) else {
            return;
        };
        let (version, updated_at) = (server.version, server.updated_at);
        trials.update(|all| drop(all.insert(id, McpTrial::Running)));
        spawn_local(async move {
            let trial = match self.api().test_mcp(id).await {
                Ok(tested) => McpTrial::Answered(version, Arc::new(tested)),
                Err(error) => McpTrial::Failed {
                    version,
                    updated_at,
                    error,
                },
            };
            trials.update(|all| drop(all.insert(id, trial)));
            self.fetch_mcp();
        });
    }
}
