//! What this machine has of organizations: a replica of what their backend says, and the user's changes that wait
//! for it.
//!
//! `replica_rows` are the backend's truth and move with it alone. `mutations` are the user's edits; what a user
//! sees of a row is the replica with these on top, so that nothing that comes from elsewhere hides an edit. Of one
//! row at most one edit is under way and at most one waits; later edits join the one that waits. `settle` says what
//! becomes of an edit when the row under it moves. How and when the backend is asked is decided in the crate
//! `berth-tenant`.

mod audit;
mod edit;
mod organizations;
mod orphans;
mod pull;
mod push;
mod queue;
mod resolve;
mod servers;
pub(crate) mod sessions;
mod settle;
pub(crate) mod sign_ins;
mod told;
mod view;

pub use audit::AuditBacklog;
pub use edit::TenantEdit;
pub use organizations::{Cursor, OrganizationRecord, SyncCounts, Wiped};
pub use orphans::McpOrphan;
pub use pull::{Page, PulledChange};
pub use push::{Outgoing, PushOutcome, PushVerdict};
pub use servers::Stays;
pub use view::TenantRow;
