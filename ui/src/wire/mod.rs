//! What goes over the wire, read and written with little code.
//!
//! The types are the protocol's. Its serde implementations are made for speed and for good messages
//! about bad input, which costs a fifth of the whole module; an engine of the same version sends no
//! bad input, so here a value is parsed into a small tree and taken from there. The tests hold this
//! against serde, in both directions, for every type.

mod defined_agents;
mod json;
mod mcp;
mod org_changes;
mod org_requests;
mod org_sessions;
mod org_settings;
mod org_trail;
mod organization;
mod prompts;
mod read;
mod routers;
mod session_tools;
mod write;

#[cfg(test)]
mod tests;

pub use json::Json;
pub use mcp::{Called, FilledForm, McpForm, Said, Tested, Tool, ToolCall, Tools, rule_word};
pub use org_changes::{ChangeState, Clash, Deed, ShownChange, ShownChanges, Sides};
pub use org_settings::{CEILINGS, ISOLATIONS};
pub use org_trail::{OrgTrailEntries, OrgTrailEntry};
pub use organization::{Difference, Differences, active, has_active};
pub use prompts::{Given, POLICIES};
pub use read::{AuditEntries, AuditEntry, Heard, Read, event, read};
pub use routers::{PROTOCOLS, word_of};
pub use session_tools::{ServerTools, SessionTools};
pub use write::{Write, quote};
