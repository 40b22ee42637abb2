//! The local store: one SQLite file with projects, sessions, messages, the audit chain, the outbox and
//! replicas of what organizations share.
//!
//! Every change of state is one transaction that writes the row, its audit event and its outbox
//! entry together; a call returns after the commit, so what was answered is in the file. There is
//! no policy here: what a change means, and who may make it, is decided in the engine. Secrets
//! never come here.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let folder = tempfile::tempdir().unwrap();
//! let store = berth_store::Store::open(folder.path()).await?;
//! let project = store.create_project("/home/ada/engine", "engine").await?;
//! assert_eq!(store.projects().await?, [project]);
//! assert!(store.verify_audit().await?.valid);
//! store.close().await;
//! # Ok::<(), berth_store::StoreError>(())
//! # }).unwrap();
//! ```

mod agent_versions;
mod audit;
mod columns;
mod defined_agents;
mod error;
mod kept;
mod mcp;
mod mcp_allowed;
mod mcp_calls;
mod mcp_pins;
mod mcp_unreadable;
mod messages;
mod open;
mod open_calls;
mod outbox;
mod projects;
mod prompt_book;
mod prompts;
mod records;
mod routers;
mod schema;
mod session_changes;
mod session_facts;
mod session_prompts;
mod sessions;
mod settings;
mod tenant;
mod unfinished;
mod verify;
mod write;

pub use audit::AuditQuery;
pub use berth_trail::{ChainedEvent, GENESIS_HASH, canonical_json, event_hash};
pub use error::StoreError;
pub use open::{FILE_NAME, Store};
pub use prompt_book::PromptBook;
pub use prompts::placed;
pub use records::*;
pub use tenant::{
    AuditBacklog, Cursor, McpOrphan, OrganizationRecord, Outgoing, Page, PulledChange, PushOutcome,
    PushVerdict, Stays, SyncCounts, TenantEdit, TenantRow, Wiped,
};

#[cfg(test)]
mod full_tests;
