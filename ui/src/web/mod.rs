//! The browser: where the engine is, how it is asked, and what only a browser or the window can do.

pub mod api;
pub mod calls;
pub mod clipboard;
pub mod clock;
pub mod dom;
pub mod endpoint;
pub mod error;
pub mod files;
pub mod mcp;
pub mod org_changes;
pub mod org_requests;
pub mod org_sessions;
pub mod org_settings;
pub mod org_trail;
pub mod organization;
pub mod prompts;
pub mod storage;
pub mod stream;
pub mod task;
pub mod tauri;
pub mod uploads;
