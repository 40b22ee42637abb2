//! The UI in a real browser, against the engine that serves it.

#[path = "browser/accessibility.rs"]
mod accessibility;
#[path = "browser/attach.rs"]
mod attach;
#[path = "browser/audit.rs"]
mod audit;
#[path = "browser/connection.rs"]
mod connection;
#[path = "browser/described_agents.rs"]
mod described_agents;
#[path = "browser/form.rs"]
mod form;
#[path = "browser/keyboard.rs"]
mod keyboard;
#[path = "browser/lazy.rs"]
mod lazy;
#[path = "browser/main_flow.rs"]
mod main_flow;
#[path = "browser/mcp.rs"]
mod mcp;
#[path = "browser/mcp_asked.rs"]
mod mcp_asked;
#[path = "browser/mcp_states.rs"]
mod mcp_states;
#[path = "browser/mcp_unattended.rs"]
mod mcp_unattended;
#[path = "browser/mcp_unreadable.rs"]
mod mcp_unreadable;
#[path = "browser/messages.rs"]
mod messages;
#[path = "browser/organization.rs"]
mod organization;
#[path = "browser/organization_admin.rs"]
mod organization_admin;
#[path = "browser/organization_audit.rs"]
mod organization_audit;
#[path = "browser/organization_bounds.rs"]
mod organization_bounds;
#[path = "browser/organization_catalog.rs"]
mod organization_catalog;
#[path = "browser/organization_changes.rs"]
mod organization_changes;
#[path = "browser/organization_requests.rs"]
mod organization_requests;
#[path = "browser/organization_roles.rs"]
mod organization_roles;
#[path = "browser/organization_sessions.rs"]
mod organization_sessions;
#[path = "browser/organization_state.rs"]
mod organization_state;
#[path = "browser/prompts.rs"]
mod prompts;
#[path = "browser/restart.rs"]
mod restart;
#[path = "browser/routers.rs"]
mod routers;
#[path = "browser/session_menu.rs"]
mod session_menu;
#[path = "browser/session_prompts.rs"]
mod session_prompts;
#[path = "browser/stage.rs"]
mod stage;
#[path = "browser/terminal.rs"]
mod terminal;
