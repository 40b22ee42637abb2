//! Addresses of the pages, kept in the URL's fragment.
//!
//! A fragment needs no cooperation of the server, so the same addresses work in the Tauri window,
//! from the engine and after a reload.

use berth_protocol::{PromptId, SessionId};

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The first run, or the box for a new session.
    Home,
    /// One session.
    Session {
        /// Which.
        id: SessionId,
        /// Which part of it.
        tab: Tab,
    },
    /// The list of projects.
    Projects,
    /// The list of prompts.
    Prompts,
    /// A prompt that is not there yet.
    NewPrompt,
    /// A new prompt that begins as another one.
    CopyPrompt(PromptId),
    /// One prompt.
    Prompt(PromptId),
    /// The MCP servers.
    Mcp,
    /// The tenant backend, and the organizations of whoever is signed in to it.
    Organization,
    /// The audit trail.
    Audit,
    /// Settings.
    Settings,
    /// The routers among the settings.
    Routers,
    /// An address that is none of ours.
    Unknown,
}

/// A part of the session view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// The conversation.
    #[default]
    Chat,
    /// The terminal.
    Terminal,
    /// The changed files.
    Changes,
}

impl Tab {
    /// All parts, in the order of their tabs.
    pub const ALL: [Self; 3] = [Self::Chat, Self::Terminal, Self::Changes];

    /// Its segment in the address.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Terminal => "terminal",
            Self::Changes => "changes",
        }
    }

    /// The part after this one, from the last to the first.
    pub fn next(self) -> Self {
        match self {
            Self::Chat => Self::Terminal,
            Self::Terminal => Self::Changes,
            Self::Changes => Self::Chat,
        }
    }

    /// The part before this one, from the first to the last.
    pub fn previous(self) -> Self {
        self.next().next()
    }

    /// Position among the tabs.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl Route {
    /// Reads a URL's fragment, with or without its `#`.
    pub fn parse(fragment: &str) -> Self {
        // The page opens with the token in its address, before it has taken it out.
        if token_in(fragment).is_some() {
            return Self::Home;
        }
        let path = fragment.trim_start_matches('#').trim_matches('/');
        let mut parts = path.split('/');
        let route = match (parts.next().unwrap_or_default(), parts.next()) {
            ("", None) => Self::Home,
            ("projects", None) => Self::Projects,
            ("prompts", None) => Self::Prompts,
            ("prompts", Some("new")) => Self::NewPrompt,
            ("prompts", Some(id)) => match (id.parse(), parts.next()) {
                (Ok(id), None) => Self::Prompt(id),
                (Ok(id), Some("copy")) => Self::CopyPrompt(id),
                _ => Self::Unknown,
            },
            ("mcp", None) => Self::Mcp,
            ("organization", None) => Self::Organization,
            ("audit", None) => Self::Audit,
            ("settings", None) => Self::Settings,
            ("settings", Some("routers")) => Self::Routers,
            ("sessions", Some(id)) => {
                let tab = match parts.next() {
                    None => Some(Tab::Chat),
                    Some(slug) => Tab::ALL.into_iter().find(|tab| tab.slug() == slug),
                };
                match (id.parse(), tab) {
                    (Ok(id), Some(tab)) => Self::Session { id, tab },
                    _ => Self::Unknown,
                }
            }
            _ => Self::Unknown,
        };
        if parts.next().is_some() {
            Self::Unknown
        } else {
            route
        }
    }

    /// The fragment, with its `#`.
    pub fn fragment(self) -> String {
        match self {
            Self::Home | Self::Unknown => "#/".to_owned(),
            Self::Session { id, tab: Tab::Chat } => format!("#/sessions/{id}"),
            Self::Session { id, tab } => format!("#/sessions/{id}/{}", tab.slug()),
            Self::Projects => "#/projects".to_owned(),
            Self::Prompts => "#/prompts".to_owned(),
            Self::NewPrompt => "#/prompts/new".to_owned(),
            Self::CopyPrompt(id) => format!("#/prompts/{id}/copy"),
            Self::Prompt(id) => format!("#/prompts/{id}"),
            Self::Mcp => "#/mcp".to_owned(),
            Self::Organization => "#/organization".to_owned(),
            Self::Audit => "#/audit".to_owned(),
            Self::Settings => "#/settings".to_owned(),
            Self::Routers => "#/settings/routers".to_owned(),
        }
    }

    /// It is a prompt, or what becomes one.
    pub fn is_prompt(self) -> bool {
        matches!(
            self,
            Self::NewPrompt | Self::CopyPrompt(_) | Self::Prompt(_)
        )
    }

    /// The session that is shown.
    pub fn session(self) -> Option<SessionId> {
        match self {
            Self::Session { id, .. } => Some(id),
            _ => None,
        }
    }
}

/// The token in a fragment such as `#token=abc`, with which `berth open` starts a browser.
pub fn token_in(fragment: &str) -> Option<&str> {
    let token = fragment.trim_start_matches('#').strip_prefix("token=")?;
    let token = token.split('&').next().unwrap_or_default();
    (!token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_survives_its_address() {
        const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
        let id = ID.parse().unwrap();
        let mut routes = vec![
            Route::Home,
            Route::Projects,
            Route::Prompts,
            Route::NewPrompt,
            Route::CopyPrompt(ID.parse().unwrap()),
            Route::Prompt(ID.parse().unwrap()),
            Route::Mcp,
            Route::Organization,
            Route::Audit,
            Route::Settings,
            Route::Routers,
        ];
        routes.extend(Tab::ALL.map(|tab| Route::Session { id, tab }));
        for route in routes {
            assert_eq!(Route::parse(&route.fragment()), route);
        }
    }

    #[test]
    fn a_foreign_address_is_unknown() {
        for fragment in [
            "#/moon",
            "#/sessions/1",
            "#/projects/x",
            "#/settings/x",
            "#/mcp/x",
            "#/organization/x",
            "#/prompts/1",
            "#/prompts/new/x",
            "#/prompts/01890a5d-ac96-774b-bcce-b302099a8057/x",
            "#/prompts/01890a5d-ac96-774b-bcce-b302099a8057/copy/x",
            "#/sessions/01890a5d-ac96-774b-bcce-b302099a8057/x",
        ] {
            assert_eq!(Route::parse(fragment), Route::Unknown, "{fragment}");
        }
        assert_eq!(Route::parse(""), Route::Home);
        assert_eq!(Route::parse("#token=abc"), Route::Home);
        assert_eq!(Route::parse("#token=abc"), Route::Home);
    }

    #[test]
    fn tabs_cycle_both_ways() {
        for tab in Tab::ALL {
            assert_eq!(tab.next().previous(), tab);
            assert_eq!(Tab::ALL[tab.index()], tab);
        }
    }

    #[test]
    fn the_token_is_read_from_the_fragment() {
        assert_eq!(token_in("#token=abc"), Some("abc"));
        assert_eq!(token_in("#token=abc&x=1"), Some("abc"));
        assert_eq!(token_in("#token="), None);
        assert_eq!(token_in("#/settings"), None);
    }
}
